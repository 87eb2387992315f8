"""`/graphql` over HTTP: a request in; an answer, or a stream of them, out."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NamedTuple

from gateway.clients.client_presence import unless_gone
from gateway.clients.cross_origin import CrossOrigin
from gateway.clients.event_stream_response import EventStreamResponse
from gateway.clients.exchange import Exchange
from gateway.clients.graphql_over_http import (
    JSON,
    Told,
    authorization,
    check_content_type,
    read_body,
    read_query_string,
    response_type,
    status_of,
    takes_events,
)
from gateway.clients.records import Records
from gateway.clients.reply import JSON_HEADERS, Reply
from gateway.clients.unambiguous_headers import check_unambiguous
from gateway.errors import BadRequest, RequestError
from gateway.event_stream import EVENT_STREAM
from gateway.headers import Headers, RequestHeaders
from gateway.open_streams import OpenStreams
from gateway.operations.answer import Answer, refusal
from gateway.operations.request import Request
from gateway.overload import Admission
from gateway.serving import Current
from gateway.settings import Settings
from gateway.subgraphs.client import forwarded
from gateway.subgraphs.passed_headers import collecting, not_collecting

if TYPE_CHECKING:
    from gateway.tracing import Tracing  # OpenTelemetry need not be installed


class BodyTooSlow(BadRequest):
    status = 408


class Head(NamedTuple):
    """What the headers of a request mean."""

    media: str
    """The media type to answer in."""
    takes_events: bool
    told: Told


class GraphQLEndpoint:
    def __init__(  # noqa: PLR0913 — its parts, by their names
        self,
        settings: Settings,
        serving: Current,
        *,
        cross_origin: CrossOrigin,
        admission: Admission,
        streams: OpenStreams,
        records: Records,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._settings = settings
        self._serving = serving
        self._cross_origin = cross_origin
        self._admission = admission
        self._streams = streams
        self._records = records
        self._tracing = tracing
        self._forwarded = settings.passed_down
        self._forwards_request_id = "x-request-id" in settings.forwarded_headers
        self._for_mutations = (
            frozenset(name.encode() for name in settings.sent_with_mutations) - self._forwarded
        )
        self._collecting = collecting if settings.passes_headers_on else not_collecting

    async def reply(self, exchange: Exchange) -> Reply | None:
        """The response, still to be sent; None where answers were streamed. Raises ClientGone."""
        if exchange.method not in {"GET", "POST"}:
            return self._preflight(exchange) or Reply(405, b"", ((b"allow", b"GET, POST"),))
        exchange.is_graphql = True
        media = JSON
        try:
            head = self._head(exchange.headers)
            media = head.media
            self._admission.check()
            request = await self._request(exchange, head)
            exchange.operation_name = request.operation_name
            if not (head.takes_events and await self._is_streamed(request, media)):
                # Only now, since a client that sends its body slowly must not hold a place.
                with self._admission, self._collecting() as passed, unless_gone(exchange):
                    answer = await self._serving().pipeline.answer(request)
                return self._answered(exchange, answer, media, tuple(passed))
        except RequestError as error:
            return self._answered(exchange, refusal(error), JSON if media == EVENT_STREAM else media)
        return await self._streamed(exchange, request)

    def _answered(self, exchange: Exchange, answer: Answer, media: str, passed: Headers = ()) -> Reply:
        """*passed*: the headers of subgraphs that go on to the client."""
        exchange.answer = answer
        self._records.note_answer(answer)
        headers = JSON_HEADERS[media] + _advice(answer) + passed
        return Reply(status_of(answer, media), answer.encoded(), headers)

    def _preflight(self, exchange: Exchange) -> Reply | None:
        """The answer to a browser that asks before it sends what a page wants to send."""
        is_asked = exchange.method == "OPTIONS" and exchange.headers.get(b"access-control-request-method")
        if not is_asked or not self._cross_origin.is_on:
            return None
        if not self._cross_origin.allows(exchange.headers.get(b"origin")):
            return Reply(403, b"")
        return Reply(204, b"", self._cross_origin.preflight)

    # --- the request in ---------------------------------------------------------------------------------------------

    def _head(self, headers: RequestHeaders) -> Head:
        """Raises BadRequest. What is right is read once for all requests of a connection that come with the same."""
        if headers.meaning is None:
            headers.meaning = self._read_head(headers)
        head: Head = headers.meaning
        return head

    def _read_head(self, headers: RequestHeaders) -> Head:
        media = response_type(headers)
        check_unambiguous(headers, self._forwarded | self._for_mutations)
        told = Told(
            forwarded(headers.raw, self._forwarded),
            authorization(headers.raw),
            headers.get(b"x-query-plan") == "1",
            for_mutations=forwarded(headers.raw, self._for_mutations),
        )
        return Head(media, media == EVENT_STREAM or takes_events(headers), told)

    async def _request(self, exchange: Exchange, head: Head) -> Request:
        told = self._told(exchange, head.told)
        if exchange.method == "GET":
            headers = exchange.headers
            self._cross_origin.check_read(headers.get(b"sec-fetch-site"), headers.get(b"origin"))
            request = read_query_string(exchange.query_string, told)
        else:
            check_content_type(exchange.headers)
            request = read_body(await self._body(exchange), told)
        return self._serving().pipeline.resolved(request)

    def _told(self, exchange: Exchange, told: Told) -> Told:
        """With what differs from one request to the next."""
        down = told.forwarded
        if self._forwards_request_id:
            down = (*down, (b"x-request-id", exchange.request_id.encode("ascii")))
        if self._tracing:
            down = self._tracing.within_span(down)
        return told._replace(forwarded=down, request_id=exchange.request_id)

    async def _body(self, exchange: Exchange) -> bytes:
        """Read the body, never more of it or longer than the limits say."""
        limit = self._settings.limits.body_bytes
        if exchange.is_whole:
            return await exchange.body(limit)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                return await exchange.body(limit)
        except TimeoutError as error:
            raise BodyTooSlow("The body did not arrive in time.") from error

    # --- a stream of answers out ------------------------------------------------------------------------------------

    async def _is_streamed(self, request: Request, media: str) -> bool:
        """Where the client takes both, what has one answer is answered in one piece. Raises RequestError."""
        return media == EVENT_STREAM or await self._serving().pipeline.is_subscription(request)

    async def _streamed(self, exchange: Exchange, request: Request) -> Reply | None:
        """Stream the answers; or give the reply to a request that was refused for more than its operation.

        A stream has no place for the headers that a mutation answers with, so it gets none either.
        """
        request.mutation_headers = ()
        async with AsyncExitStack() as stack:
            try:
                answers = await stack.enter_async_context(
                    self._serving().subscriptions.open(request, exchange.request_id)
                )
            except RequestError as error:
                answer = refusal(error)
                if answer.status is not None:
                    return self._answered(exchange, answer, JSON)
                self._records.note_answer(answer)
                answers = _only(answer)
            exchange.is_streamed = True
            stack.enter_context(self._streams.stream())
            response = EventStreamResponse(
                exchange,
                keep_alive_s=self._settings.keep_alive_s,
                taken_within_s=self._settings.request_timeout_s,
            )
            await response.stream(answers, self._streams.closing)
        self._records.end(exchange, 200)
        return None


async def _only(answer: Answer) -> AsyncGenerator[Answer, None]:
    yield answer


def _advice(answer: Answer) -> Headers:
    if answer.status == 405:
        return ((b"allow", b"POST"),)
    return ((b"retry-after", b"%d" % answer.retry_after_s),) if answer.retry_after_s else ()
