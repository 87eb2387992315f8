"""Somebody who works in Stripe's dashboard: sends Stripe what the dashboard would, past the system."""

from typing import Any

import httpx

from tests.e2e.running_system import RunningSystem


class Dashboard:
    def __init__(self, system: RunningSystem) -> None:
        self._url = system.fake_stripe_url
        # Whoever owns the account is let in as the system is: by its key, which this launch has made up.
        self._key = (system.data_dir / "keys" / "fake_stripe_key").read_text()

    def pay(self, amount_minor: int, currency: str = "eur", **more: str) -> dict[str, Any]:
        """A payment by a card that works, without any mark of the system."""
        card = {"payment_method": "pm_card_visa", "payment_method_types[]": "card", "confirm": "true"}
        return self._do("payment_intents", amount=str(amount_minor), currency=currency, **card, **more)

    def refund(self, intent: str, amount_minor: int) -> dict[str, Any]:
        return self._do("refunds", payment_intent=intent, amount=str(amount_minor))

    def capture(self, intent: str, amount_minor: int) -> dict[str, Any]:
        return self._do(f"payment_intents/{intent}/capture", amount_to_capture=str(amount_minor))

    def cancel(self, intent: str) -> dict[str, Any]:
        return self._do(f"payment_intents/{intent}/cancel")

    def _do(self, path: str, **params: str) -> dict[str, Any]:
        answer = httpx.post(
            f"{self._url}/v1/{path}", data=params, auth=(self._key, ""), trust_env=False, timeout=60
        )
        done: dict[str, Any] = answer.raise_for_status().json()
        return done
