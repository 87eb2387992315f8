"""The GraphQL schema of this service."""

from typing import Final

from strawberry.printer import print_schema

from payment_subgraph.schema.document import GuardedDocument
from payment_subgraph.schema.entities import SubgraphSchema
from payment_subgraph.schema.mutation import Mutation
from payment_subgraph.schema.query import Query
from payment_subgraph.schema.scalars import CONFIG
from payment_subgraph.schema.subscription import Subscription
from payment_subgraph.schema.user import User

SCHEMA: Final = SubgraphSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[User],
    extensions=[GuardedDocument],
    config=CONFIG,
    # The newest version that the composer (@theguild/federation-composition) takes.
    federation_version="2.9",
)


def sdl() -> str:
    """The subgraph's SDL, as `_service { sdl }` gives it."""
    return print_schema(SCHEMA) + "\n"
