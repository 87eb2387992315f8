# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""Query: who am I, one user, many users, what happened to them."""

from collections.abc import Mapping
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from user_subgraph import user_page
from user_subgraph.data_exports import ShownDataExport
from user_subgraph.request_context import context_of
from user_subgraph.schema.audit import AuditEventConnection, audit_events
from user_subgraph.schema.inputs import UserFilter, UserOrder
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.types import DataExport, ShownPage, User, UserConnection
from user_subgraph.user import User as Account
from user_subgraph.user import UserId


def _me(_root: None, info: GraphQLResolveInfo) -> Account | None:
    return context_of(info).me


def _user(_root: None, info: GraphQLResolveInfo, *, id: str) -> Account | None:  # noqa: A002 - the API's name
    return context_of(info).visible([id]).get(UserId(id))


def _data_export(_root: None, info: GraphQLResolveInfo) -> ShownDataExport | None:
    context = context_of(info)
    return context.data_exports.newest(context.known_viewer)


def _users(  # noqa: PLR0913 - one for each argument of the field
    _root: None,
    info: GraphQLResolveInfo,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the API's name
    order_by: Mapping[str, Any] | None = None,
) -> ShownPage:
    chosen = _chosen(filter or {})
    order = user_page.UserOrder(**order_by) if order_by else user_page.UserOrder()
    request = user_page.page_request(order, first=first, after=after, last=last, before=before)
    page = context_of(info).accounts.page(chosen, request)
    context_of(info).expect(page.items)
    return ShownPage(page, request, chosen)


def _chosen(given: Mapping[str, Any]) -> user_page.UserFilter:
    return user_page.UserFilter(
        search=given.get("search"),
        statuses=_set_or_none(given.get("status")),
        roles=_set_or_none(given.get("roles")),
        created_after=given.get("created_after"),
        created_before=given.get("created_before"),
    )


def _set_or_none(values: list[Any] | None) -> frozenset[Any] | None:
    return None if values is None else frozenset(values)


class Query(graphene.ObjectType):
    me = ProtectedField(
        User,
        resolver=_me,
        description="Null for a machine, which is nobody. An app needs profile:read for more of it than the id.",
    )
    user = ProtectedField(
        User,
        scopes=[["profile:read"], ["users:read"]],
        id=graphene.ID(required=True),
        resolver=_user,
        description="Yourself, or with users:read anybody; null when there is no such user or they are not yours.",
    )
    data_export = ProtectedField(
        DataExport,
        scopes=[["profile:read"]],
        resolver=_data_export,
        description="The copy of your data that you asked for last; null if you never did.",
    )
    users = ProtectedField(
        UserConnection,
        scopes=[["users:read"]],
        first=graphene.Int(default_value=20),
        after=graphene.String(),
        last=graphene.Int(),
        before=graphene.String(),
        filter=UserFilter(),
        order_by=UserOrder(),
        resolver=_users,
        description="`first` and `last` go from 1 to 100; newest first unless ordered otherwise.",
    )
    audit_events = ProtectedField(
        AuditEventConnection,
        scopes=[["audit:read"]],
        first=graphene.Int(default_value=20),
        after=graphene.String(),
        user_id=graphene.ID(),
        action=graphene.String(),
        resolver=audit_events,
        description="Newest first; `first` goes from 1 to 100. `userId`: of whoever did it, or whom it was done to.",
    )
