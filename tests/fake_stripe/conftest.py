"""One fake for most tests, which therefore look only at what they made themselves; and fresh ones on request."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_stripe.running_fake import RunningFake
from tests.fake_stripe.webhook_endpoint import WebhookEndpoint, serving


@pytest.fixture(scope="session")
def shared_fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFake]:
    """Running for all tests, without webhooks."""
    fake = RunningFake(
        tmp_path_factory.mktemp("shared_fake"), FAKE_STRIPE_REFUND_SETTLE_SECONDS="3600"
    ).start()
    yield fake
    fake.close()


@pytest.fixture
def fake(shared_fake: RunningFake) -> RunningFake:
    """The shared fake, with an empty account."""
    shared_fake.tell("/reset")
    return shared_fake


@pytest.fixture
def start_fake(tmp_path: Path) -> Iterator[Callable[..., RunningFake]]:
    """Starts a fake of the test's own."""
    started: list[RunningFake] = []

    def start(**environment: str) -> RunningFake:
        started.append(RunningFake(tmp_path, **environment).start())
        return started[-1]

    yield start
    for fake in started:
        fake.close()


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    """A webhook endpoint."""
    return WebhookEndpoint()


@pytest.fixture
def delivering_fake(
    start_fake: Callable[..., RunningFake], endpoint: WebhookEndpoint
) -> Iterator[RunningFake]:
    """A fake that delivers to *endpoint*."""
    with serving(endpoint) as url:
        yield start_fake(FAKE_STRIPE_WEBHOOK_URL=url)
    assert not endpoint.forged
