"""What resolvers get as `info.context`: who asks, and the parts that answer."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

from graphql import GraphQLResolveInfo

from user_subgraph.accounts import Accounts
from user_subgraph.audit_trail import AuditTrail
from user_subgraph.errors import Unauthenticated
from user_subgraph.login import Login
from user_subgraph.tokens import Viewer
from user_subgraph.user import User


@dataclass
class RequestContext:
    """`viewer` is `None` for an anonymous caller; `service_sdl` is `None` where introspection is off.

    `accounts` and `login` know by whom they are asked, for the audit log.
    `representations`: how many entities the request has asked for by key.
    """

    viewer: Viewer | None
    accounts: Accounts
    login: Login
    audit_trail: AuditTrail
    service_sdl: str | None
    representations: int = 0

    @cached_property
    def me(self) -> User:
        """Read once, under however many names it is asked for: whoever asks is logged in until the answer is made."""
        return self.accounts.me(self.known_viewer)

    @property
    def known_viewer(self) -> Viewer:
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer


def context_of(info: GraphQLResolveInfo) -> RequestContext:
    return cast("RequestContext", info.context)
