"""The one place where the parts of the fake are built and joined."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from fake_stripe import admin
from fake_stripe.admin import Admin
from fake_stripe.admin_disputes import AdminDisputes
from fake_stripe.admin_requests import FieldProblem
from fake_stripe.api import Api
from fake_stripe.api_errors import ApiError, server_error_body
from fake_stripe.bell import Bell
from fake_stripe.clock import Clock
from fake_stripe.connections import Connections
from fake_stripe.execution import Account, Runtime
from fake_stripe.ids import new_request_id
from fake_stripe.settings import Settings
from fake_stripe.store import Store
from fake_stripe.three_d_secure_page import ThreeDSecurePage
from fake_stripe.timekeeper import Timekeeper
from fake_stripe.webhook_deliveries import BackOff
from fake_stripe.webhook_sender import WebhookSender

API_VERSION = "2026-10-28.endive"
"""The account's version: events are written in it, whatever version a request asks for."""

_log = logging.getLogger("fake_stripe")


def create_app(settings: Settings, connections: Connections) -> Starlette:
    """The fake Stripe as an ASGI application; *connections* are those of the server it runs in."""
    store = Store(settings.database)
    sender_bell, timekeeper_bell = Bell(), Bell()
    account = Account(
        settings.public_url,
        API_VERSION,
        settings.webhook_url is not None,
        settings.refund_settle_s,
        settings.async_capture_s,
        settings.settlement_currency,
    )
    runtime = Runtime(store, Clock(store), account, (sender_bell, timekeeper_bell))
    api = Api(runtime, settings.secret_key, connections)
    jobs = [Timekeeper(runtime, timekeeper_bell).run()]
    if settings.webhook_url:
        back_off = BackOff(settings.retry_first_s, settings.retry_cap_s)
        sender = WebhookSender(runtime, sender_bell, settings.webhook_url, settings.webhook_secrets, back_off)
        jobs.append(sender.run(settings.webhook_concurrency, settings.webhook_timeout_s))
    background = _Background(store, jobs)
    return Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/readyz", background.readyz),
            *api.routes(),
            *ThreeDSecurePage(runtime).routes(),
            *Admin(runtime).routes(),
            *AdminDisputes(runtime).routes(),
        ],
        middleware=[_cors()],
        exception_handlers={
            HTTPException: _unknown_url,
            ApiError: admin.refused,
            FieldProblem: admin.refused,
            Exception: _broken,
        },
        lifespan=background.lifespan,
    )


class _Background:
    """What runs beside the requests for as long as the application lives."""

    def __init__(self, store: Store, jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
        self._store, self._jobs = store, jobs
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._tasks = [asyncio.create_task(job) for job in self._jobs]
        for task in self._tasks:
            task.add_done_callback(_log_a_crash)
        yield
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._store.close()

    async def readyz(self, _: Request) -> Response:
        self._store.rows("SELECT 1")
        working = not any(task.done() for task in self._tasks)
        return PlainTextResponse("ready" if working else "background work has died", 200 if working else 503)


def _cors() -> Middleware:
    """Browsers call the API from the shop's pages, as Stripe.js does."""
    exposed = ["Request-Id", "Idempotent-Replayed", "Stripe-Version", "Stripe-Should-Retry"]
    return Middleware(
        CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"], expose_headers=exposed
    )


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("alive")


async def _unknown_url(http: Request, _: Exception) -> Response:
    message = (
        f"Unrecognized request URL ({http.method}: {http.url.path}). Please see https://stripe.com/docs or we can help "
        "at https://support.stripe.com/."
    )
    request_id = new_request_id()
    return JSONResponse(ApiError(message).body(request_id), 404, {"Request-Id": request_id})


async def _broken(_: Request, __: Exception) -> Response:
    """A fault of the fake itself; the server logs it in full."""
    request_id = new_request_id()
    return JSONResponse(server_error_body(request_id), 500, {"Request-Id": request_id})


def _log_a_crash(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (crash := task.exception()):
        _log.critical("background work has died", exc_info=crash)
