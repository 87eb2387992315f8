"""Sends events to the webhook endpoint, signed as Stripe signs, until it says 2xx.

Source: https://docs.stripe.com/webhooks (signatures, retries)
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time

import httpx

from fake_stripe import webhook_deliveries
from fake_stripe.bell import Bell
from fake_stripe.events import with_pending_webhooks
from fake_stripe.execution import Runtime
from fake_stripe.webhook_deliveries import BackOff, Delivery, Outcome

_log = logging.getLogger("fake_stripe.webhooks")


class WebhookSender:
    """The background loop that works off the deliveries; at most *concurrency* are on their way at once."""

    def __init__(
        self, runtime: Runtime, bell: Bell, url: str, secrets: tuple[str, ...], back_off: BackOff
    ) -> None:
        self._runtime, self._bell, self._url, self._secrets = runtime, bell, url, secrets
        self._back_off = back_off
        self._under_way: set[int] = set()

    async def run(self, concurrency: int, timeout_s: float) -> None:
        """Deliver what falls due, for ever."""
        # Proxy variables of the machine must not catch deliveries to a neighbour on loopback.
        async with (
            httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client,
            asyncio.TaskGroup() as attempts,
        ):
            while True:
                now = self._runtime.clock.time()
                for delivery in self._startable(now, concurrency):
                    self._under_way.add(delivery.id)
                    attempts.create_task(self._attempt(client, delivery, self._payload(delivery)))
                await self._bell.heard(self._pause(now, concurrency))

    def _startable(self, now: float, concurrency: int) -> list[Delivery]:
        due = webhook_deliveries.due(self._runtime.store, now, concurrency + len(self._under_way))
        waiting = [delivery for delivery in due if delivery.id not in self._under_way]
        return waiting[: concurrency - len(self._under_way)]

    def _pause(self, now: float, concurrency: int) -> float | None:
        """Until the next one falls due; with no room left, until one ends, which rings the bell."""
        next_at = webhook_deliveries.next_due_after(self._runtime.store, now)
        if next_at is None or len(self._under_way) >= concurrency:
            return None
        return max(0.0, next_at - self._runtime.clock.time())

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery, payload: bytes) -> None:
        try:
            outcome = await self._post(client, payload)
        finally:
            self._under_way.discard(delivery.id)
        with self._runtime.execution() as execution:
            webhook_deliveries.attempted(
                execution.store, delivery, outcome, execution.clock.time(), self._back_off
            )
        _log.info("%s attempt %d: %s", delivery.event, delivery.attempts + 1, outcome.result)

    async def _post(self, client: httpx.AsyncClient, payload: bytes) -> Outcome:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self._secrets, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            response = await client.post(self._url, content=payload, headers=headers)
        except httpx.HTTPError as error:
            return Outcome(delivered=False, result=f"{type(error).__name__}: {error}")
        return Outcome(response.is_success, f"HTTP {response.status_code}")

    def _payload(self, delivery: Delivery) -> bytes:
        event = self._runtime.store.find("event", delivery.event)
        if event is None:
            raise LookupError(delivery.event)
        return json.dumps(with_pending_webhooks(self._runtime.store, event), indent=2).encode()


def signature(payload: bytes, secrets: tuple[str, ...], timestamp: int) -> str:
    """The `Stripe-Signature` header: one v1 for each secret."""
    signed = str(timestamp).encode() + b"." + payload
    schemes = [f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}" for secret in secrets]
    return ",".join([f"t={timestamp}", *schemes])
