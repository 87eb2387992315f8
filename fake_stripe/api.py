"""How a request to the API is answered: authentication, checks, idempotency, execution, faults.

Source: https://docs.stripe.com/api
"""

import asyncio
import logging
import re
from contextlib import nullcontext

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fake_stripe import faults, idempotency
from fake_stripe.answering import Answer, break_down, run
from fake_stripe.api_errors import ApiError, KeyInUse, RateLimited, ValidationError
from fake_stripe.api_keys import authenticate, refuse_publishable
from fake_stripe.connections import Connections, NoAnswer
from fake_stripe.endpoints import ENDPOINTS, Endpoint
from fake_stripe.execution import ApiKey, ApiRequest, Runtime
from fake_stripe.faults import Fault
from fake_stripe.form_encoding import RawHash, parse
from fake_stripe.idempotency import KeptAnswer, Keyed, KeysInUse
from fake_stripe.ids import new_request_id
from fake_stripe.parameters import check

_log = logging.getLogger("fake_stripe.api")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.\w+)?")
_NO_FAULT = Fault("delay", seconds=0)


class Api:
    """The `/v1` part of the fake."""

    def __init__(self, runtime: Runtime, secret_key: str | None, connections: Connections) -> None:
        self._runtime = runtime
        self._secret_key = secret_key
        self._connections = connections
        self._keys_in_use = KeysInUse()

    def routes(self) -> list[Route]:
        """One route for each endpoint."""
        return [Route(e.path, _Handler(self, e), methods=[e.method]) for e in ENDPOINTS]

    async def answer(self, endpoint: Endpoint, http: Request) -> ASGIApp:
        """Everything that happens to one request."""
        request_id = new_request_id()
        encoded = (await http.body()).decode(errors="replace") if http.method == "POST" else http.url.query
        fault = faults.take(self._runtime.store, http.method, http.url.path) or _NO_FAULT
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

    async def _answer(
        self, endpoint: Endpoint, http: Request, encoded: str, request_id: str, fault: Fault
    ) -> Answer:
        """The answer under the idempotency key; raises what is refused before the endpoint begins."""
        if fault.kind == "429":
            raise RateLimited
        api_key = self._authenticated(endpoint, http)
        raw = parse(encoded)
        keyed = _keyed(http, raw)
        if fault.kind == "409":
            raise KeyInUse(keyed.key if keyed else "none")
        with self._keys_in_use.held(keyed.key) if keyed else nullcontext():
            if keyed and (kept := idempotency.recall(self._runtime.store, keyed, self._runtime.clock.time())):
                return _replayed(kept)
            request = _checked(endpoint, http, raw, request_id, api_key)
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            return self._execute(endpoint, request, keyed, fault)

    def _authenticated(self, endpoint: Endpoint, http: Request) -> ApiKey:
        api_key = authenticate(http.headers.get("authorization", ""), self._secret_key)
        if not endpoint.publishable:
            refuse_publishable(api_key)
        version = http.headers.get("stripe-version")
        if version and not _VERSION.fullmatch(version):
            raise ValidationError(f"Invalid Stripe API version: {version}")
        return api_key

    def _execute(self, endpoint: Endpoint, request: ApiRequest, keyed: Keyed | None, fault: Fault) -> Answer:
        """Run the endpoint and keep its answer under the key, both or neither."""
        with self._runtime.execution(request.cause) as execution:
            if fault.kind == "status_500":
                answer = break_down(execution, endpoint, request, fault)
            else:
                answer = run(execution, endpoint, request)
            if keyed:
                kept = KeptAnswer(answer.status, answer.body, request.request_id)
                idempotency.keep(execution.store, keyed, kept, execution.clock.time())
        return answer

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._api.answer(self._endpoint, Request(scope, receive))
        await response(scope, receive, send)


def _keyed(http: Request, raw: RawHash) -> Keyed | None:
    key = http.headers.get("idempotency-key")
    # At Stripe keys have no effect on GET.
    return Keyed.of(key, http.method, http.url.path, raw) if key and http.method == "POST" else None


def _checked(endpoint: Endpoint, http: Request, raw: RawHash, request_id: str, api_key: ApiKey) -> ApiRequest:
    parameters = check(raw, endpoint.all_fields, endpoint.required)
    endpoint.check(parameters)
    return ApiRequest(
        request_id=request_id,
        method=http.method,
        path=http.url.path,
        object_id=http.path_params.get("id", ""),
        parameters=parameters,
        idempotency_key=http.headers.get("idempotency-key") if http.method == "POST" else None,
        api_key=api_key,
    )


def _replayed(kept: KeptAnswer) -> Answer:
    # Trying again would only bring the same 500 once more.
    should_retry = False if kept.status >= 500 else None
    return Answer(kept.status, kept.body, replay_of=kept.request_id, should_retry=should_retry)


def _notes(answer: Answer, fault: Fault, request_id: str) -> str:
    notes = [request_id]
    if answer.replay_of:
        notes.append(f"replay of {answer.replay_of}")
    if fault != _NO_FAULT:
        notes.append(f"fault {fault.kind}")
    if "error" in answer.body:
        notes.append(str(answer.body["error"].get("code") or answer.body["error"]["message"]))
    return ", ".join(notes)
