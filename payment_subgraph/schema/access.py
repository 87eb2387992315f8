"""Scopes on fields: printed for the gateway, and enforced here, because we may be reached without it."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry
from strawberry.extensions import FieldExtension

from payment_subgraph.errors import Scopes
from payment_subgraph.schema.context import Info

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


class RequireScopes(FieldExtension):
    """Refuses the field before its resolver runs."""

    def __init__(self, alternatives: Scopes) -> None:
        self._alternatives = alternatives

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any) -> Any:
        info.context.viewer.require(self._alternatives)
        return next_(source, info, **arguments)

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: Info, **arguments: Any
    ) -> Any:
        info.context.viewer.require(self._alternatives)
        return await next_(source, info, **arguments)


def scoped(alternatives: Scopes, description: str | None = None) -> Callable[[Resolver], Resolver]:
    """`@strawberry.field` for those who hold every scope of one of the *alternatives*."""
    decorate = strawberry.federation.field(
        requires_scopes=[list(scopes) for scopes in alternatives],
        extensions=[RequireScopes(alternatives)],
        description=description,
    )
    return cast("Callable[[Resolver], Resolver]", decorate)
