"""How a request to the API is answered: authentication, checks, idempotency, execution, faults.

Source: https://docs.stripe.com/api
"""

import asyncio
import logging
import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from fake_stripe import due_work, faults, idempotency
from fake_stripe.api_errors import (
    ApiError,
    CardError,
    KeyInUse,
    RateLimited,
    ValidationError,
    server_error_body,
)
from fake_stripe.api_keys import authenticate, refuse_publishable
from fake_stripe.browser_view import browser_view
from fake_stripe.connections import Connections, NoAnswer
from fake_stripe.endpoints import ENDPOINTS, Endpoint
from fake_stripe.execution import ApiKey, ApiRequest, Cause, Execution, Runtime
from fake_stripe.expansion import expand
from fake_stripe.faults import Fault
from fake_stripe.form_encoding import RawHash, parse
from fake_stripe.idempotency import KeptAnswer, Keyed
from fake_stripe.ids import new_request_id
from fake_stripe.parameters import check
from fake_stripe.store import StripeObject

_log = logging.getLogger("fake_stripe.api")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.\w+)?")
_NO_FAULT = Fault("delay", seconds=0)


@dataclass(frozen=True)
class Answer:
    """Status, body and the headers that depend on how the answer came about."""

    status: int
    body: dict[str, Any]
    replay_of: str | None = None
    """The request id of the first request with this key, when its answer is given again."""
    should_retry: bool | None = None


class Api:
    """The `/v1` part of the fake."""

    def __init__(self, runtime: Runtime, secret_key: str | None, connections: Connections) -> None:
        self._runtime = runtime
        self._secret_key = secret_key
        self._connections = connections
        self._keys_in_use = idempotency.KeysInUse()
        self._endpoints = {endpoint.name: endpoint for endpoint in ENDPOINTS}

    def routes(self) -> list[Route]:
        """One route for each endpoint."""
        return [Route(e.path, _Handler(self, e), methods=[e.method]) for e in ENDPOINTS]

    async def answer(self, endpoint: Endpoint, http: Request) -> ASGIApp:
        """Everything that happens to one request."""
        request_id = new_request_id()
        encoded = (await http.body()).decode(errors="replace") if http.method == "POST" else http.url.query
        fault = self._fault(http)
        if fault.kind == "lose_request":
            _log.info("%s %s lost on the way here", http.method, http.url.path)
            return NoAnswer(self._connections)
        try:
            answer = await self._answer(endpoint, http, encoded, request_id, fault)
        except ApiError as refusal:
            answer = Answer(refusal.status, refusal.body(request_id), should_retry=refusal.should_retry)
        _log.info("%s %s %d %s", http.method, http.url.path, answer.status, _notes(answer, fault, request_id))
        if fault.kind == "lose_answer":
            return NoAnswer(self._connections)
        return JSONResponse(answer.body, answer.status, self._headers(http, request_id, answer))

    def execute_late(self, execution: Execution, details: dict[str, Any]) -> None:
        """Do what an earlier 500 left undone; its key keeps the 500."""
        request = ApiRequest(**{**details["request"], "api_key": ApiKey(details["request"]["api_key"])})
        answer = self._run(
            replace(execution, cause=_cause(request)), self._endpoints[details["endpoint"]], request
        )
        _log.info("%s executed after its 500: %d", details["endpoint"], answer.status)

    async def _answer(
        self, endpoint: Endpoint, http: Request, encoded: str, request_id: str, fault: Fault
    ) -> Answer:
        if fault.kind == "429":
            raise RateLimited
        api_key = authenticate(http.headers.get("authorization", ""), self._secret_key)
        if not endpoint.publishable:
            refuse_publishable(api_key)
        self._check_version(http)
        raw = parse(encoded)
        keyed = _keyed(http, raw)
        if fault.kind == "409":
            raise KeyInUse(keyed.key if keyed else "none")
        with self._keys_in_use.held(keyed.key) if keyed else nullcontext():
            if keyed and (kept := idempotency.recall(self._runtime.store, keyed, self._runtime.clock.time())):
                return _replayed(kept)
            parameters = check(raw, endpoint.all_fields, endpoint.required)
            endpoint.check(parameters)
            request = ApiRequest(
                request_id=request_id,
                method=http.method,
                path=http.url.path,
                object_id=http.path_params.get("id", ""),
                parameters=parameters,
                idempotency_key=keyed.key if keyed else None,
                api_key=api_key,
            )
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            return self._execute(endpoint, request, keyed, fault)

    def _execute(self, endpoint: Endpoint, request: ApiRequest, keyed: Keyed | None, fault: Fault) -> Answer:
        """Run the endpoint and keep its answer under the key, both or neither."""
        with self._runtime.execution(_cause(request)) as execution:
            if fault.kind == "status_500":
                answer = self._server_error(execution, endpoint, request, fault)
            else:
                answer = self._run(execution, endpoint, request)
            if keyed:
                kept = KeptAnswer(answer.status, answer.body, request.request_id)
                idempotency.keep(execution.store, keyed, kept, execution.clock.time())
        return answer

    def _run(self, execution: Execution, endpoint: Endpoint, request: ApiRequest) -> Answer:
        """The endpoint's answer. A refusal undoes what was done, except for a declined card."""
        try:
            with execution.store.undoable():
                return self._succeed_or_decline(execution, endpoint, request)
        except ApiError as refusal:
            return Answer(refusal.status, self._seen(request, refusal.body(request.request_id)))

    def _succeed_or_decline(self, execution: Execution, endpoint: Endpoint, request: ApiRequest) -> Answer:
        try:
            body = endpoint.run(execution, request)
        except CardError as declined:
            return Answer(declined.status, self._seen(request, declined.body(request.request_id)))
        expanded = expand(execution.store, body, request.parameters.get("expand", []))
        return Answer(200, self._seen(request, expanded))

    def _server_error(
        self, execution: Execution, endpoint: Endpoint, request: ApiRequest, fault: Fault
    ) -> Answer:
        if fault.executed == "at_once":
            self._run(execution, endpoint, request)
        elif fault.executed == "later":
            details = {
                "endpoint": endpoint.name,
                "request": {**vars(request), "api_key": request.api_key.value},
            }
            due_work.schedule(
                execution.store, execution.clock.time() + fault.seconds, "execute_request", details
            )
        return Answer(500, server_error_body(request.request_id))

    def _seen(self, request: ApiRequest, body: StripeObject) -> StripeObject:
        seen: StripeObject = browser_view(body) if request.api_key is ApiKey.PUBLISHABLE else body
        return seen

    def _fault(self, http: Request) -> Fault:
        with self._runtime.store.transaction():
            return faults.take(self._runtime.store, http.method, http.url.path) or _NO_FAULT

    def _check_version(self, http: Request) -> None:
        version = http.headers.get("stripe-version")
        if version and not _VERSION.fullmatch(version):
            raise ValidationError(f"Invalid Stripe API version: {version}")

    def _headers(self, http: Request, request_id: str, answer: Answer) -> dict[str, str]:
        headers = {
            "Request-Id": request_id,
            "Stripe-Version": http.headers.get("stripe-version") or self._runtime.account.api_version,
        }
        if http.method == "POST" and "idempotency-key" in http.headers:
            headers["Idempotency-Key"] = http.headers["idempotency-key"]
        if answer.replay_of:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.replay_of}
        if answer.should_retry is not None:
            headers["Stripe-Should-Retry"] = str(answer.should_retry).lower()
        return headers


class _Handler:
    """One endpoint as an ASGI application."""

    def __init__(self, api: Api, endpoint: Endpoint) -> None:
        self._api, self._endpoint = api, endpoint

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        response = await self._api.answer(self._endpoint, Request(scope, receive))
        await response(scope, receive, send)


def _keyed(http: Request, raw: RawHash) -> Keyed | None:
    key = http.headers.get("idempotency-key")
    # At Stripe keys have no effect on GET.
    return Keyed.of(key, http.method, http.url.path, raw) if key and http.method == "POST" else None


def _replayed(kept: KeptAnswer) -> Answer:
    # Trying again would only bring the same 500 once more.
    should_retry = False if kept.status >= 500 else None
    return Answer(kept.status, kept.body, replay_of=kept.request_id, should_retry=should_retry)


def _cause(request: ApiRequest) -> Cause:
    return Cause(request.request_id, request.idempotency_key)


def _notes(answer: Answer, fault: Fault, request_id: str) -> str:
    notes = [request_id]
    if answer.replay_of:
        notes.append(f"replay of {answer.replay_of}")
    if fault != _NO_FAULT:
        notes.append(f"fault {fault.kind}")
    if "error" in answer.body:
        notes.append(str(answer.body["error"].get("code") or answer.body["error"]["message"]))
    return ", ".join(notes)
