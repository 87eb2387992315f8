# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""The audit log as the API shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph import audit, user
from user_subgraph.audit_page import AuditFilter, audit_page_request
from user_subgraph.request_context import RequestContext, context_of
from user_subgraph.schema.scalars import DateTime
from user_subgraph.schema.types import PageInfo, User
from user_subgraph.user_page import Page

Users = Mapping[user.UserId, user.User]


@dataclass(frozen=True)
class ShownEvent:
    """An event, and the users of its whole page: they are loaded together, when the first one is asked for."""

    event: audit.AuditEvent
    users: Callable[[], Users]

    @property
    def actor(self) -> user.User | None:
        return self._user(self.event.actor_id)

    @property
    def subject(self) -> user.User | None:
        return self._user(self.event.subject_id)

    def _user(self, user_id: user.UserId | None) -> user.User | None:
        return None if user_id is None else self.users().get(user_id)


def _of_the_event(name: str, _default: None, shown: ShownEvent, _info: GraphQLResolveInfo) -> Any:
    return getattr(shown.event, name)


class AuditChange(graphene.ObjectType):
    class Meta:
        description = "A field that was changed, or a fact of the event."

    field = graphene.String(required=True)
    before = graphene.String(
        name="from", description="Null for personal data, as `to` is: the log outlives the account."
    )
    after = graphene.String(name="to")


class AuditEvent(graphene.ObjectType):
    class Meta:
        description = "Something that happened to an account. Nobody can change or delete it."
        default_resolver = _of_the_event

    id = graphene.ID(required=True)
    action = graphene.String(
        required=True, description="What happened, such as `user.created` or `login.failed`."
    )
    actor = graphene.Field(
        User,
        description="Who did it, as far as they were logged in; null for the operator, and without users:read.",
        resolver=lambda shown, _info: shown.actor,
    )
    subject = graphene.Field(
        User,
        description="Whose account it was; null when there is none, and without users:read.",
        resolver=lambda shown, _info: shown.subject,
    )
    ip_address = graphene.String(
        description="Where the request came from: the nearest address that is no trusted proxy. Null after some months, "
        "and once the person is erased."
    )
    request_id = graphene.String(
        description="Stands in the `X-Request-Id` of the answer and in the logs. Forgotten with the address."
    )
    changes = graphene.List(graphene.NonNull(AuditChange), required=True)
    created_at = graphene.Field(DateTime, required=True)


class AuditEventEdge(graphene.ObjectType):
    cursor = graphene.String(required=True)
    node = graphene.Field(AuditEvent, required=True)


class AuditEventConnection(graphene.ObjectType):
    edges = graphene.List(graphene.NonNull(AuditEventEdge), required=True)
    nodes = graphene.List(graphene.NonNull(AuditEvent), required=True)
    page_info = graphene.Field(PageInfo, required=True)


def audit_events(
    _root: None,
    info: GraphQLResolveInfo,
    *,
    first: int | None = None,
    after: str | None = None,
    user_id: str | None = None,
    action: str | None = None,
) -> dict[str, Any]:
    context = context_of(info)
    page = context.audit_trail.page(AuditFilter(user_id, action), audit_page_request(first, after))
    users = cache(lambda: _users_of(page, context))
    nodes = [ShownEvent(event, users) for event in page.items]
    cursors = [event.id for event in page.items]
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "nodes": nodes,
        "page_info": {
            "has_next_page": page.has_more,
            "has_previous_page": after is not None,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
    }


def _users_of(page: Page[audit.AuditEvent], context: RequestContext) -> Users:
    """Those whom the viewer may know of, as `user(id:)` would show them: deleted ones too."""
    named = {id_ for event in page.items for id_ in (event.actor_id, event.subject_id) if id_ is not None}
    return context.visible(named)
