"""Errors of an operation -> what the client may see of them."""

import logging
from typing import Any

from graphql import GraphQLError

from user_subgraph.errors import BadUserInput, InternalError, RequestRefused

logger = logging.getLogger(__name__)


def shown_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """The entry of `errors`: ours as they are; everything else masked here and told in full to the log."""
    refused = _refused(error, request_id)
    entry: dict[str, Any] = {
        "message": refused.message,
        "extensions": {**refused.extensions, "requestId": request_id},
    }
    if error.locations:
        entry["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        entry["path"] = error.path
    return entry


def _refused(error: GraphQLError, request_id: str) -> RequestRefused:
    original = error.original_error
    if isinstance(original, RequestRefused):
        return original
    if _blames_the_client(error):
        return BadUserInput(error.message)
    logger.error("unexpected error", exc_info=original or error, extra={"request_id": request_id})
    return InternalError()


def _blames_the_client(error: GraphQLError) -> bool:
    """Whether graphql-core refused a variable (no path yet) or an argument (it points at the argument)."""
    if error.path is None:
        return error.original_error is None
    return isinstance(error.original_error, GraphQLError) and bool(error.original_error.nodes)
