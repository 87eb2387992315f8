"""Errors of an operation -> what the client may see of them."""

import logging
from typing import Any

from graphql import GraphQLError, print_ast

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
    if (complaint := _about_the_input(error)) is not None:
        return BadUserInput(complaint)
    logger.error("unexpected error", exc_info=original or error, extra={"request_id": request_id})
    return InternalError()


def _about_the_input(error: GraphQLError) -> str | None:
    """What graphql-core has against a variable (then there is no path yet) or an argument; else `None`.

    Its sentence about a variable repeats the whole value, passwords included; only the reason is kept.
    """
    match error:
        case GraphQLError(path=None, original_error=None):
            return error.message
        case GraphQLError(path=None, original_error=GraphQLError(message=reason), nodes=[variable, *_]):
            return f"{print_ast(variable)}: {reason}"
        case GraphQLError(original_error=GraphQLError(nodes=[_, *_], message=reason)):
            return reason
        case _:
            return None
