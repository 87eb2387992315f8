import subprocess
import sys
from pathlib import Path

import pytest

from fake_stripe.settings import SettingError, from_environment
from tests.fake_stripe.running_fake import ROOT, RunningFake


def test_defaults_are_those_of_the_readme():
    settings = from_environment({})

    assert (settings.host, settings.port) == ("127.0.0.1", 8003)
    assert settings.database == Path(".data/fake_stripe.sqlite3")
    assert settings.webhook_url is None, "no secret, no deliveries"
    assert (
        from_environment({"STRIPE_WEBHOOK_SECRET": "whsec_a"}).webhook_url
        == "http://127.0.0.1:8002/webhooks/stripe"
    )


def test_several_webhook_secrets_all_sign():
    assert from_environment({"STRIPE_WEBHOOK_SECRET": "whsec_a, whsec_b,"}).webhook_secrets == (
        "whsec_a",
        "whsec_b",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAKE_STRIPE_PORT", "http"),
        ("FAKE_STRIPE_PORT", "70000"),
        ("FAKE_STRIPE_WEBHOOK_URL", "localhost:8002"),
        ("FAKE_STRIPE_RETRY_FIRST_SECONDS", "soon"),
        ("FAKE_STRIPE_RETRY_CAP_SECONDS", "nan"),
        ("FAKE_STRIPE_WEBHOOK_CONCURRENCY", "0"),
        ("FAKE_STRIPE_ASYNC_CAPTURE_SECONDS", "-1"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str):
    with pytest.raises(SettingError, match=name):
        from_environment({name: value})


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A start that is not expected to last."""
    return subprocess.run(
        [sys.executable, "-m", "fake_stripe"],
        cwd=ROOT,
        env={"FAKE_STRIPE_DATABASE": str(tmp_path / "db"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_bad_value_stops_the_start_with_one_sentence(tmp_path: Path):
    ended = start(tmp_path, FAKE_STRIPE_PORT="http")

    assert ended.returncode == 2
    assert ended.stderr == "FAKE_STRIPE_PORT must be a port number between 1 and 65535, not 'http'.\n"


def test_a_busy_port_stops_the_start_with_one_sentence(tmp_path: Path, shared_fake: RunningFake):
    ended = start(tmp_path, FAKE_STRIPE_PORT=str(shared_fake.port))

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "set FAKE_STRIPE_PORT to a free port" in ended.stderr
