"""The fake Stripe as a process of its own, for tests of what the small wire does not know; emptied for each test."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import stripe

from tests.contract.told_secrets import findings_in_files, refuse
from tests.held_ports import held_port
from tests.payment_subgraph.test_processes import ROOT

_READY_WITHIN_S = 60


class PatientHttp(stripe.HTTPXClient):
    """The SDK waits between its tries; here it need not."""

    def __init__(self) -> None:
        super().__init__(timeout=60)

    async def sleep_async(self, _secs: float) -> None:
        return

    def _get_request_args_kwargs(self, *request: Any) -> Any:
        """httpx warns of the name by which the SDK passes a body."""
        positional, named = super()._get_request_args_kwargs(*request)
        return positional, named | {"data": None, "content": named["data"] or None}


@dataclass(frozen=True)
class FakeStripe:
    base: str
    http: httpx.Client

    def tell(self, path: str, /, **fields: Any) -> Any:
        """A POST to the admin API."""
        answer = self.http.post(f"/_fake/{path}", json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, path: str, count: int = 1, **more: Any) -> None:
        self.tell("faults", kind=kind, path=path, count=count, **more)

    def mend(self) -> None:
        assert self.http.delete("/_fake/faults").is_success

    def post(self, path: str, *, key: str = "sk_test_wire", **params: str) -> dict[str, Any]:
        """A call of the API, by default as somebody in the dashboard makes it."""
        headers = {"authorization": f"Bearer {key}"}
        answer: dict[str, Any] = self.http.post(f"/v1/{path}", data=params, headers=headers).json()
        return answer

    def delete(self, path: str) -> None:
        assert self.http.delete(f"/v1/{path}", headers={"authorization": "Bearer sk_test_wire"}).is_success

    def listed(self, path: str, **params: str) -> list[dict[str, Any]]:
        headers = {"authorization": "Bearer sk_test_wire"}
        answer = self.http.get(f"/v1/{path}", params={"limit": "100", **params}, headers=headers)
        assert answer.is_success, answer.text
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    def give_card(self, secret: str, card: str = "pm_card_visa") -> dict[str, Any]:
        """What the payer's browser does with a setup."""
        setup = secret.partition("_secret_")[0]
        return self.post(
            f"setup_intents/{setup}/confirm",
            key="pk_test_browser",
            client_secret=secret,
            payment_method=card,
            return_url="https://shop.example/back",
        )

    def events(self) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        return self.listed("events")[::-1]


@contextmanager
def running_fake_stripe(folder: Path) -> Iterator[FakeStripe]:
    base = f"http://127.0.0.1:{(port := held_port())}"
    environment = {
        "PATH": os.environ["PATH"],
        "FAKE_STRIPE_PORT": str(port),
        "FAKE_STRIPE_DATABASE": str(folder / "fake_stripe.sqlite3"),
        "FAKE_STRIPE_WEBHOOK_URL": "",
    }
    command = [str(ROOT / "fake_stripe/.venv/bin/python"), "-m", "fake_stripe"]
    with (folder / "fake_stripe.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    with httpx.Client(base_url=base, trust_env=False, timeout=60) as http:
        try:
            _wait_for(http)
            yield FakeStripe(base, http)
        finally:
            process.kill()
            process.wait()
    refuse(findings_in_files([folder / "fake_stripe.log"]))


def _wait_for(http: httpx.Client) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            if http.get("/readyz").is_success:
                return
        except httpx.TransportError:
            assert time.monotonic() < deadline
        time.sleep(0.05)
