"""A fake Stripe in a process of its own, and the two ways to talk to it: Stripe's SDK and the admin API."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import stripe

from tests.contract.told_secrets import findings_in_files, refuse
from tests.held_ports import held_port

ROOT = Path(__file__).parents[2]
WEBHOOK_SECRET = "whsec_test_of_the_fake"
SECRET_KEY = "sk_test_of_the_fake"


def eventually(condition: Callable[[], Any], within_s: float = 60) -> Any:
    """The first truthy value of *condition*; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still not so after {within_s} s"
        time.sleep(0.02)
    return value


class RunningFake:
    """Started and stopped by the test; keeps its port and its file from one start to the next."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = held_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.admin = httpx.Client(base_url=f"{self.base}/_fake", trust_env=False, timeout=60)
        self.http = httpx.Client(
            base_url=self.base, trust_env=False, timeout=60, headers={"Authorization": f"Bearer {SECRET_KEY}"}
        )
        self.stripe = self.client()
        self._log = folder / "fake_stripe.log"
        self._environment = {
            "PATH": os.environ["PATH"],
            "FAKE_STRIPE_PORT": str(self.port),
            "FAKE_STRIPE_DATABASE": str(folder / "fake_stripe.sqlite3"),
            "FAKE_STRIPE_WEBHOOK_URL": "",
            "FAKE_STRIPE_WEBHOOK_TIMEOUT_SECONDS": "60",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "FAKE_STRIPE_RETRY_FIRST_SECONDS": "0.05",
            "FAKE_STRIPE_RETRY_CAP_SECONDS": "0.2",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def client(self, key: str = SECRET_KEY, **options: Any) -> stripe.StripeClient:
        """Stripe's own SDK, pointed here; it retries nothing unless asked to."""
        return stripe.StripeClient(
            key, base_addresses={"api": self.base}, **{"max_network_retries": 0, **options}
        )

    def start(self) -> "RunningFake":
        """Start the process and wait until it is ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fake_stripe"], cwd=ROOT, env=self._environment, stderr=log, stdout=log
            )
        eventually(self._is_ready)
        return self

    def restart_with(self, **environment: str) -> None:
        """Start again, with other settings, after a stop."""
        self._environment |= environment
        self.start()

    def _is_ready(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.ConnectError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process; returns its exit status."""
        assert self._process
        self._process.send_signal(how)
        status = self._process.wait(60)
        self._process = None
        return status

    def close(self) -> None:
        """Leave nothing behind, and fail if the fake itself broke on the way."""
        if self._process:
            self.stop()
        self.admin.close()
        self.http.close()
        assert "Traceback" not in self._log.read_text(), self._log.read_text()
        refuse(findings_in_files([self._log]))

    def tell(self, path: str, /, **fields: Any) -> Any:
        """A POST to the admin API."""
        response = self.admin.post(path, json=fields)
        assert response.status_code == 200, response.text
        return response.json()

    def state(self) -> Any:
        """What the fake holds."""
        return self.admin.get("/state").json()

    def paid(self, amount: int = 2000, **params: Any) -> stripe.PaymentIntent:
        """A payment intent that has succeeded."""
        return self.stripe.v1.payment_intents.create(paying(amount=amount, **params))

    def event_types(self, **params: Any) -> list[str]:
        """The types of all events, oldest first."""
        events = self.stripe.v1.events.list({"limit": 100, **params})
        return [event.type for event in reversed(events.data)]


def paying(**params: Any) -> Any:
    """Parameters that create and confirm a payment intent in one call."""
    return {
        "amount": 2000,
        "currency": "eur",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **params,
    }
