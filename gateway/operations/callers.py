"""Who sends a request, as far as the gateway has to know."""

from typing import Protocol

from gateway.supergraph.authorization import ANONYMOUS, Caller


class Callers(Protocol):
    """Tells who sends a request."""

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:
        """*authorization*: the values of the Authorization headers. Raises RequestError for what is neither nothing nor
        valid."""


class NobodyKnown:
    """Where nothing says whose tokens are to be believed: everybody is anonymous."""

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:  # noqa: ARG002 — the subgraphs may know better
        return ANONYMOUS
