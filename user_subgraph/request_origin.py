"""Who sends a request, and from where, for the audit log."""

from collections.abc import Collection

from flask import Request

from user_subgraph.audit import Caller
from user_subgraph.client_address import Network, client_address
from user_subgraph.tokens import Viewer
from user_subgraph.user_agent import user_agent_text


def caller_of(
    request: Request, viewer: Viewer | None, request_id: str, trusted_proxies: Collection[Network]
) -> Caller:
    forwarded_for = request.headers.get("X-Forwarded-For", "")
    address = client_address(request.remote_addr, forwarded_for, trusted_proxies)
    program = user_agent_text(request.headers.get("User-Agent"))
    return Caller(None if viewer is None else viewer.user_id, address, request_id, program)
