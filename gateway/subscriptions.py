"""The answers to a request, as many as it has: to a subscription one for each event, to anything else one."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager

from gateway.errors import RequestError, SubgraphFailure, internal_error
from gateway.open_streams import OpenStreams
from gateway.operations.answer import Answer, refusal
from gateway.operations.request import Request
from gateway.overload import Admission
from gateway.pipeline import Pipeline, Prepared
from gateway.planner.query_plan import Fetch
from gateway.subgraphs.answer import SubgraphAnswer
from gateway.subgraphs.events import SubgraphEvents

log = logging.getLogger("gateway")


class Subscriptions:
    """Opens the events of a subscription at its subgraph, and completes each with the pipeline."""

    def __init__(
        self,
        pipeline: Pipeline,
        events: SubgraphEvents,
        streams: OpenStreams,
        admission: Admission,
        note: Callable[[Answer], None],
    ) -> None:
        """*note* is told each answer."""
        self._pipeline = pipeline
        self._admission = admission
        self._events = events
        self._note = note
        self._streams = streams

    @asynccontextmanager
    async def open(self, request: Request, request_id: str) -> AsyncIterator[AsyncGenerator[Answer, None]]:
        """The answers, each made when it is asked for. Raises RequestError at once when the request is refused.

        Leaving the context ends the subscription at its subgraph. A fault of ours is the last answer, and in the log.
        """
        prepared = await self._pipeline.prepared(self._pipeline.resolved(request))
        with ExitStack() as stack:
            stack.enter_context(self._streams.subscription() if prepared.events else self._admission)
            async with aclosing(self._noted(prepared, request_id)) as answers:
                yield answers

    async def _noted(self, prepared: Prepared, request_id: str) -> AsyncGenerator[Answer, None]:
        async with aclosing(self._until_fault(prepared, request_id)) as answers:
            async for answer in answers:
                self._note(answer)
                yield answer

    async def _until_fault(self, prepared: Prepared, request_id: str) -> AsyncGenerator[Answer, None]:
        async with aclosing(self._answers(prepared)) as answers:
            try:
                async for answer in answers:
                    yield answer
            except Exception:
                # As in app.py: clients never see a fault's text, the log has it all.
                log.exception("request %s failed", request_id)
                yield Answer([internal_error(request_id)], is_refused=True)

    async def _answers(self, prepared: Prepared) -> AsyncGenerator[Answer, None]:
        if prepared.events is None:
            yield await self._pipeline.run(prepared)
            return
        try:
            async with aclosing(self._opened(prepared.events, prepared)) as events:
                async for event in events:
                    await self._pipeline.check_caller(prepared)
                    yield await self._pipeline.run(prepared, event)
        except SubgraphFailure as failure:
            yield await self._pipeline.run(prepared, failure)
        except RequestError as refused:
            # The access token has expired while the stream was open: nobody reads on with it.
            yield refusal(refused)

    def _opened(self, fetch: Fetch, prepared: Prepared) -> AsyncGenerator[SubgraphAnswer, None]:
        given = prepared.variables
        values = {name: given[name] for name in fetch.variables if name in given}
        return self._events.events(fetch, values, prepared.request.headers)
