"""One run of an endpoint, from its checked request to its answer.

A refusal undoes what was done before it; a declined card does not, because a declined payment has happened.
"""

import logging
from dataclasses import asdict, dataclass, replace
from typing import Any

from fake_stripe import due_work
from fake_stripe.api_errors import ApiError, CardError, server_error_body
from fake_stripe.browser_view import browser_view
from fake_stripe.endpoints import BY_NAME, Endpoint
from fake_stripe.execution import ApiKey, ApiRequest, Execution
from fake_stripe.expansion import expand
from fake_stripe.faults import Fault

_log = logging.getLogger("fake_stripe.api")


@dataclass(frozen=True)
class Answer:
    """Status, body and the headers that depend on how the answer came about."""

    status: int
    body: dict[str, Any]
    replay_of: str | None = None
    """The request id of the first request with this key, when its answer is given again."""
    should_retry: bool | None = None


def run(execution: Execution, endpoint: Endpoint, request: ApiRequest) -> Answer:
    """The endpoint's answer, whatever it is."""
    try:
        with execution.store.undoable():
            answer = _success_or_decline(execution, endpoint, request)
    except ApiError as refusal:
        answer = Answer(refusal.status, refusal.body(request.request_id))
    if request.api_key is ApiKey.PUBLISHABLE:
        return replace(answer, body=browser_view(answer.body))
    return answer


def _success_or_decline(execution: Execution, endpoint: Endpoint, request: ApiRequest) -> Answer:
    try:
        body = endpoint.run(execution, request)
    except CardError as declined:
        return Answer(declined.status, declined.body(request.request_id))
    return Answer(200, expand(execution, body, request.parameters.get("expand", [])))


def break_down(execution: Execution, endpoint: Endpoint, request: ApiRequest, fault: Fault) -> Answer:
    """A 500, behind which the request is executed at once, later, or never."""
    if fault.executed == "at_once":
        run(execution, endpoint, request)
    elif fault.executed == "later":
        details = {
            "endpoint": endpoint.name,
            "request": {**asdict(request), "api_key": request.api_key.value},
        }
        due_work.schedule(execution.store, execution.clock.time() + fault.seconds, "execute_request", details)
    return Answer(500, server_error_body(request.request_id))


def run_late(execution: Execution, details: dict[str, Any]) -> None:
    """Do what an earlier 500 left undone; its key keeps the 500."""
    request = ApiRequest(**{**details["request"], "api_key": ApiKey(details["request"]["api_key"])})
    answer = run(replace(execution, cause=request.cause), BY_NAME[details["endpoint"]], request)
    _log.info("%s executed after its 500: %d", details["endpoint"], answer.status)
