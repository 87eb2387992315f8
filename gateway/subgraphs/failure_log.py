"""What the log says of requests to subgraphs that failed: a few lines for each of the client's, however many there were."""

import logging
from collections.abc import Iterable

from gateway.errors import SubgraphFailure

log = logging.getLogger("gateway.subgraphs")

LOGGED_CHARACTERS = 200


def log_failures(request_id: str, failures: Iterable[SubgraphFailure]) -> None:
    """A line for each subgraph and code; it says the first reason, and how many more there were."""
    alike: dict[tuple[str, str], list[SubgraphFailure]] = {}
    for failure in failures:
        alike.setdefault((failure.service, failure.code), []).append(failure)
    for (service, code), (first, *others) in alike.items():
        reason = " ".join(first.reason.split())[:LOGGED_CHARACTERS]  # some of it is the subgraph's own words
        more = f" (and {len(others)} more)" if others else ""
        log.warning("request %s: %s of subgraph %s: %s%s", request_id, code, service, reason, more)
