# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""A field behind a login or behind scopes: checked here, and shown in the SDL from the same declaration."""

from collections.abc import Callable, Sequence
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph.errors import Forbidden
from user_subgraph.request_context import RequestContext, context_of


class ProtectedField(graphene.Field):
    """*scopes* are alternatives, each a list of scopes that are needed together; none: any logged-in user."""

    def __init__(self, type_: Any, *, scopes: Sequence[Sequence[str]] = (), **options: Any) -> None:
        super().__init__(type_, **options)
        self.scopes = scopes

    @property
    def directive(self) -> str:
        if not self.scopes:
            return "@authenticated"
        alternatives = ", ".join(
            "[" + ", ".join(f'"{scope}"' for scope in all_of) + "]" for all_of in self.scopes
        )
        return f"@requiresScopes(scopes: [{alternatives}])"

    def wrap_resolve(self, parent_resolver: Callable[..., Any]) -> Callable[..., Any]:
        resolve = super().wrap_resolve(parent_resolver)

        def guarded(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
            _check(context_of(info), self.scopes)
            return resolve(root, info, **arguments)

        return guarded


def _check(context: RequestContext, scopes: Sequence[Sequence[str]]) -> None:
    viewer = context.known_viewer
    if scopes and not any(viewer.may(*all_of) for all_of in scopes):
        raise Forbidden(scopes)
