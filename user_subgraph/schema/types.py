# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""The object types and enums of the API.

`possible_types` names the class of ours that a type shows; attributes answer the fields of the same name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import graphene
from graphene.types.resolver import attr_resolver
from graphql import GraphQLResolveInfo

from user_subgraph import (
    accounts,
    data_export,
    data_exports,
    login_session,
    mfa,
    passkey,
    sessions,
    tokens,
    user,
    user_page,
)
from user_subgraph.errors import Forbidden
from user_subgraph.request_context import context_of
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.scalars import DateTime, EmailAddress


def _enum(python_enum: Any) -> Any:
    # Without a description, asked for each value and for the enum itself, Graphene writes "An enumeration."
    return graphene.Enum.from_enum(python_enum, description=lambda _value: None)


_DELETE_MODES = {
    accounts.UserDeleteMode.SOFT_DELETE: "The account is closed; its data and its address stay.",
    accounts.UserDeleteMode.ERASE: "Only the id is left, because payments refer to it. There is no way back.",
}
UserStatus = _enum(user.UserStatus)
Role = _enum(user.Role)
MfaMethod = _enum(mfa.MfaMethod)
LogoutScope = _enum(sessions.LogoutScope)
UserDeleteMode = graphene.Enum.from_enum(
    accounts.UserDeleteMode, description=lambda value: None if value is None else _DELETE_MODES[value]
)
DataExportStatus = _enum(data_export.DataExportStatus)
UserSortField = _enum(user_page.UserSortField)
SortDirection = _enum(user_page.SortDirection)


class Session(graphene.ObjectType):
    class Meta:
        description = "A login that has not ended, on one device."
        possible_types = (login_session.LoginSession,)

    id = graphene.ID(required=True)
    created_at = graphene.Field(DateTime, required=True)
    last_used_at = graphene.Field(
        DateTime, required=True, description="When it last got new tokens: at its login, and at each refresh."
    )
    expires_at = graphene.Field(DateTime, required=True)
    ip_address = graphene.String(description="Where it was last used from.")
    user_agent = graphene.String(description="What the program that last used it calls itself.")
    app_name = graphene.String(
        description="The app that was let in by OAuth 2; null for who has logged in themselves.",
        resolver=lambda shown, _info: shown.client_name,
    )
    current = graphene.Boolean(
        required=True,
        description="Whether it is the one of the access token in use.",
        resolver=lambda shown, info: shown.id == context_of(info).known_viewer.session_id,
    )


def _sessions(shown: user.User, info: GraphQLResolveInfo) -> Sequence[login_session.LoginSession] | None:
    context = context_of(info)
    viewer = context.known_viewer
    if shown.id != viewer.user_id and not viewer.may("users:read"):
        return None
    return context.session_lists.of(shown.id)


class Passkey(graphene.ObjectType):
    class Meta:
        description = "A key on a device of yours: it logs you in, by itself or after the password."
        possible_types = (passkey.Passkey,)

    id = graphene.ID(required=True)
    name = graphene.String(required=True)
    created_at = graphene.Field(DateTime, required=True)
    last_used_at = graphene.Field(DateTime, description="Null if it never was.")


def _passkeys(shown: user.User, info: GraphQLResolveInfo) -> Sequence[passkey.Passkey] | None:
    context = context_of(info)
    return context.passkeys.of(shown.id) if shown.id == context.known_viewer.user_id else None


def _consented(attribute: str, default: Any, shown: user.User, info: GraphQLResolveInfo) -> Any:
    """To an app an account is no more than its id, unless somebody has let it see profiles: `me` asks for no scope."""
    if attribute != "id" and not _may_see_profiles(context_of(info).viewer):
        raise Forbidden(_PROFILE)
    return attr_resolver(attribute, default, shown, info)


def _may_see_profiles(viewer: tokens.Viewer | None) -> bool:
    """Those that it comes across: people who have logged in themselves do."""
    if viewer is None or viewer.client_id is None:
        return True
    return any(viewer.may(*all_of) for all_of in _PROFILE)


def _roles(shown: user.User, info: GraphQLResolveInfo) -> Sequence[user.Role]:
    return sorted(_consented("roles", None, shown, info), key=list(user.Role).index)


_PROFILE = [["profile:read"], ["users:read"]]


class User(graphene.ObjectType):
    class Meta:
        description = "A person with an account."
        possible_types = (user.User,)
        default_resolver = _consented

    id = graphene.ID(required=True)
    email = graphene.Field(
        EmailAddress, description="Null for an erased user, and for who may not see the account."
    )
    email_verified = graphene.Boolean(required=True)
    first_name = graphene.String()
    last_name = graphene.String()
    display_name = graphene.String()
    phone = graphene.String()
    locale = graphene.String()
    status = graphene.Field(UserStatus, required=True)
    roles = graphene.List(graphene.NonNull(Role), required=True, resolver=_roles)
    sessions = ProtectedField(
        graphene.List(graphene.NonNull(Session)),
        scopes=_PROFILE,
        description=f"Those that run, the last used first, {sessions.MAX_LISTED} at most.",
        resolver=_sessions,
    )
    passkeys = ProtectedField(
        graphene.List(graphene.NonNull(Passkey)),
        scopes=[["profile:read"]],
        description="The oldest first; null for who is not you.",
        resolver=_passkeys,
    )
    mfa_enabled = graphene.Boolean(
        required=True, description="Whether a login asks for a second factor after the password."
    )
    created_at = graphene.Field(DateTime, required=True)
    updated_at = graphene.Field(DateTime, required=True)
    last_login_at = graphene.Field(DateTime)
    deleted_at = graphene.Field(DateTime)
    version = graphene.Int(required=True, description="Optimistic-lock token: send it back in update inputs.")


class DataExport(graphene.ObjectType):
    class Meta:
        description = (
            "A copy of what is stored about you, here and by the payment service, as one JSON document."
        )
        possible_types = (data_exports.ShownDataExport,)

    id = graphene.ID(required=True)
    status = graphene.Field(DataExportStatus, required=True)
    download_url = graphene.String(
        description="GET it with an access token of a login of just now in the header `Authorization`."
    )
    requested_at = graphene.Field(DateTime, required=True)
    expires_at = graphene.Field(DateTime, description="Until when it can be downloaded: for seven days.")


class PageInfo(graphene.ObjectType):
    has_next_page = graphene.Boolean(required=True)
    has_previous_page = graphene.Boolean(required=True)
    start_cursor = graphene.String()
    end_cursor = graphene.String()


@dataclass(frozen=True)
class ShownPage:
    """A page of users together with what was asked, which its cursors and its total depend on."""

    page: user_page.Page[user.User]
    request: user_page.PageRequest
    chosen: user_page.UserFilter

    def cursor(self, shown: user.User) -> str:
        return user_page.encoded(user_page.position_of(shown, self.request.order), self.request.order)

    @property
    def nodes(self) -> tuple[user.User, ...]:
        return self.page.items

    @property
    def edges(self) -> list[dict[str, Any]]:
        return [{"cursor": self.cursor(node), "node": node} for node in self.nodes]

    @property
    def page_info(self) -> dict[str, Any]:
        # Looking past the other end would cost a statement; a cursor came from there, so there is something.
        other_end = self.request.position is not None
        backwards, more = self.request.backwards, self.page.has_more
        return {
            "has_next_page": other_end if backwards else more,
            "has_previous_page": more if backwards else other_end,
            "start_cursor": self.cursor(self.nodes[0]) if self.nodes else None,
            "end_cursor": self.cursor(self.nodes[-1]) if self.nodes else None,
        }


class UserEdge(graphene.ObjectType):
    cursor = graphene.String(required=True)
    node = graphene.Field(User, required=True)


def _total_count(shown: ShownPage, info: GraphQLResolveInfo) -> int | None:
    return context_of(info).accounts.count(shown.chosen)


class UserConnection(graphene.ObjectType):
    edges = graphene.List(graphene.NonNull(UserEdge), required=True)
    nodes = graphene.List(graphene.NonNull(User), required=True)
    page_info = graphene.Field(PageInfo, required=True)
    total_count = graphene.Int(
        resolver=_total_count,
        description=f"How many there are on all pages; null if there are more than {user_page.COUNTED_TO:,}.",
    )


class TokenPair(graphene.ObjectType):
    class Meta:
        possible_types = (tokens.TokenPair,)

    access_token = graphene.String(required=True)
    refresh_token = graphene.String(
        description="Null when a cookie carries it: when the request had the header `X-Refresh-Token: cookie`."
    )
    token_type = graphene.String(required=True)
    expires_in = graphene.Int(required=True)
    scope = graphene.String(required=True)
