"""`python -m examples.countdown [PORT]`: serve `subscription { countdown(from: 3) }` by server-sent events and WebSocket."""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

PORT = 8010
"""Where the supergraph beside this file has it."""

LONGEST = 60
STEP_S = 1.0


@strawberry.type
class Query:
    @strawberry.field
    def longest_countdown(self) -> int:
        return LONGEST


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def countdown(
        self, from_: Annotated[int, strawberry.argument(name="from")]
    ) -> AsyncGenerator[int, None]:
        for left in range(min(from_, LONGEST), 0, -1):
            yield left
            await asyncio.sleep(STEP_S)


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    schema = strawberry.federation.Schema(query=Query, subscription=Subscription)
    protocols = [GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL]
    app = GraphQL[Any, Any](schema, subscription_protocols=protocols)
    listening = socket.create_server(("127.0.0.1", port))
    print(f"countdown: http://127.0.0.1:{listening.getsockname()[1]}/graphql", flush=True)
    config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
