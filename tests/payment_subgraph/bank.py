"""The fake Stripe of this repository inside the test's process, under the real SDK; its events are delivered by hand."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import stripe

from fake_stripe import app, settings
from fake_stripe.connections import Connections


class Wire(stripe.HTTPClient):
    """Takes the place of the network."""

    name = "fake"

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__()
        self._http = http
        self.paths: list[str] = []

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self.paths.append(httpx.URL(url).path)
        response = await self._http.request(method, url, headers=dict(headers), content=post_data)
        return response.content, response.status_code, response.headers

    async def sleep_async(self, secs: float) -> None:
        """The SDK waits between its tries; here it need not."""

    async def close_async(self) -> None:
        """The bank closes what it opened."""


class Bank:
    """What cardholders, banks and Stripe itself do. *environment* as the fake's README has it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        given = {"FAKE_STRIPE_DATABASE": str(folder / "bank.sqlite3"), "FAKE_STRIPE_WEBHOOK_URL": ""}
        made = app.create_app(settings.from_environment({**given, **environment}), Connections())
        self._running = made.router.lifespan_context(made)
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="https://api.stripe.com")
        self.wire = Wire(self._http)

    async def __aenter__(self) -> Self:
        await self._running.__aenter__()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._running.__aexit__(None, None, None)
        await self._http.aclose()

    async def tell(self, call: str, /, **fields: Any) -> Any:
        """A POST to the admin API."""
        response = await self._http.post(f"/_fake/{call}", json=fields)
        assert response.status_code == 200, response.text
        return response.json()

    async def dispute(self, intent: str, **how: Any) -> str:
        """Its id."""
        return str((await self.tell(f"charges/{intent}/dispute", **how))["id"])

    async def wait(self, seconds: float, event: str) -> None:
        """Time passes until something falls due that *event* tells of."""
        await self.tell("clock/advance", seconds=seconds)
        async with asyncio.timeout(60):
            while True:
                if event in {one["type"] for one in await self.listed("events")}:
                    return
                await asyncio.sleep(0)

    async def post(self, path: str, **fields: Any) -> Any:
        """As somebody in the dashboard would."""
        response = await self._http.post(f"/v1/{path}", data=fields, headers=_KEY)
        assert response.status_code == 200, response.text
        return response.json()

    async def listed(self, kind: str) -> list[dict[str, Any]]:
        """All of them, oldest first."""
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            after = {"starting_after": found[-1]["id"]} if found else {}
            response = await self._http.get(f"/v1/{kind}", params={"limit": "100", **after}, headers=_KEY)
            page = response.json()
            found += page["data"]
        return found[::-1]

    async def net(self) -> dict[str, int]:
        """What Stripe holds for the account, by currency."""
        sums: dict[str, int] = {}
        for one in await self.listed("balance_transactions"):
            currency = one["currency"].upper()
            sums[currency] = sums.get(currency, 0) + one["net"]
        return sums


_KEY = {"authorization": "Bearer sk_test_wire"}
