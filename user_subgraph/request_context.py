"""What resolvers get as `info.context`: who asks, and the parts that answer."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from graphql import GraphQLResolveInfo

from user_subgraph.accounts import Accounts
from user_subgraph.audit_trail import AuditTrail
from user_subgraph.data_exports import DataExports
from user_subgraph.email_change import EmailChange
from user_subgraph.errors import Unauthenticated
from user_subgraph.login import Login
from user_subgraph.mailed_links import MailedLinks
from user_subgraph.passkeys import Passkeys
from user_subgraph.password_change import PasswordChange
from user_subgraph.refresh_cookie import RefreshCookie
from user_subgraph.second_factor import SecondFactor
from user_subgraph.session_lists import SessionLists
from user_subgraph.sessions import Sessions
from user_subgraph.tokens import Viewer
from user_subgraph.user import User, UserId


@dataclass
class RequestContext:
    """`viewer` is `None` for an anonymous caller; `service_sdl` is `None` where introspection is off.

    What changes anything (from `accounts` to `links`, but for the cookie) knows by whom it is asked, for the audit log.
    `representations`: how many entities the request has asked for by key.
    """

    viewer: Viewer | None
    accounts: Accounts
    login: Login
    sessions: Sessions
    password_change: PasswordChange
    email_change: EmailChange
    data_exports: DataExports
    second_factor: SecondFactor
    passkeys: Passkeys
    refresh_cookie: RefreshCookie
    links: MailedLinks
    audit_trail: AuditTrail
    service_sdl: str | None
    representations: int = 0

    @cached_property
    def me(self) -> User | None:
        """Read once, under however many names it is asked for: whoever asks is logged in until the answer is made.

        A machine is nobody: `None`.
        """
        if self.known_viewer.is_machine:
            return None
        user = self.accounts.me(self.known_viewer)
        self.expect([user])
        return user

    @cached_property
    def session_lists(self) -> SessionLists:
        return SessionLists(self.sessions.running)

    def expect(self, users: Iterable[User]) -> None:
        """To be told of the users whom a query shows, before anything of theirs is asked for."""
        self.session_lists.expect(user.id for user in users)

    def visible(self, ids: Collection[str]) -> dict[UserId, User]:
        """Those of *ids* whom the viewer may know of."""
        users = self.accounts.visible(self.viewer, ids)
        self.expect(users.values())
        return users

    @property
    def known_viewer(self) -> Viewer:
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer


def context_of(info: GraphQLResolveInfo) -> RequestContext:
    return cast("RequestContext", info.context)
