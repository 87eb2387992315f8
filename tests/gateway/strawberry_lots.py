"""The `lots` subgraph of the auction as a program: Strawberry, serving both of its subscription protocols.

    python -m tests.gateway.strawberry_lots

It says on standard output where it listens, and each time a subscription begins or ends.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.federation.schema_directives import Key
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import Info

FLOOD, FLOOD_BYTES = 1000, 100_000


@strawberry.federation.type(keys=["id"])
class Lot:
    id: strawberry.ID
    title: str
    weight: int

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Lot":  # noqa: A002 — the key's name
        return lot(id)


@strawberry.federation.type(keys=[Key(fields="id", resolvable=False)])
class Person:
    id: strawberry.ID


@strawberry.type
class Bid:
    amount: int
    lot: Lot
    bidder: Person | None


class Hall:
    """Everybody who hears the bids."""

    def __init__(self) -> None:
        self.ears: set[asyncio.Queue[int]] = set()
        self.shown = 0


HALL = Hall()


def lot(lot_id: str) -> Lot:
    return Lot(id=strawberry.ID(lot_id), title={"l1": "Vase", "l2": "Clock"}[lot_id], weight=3)


def say(text: str) -> None:
    print(text, flush=True)


def caller(info: Info) -> str:
    """The token, from the header or from the payload that opened a WebSocket."""
    context: dict[str, Any] = info.context
    given = context.get("connection_params") or {}
    return str(given.get("authorization") or context["request"].headers.get("authorization") or "nobody")


@strawberry.type
class Query:
    @strawberry.field
    def lot(self, id: strawberry.ID) -> Lot | None:  # noqa: A002 — the argument's name
        return lot(id)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def bid(self, lot: strawberry.ID, amount: int) -> Bid | None:  # noqa: ARG002 — all bids are on one lot
        """0 ends the sale."""
        for ear in HALL.ears:
            ear.put_nowait(amount)
        return None


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def bid_placed(self, info: Info, lot: strawberry.ID | None = None) -> AsyncGenerator[Bid, None]:
        ear: asyncio.Queue[int] = asyncio.Queue()
        HALL.ears.add(ear)
        say(f"opened by {caller(info)}")
        try:
            while amount := await ear.get():
                yield Bid(
                    amount=amount,
                    lot=_lot(lot or strawberry.ID("l1")),
                    bidder=Person(id=strawberry.ID("p1")),
                )
        finally:
            HALL.ears.discard(ear)
            say("closed")

    @strawberry.subscription
    async def lot_on_sale(self, info: Info) -> AsyncGenerator[Lot | None, None]:
        """40 MB, twice as much as the kernel's buffers hold on the way."""
        say(f"opened by {caller(info)}")
        try:
            for shown in range(FLOOD):
                say(f"shown {shown}")
                yield Lot(id=strawberry.ID("l1"), title="V" * FLOOD_BYTES, weight=shown)
        finally:
            say("closed")

    @strawberry.subscription
    async def seconds_left(self) -> AsyncGenerator[int, None]:
        raise ValueError("The clock is broken.")
        yield 0


_lot = lot


def main() -> None:
    schema = strawberry.federation.Schema(
        query=Query, mutation=Mutation, subscription=Subscription, types=[Person]
    )
    app = GraphQL[Any, Any](
        schema, subscription_protocols=[GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL]
    )
    listening = socket.create_server(("127.0.0.1", 0))
    say(f"http://127.0.0.1:{listening.getsockname()[1]}/graphql")
    uvicorn.Server(
        uvicorn.Config(
            app, log_level="critical", ws="websockets-sansio", lifespan="off", timeout_keep_alive=3600
        )
    ).run(sockets=[listening])


if __name__ == "__main__":
    main()
