"""`_entities`: what the gateway (or anybody who reaches us directly) asks for by key.

A representation is authorised for the viewer exactly as the field it stands behind: a payment that is
not the viewer's is null, without a hint. A bad slot costs only itself.
"""

from collections.abc import Callable
from typing import Any, Final

import strawberry
from strawberry import federation

from payment_subgraph.errors import BadUserInput, QueryTooComplex, RequestError
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.query import visible_dispute, visible_payment, visible_refund
from payment_subgraph.schema.user import User
from payment_subgraph.viewer import READ

MAX_REPRESENTATIONS: Final = 100


async def _user(_info: Info, user_id: str) -> User:
    """A stub: what hangs on it asks for its own rights."""
    return User(id=strawberry.ID(user_id))


async def _payment(info: Info, payment_id: str) -> Any:
    info.context.viewer.require(READ)
    return await visible_payment(info, payment_id)


async def _refund(info: Info, refund_id: str) -> Any:
    info.context.viewer.require(READ)
    return await visible_refund(info, refund_id)


async def _dispute(info: Info, dispute_id: str) -> Any:
    info.context.viewer.require(READ)
    return await visible_dispute(info, dispute_id)


_ENTITIES: Final[dict[str, Callable[[Info, str], Any]]] = {
    "User": _user,
    "Payment": _payment,
    "Refund": _refund,
    "Dispute": _dispute,
}


class SubgraphSchema(federation.Schema):
    """Strawberry's own resolver has no cap, and an unknown `__typename` costs it the whole list."""

    def entities_resolver(
        self, info: strawberry.Info, representations: list[federation.schema.FederationAny]
    ) -> list[federation.schema.FederationAny]:
        info.context.representations += len(representations)
        if info.context.representations > MAX_REPRESENTATIONS:  # under however many aliases
            raise QueryTooComplex(f"At most {MAX_REPRESENTATIONS} representations at once.")
        return [_entity(info, one) for one in representations]  # each is awaited in its own slot

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Nothing: `graphql_http` logs what is ours to know, without the caller's query."""


def _entity(info: Info, representation: object) -> Any:
    """The awaited entity, or an error for this slot alone."""
    kind = representation.get("__typename") if isinstance(representation, dict) else None
    key = representation.get("id") if isinstance(representation, dict) else None
    load = _ENTITIES.get(kind) if isinstance(kind, str) else None
    if load is None or not isinstance(key, str) or not 0 < len(key) <= 255:
        return _bad_representation()
    return load(info, key)


def _bad_representation() -> RequestError:
    return BadUserInput("This is not a representation of an entity of this service.")
