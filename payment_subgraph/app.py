"""The one place where the parts are built and joined."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from payment_subgraph.abandoning import Abandoning
from payment_subgraph.access_log import AccessLog
from payment_subgraph.adopting import Adopting
from payment_subgraph.auth import KeySource, Verifier
from payment_subgraph.book_check import BookCheck
from payment_subgraph.book_rows import BookRows
from payment_subgraph.book_suspects import BookSuspects
from payment_subgraph.bookkeeper import Bookkeeper
from payment_subgraph.books import Books
from payment_subgraph.changes import changes_in
from payment_subgraph.closing import Closing
from payment_subgraph.customer_operations import CustomerOperations
from payment_subgraph.customer_repository import CustomerRepository
from payment_subgraph.customers import Customers
from payment_subgraph.database import Database
from payment_subgraph.delivery import Delivery, Receiver
from payment_subgraph.erased_owners import ErasedOwners
from payment_subgraph.forgetting import Forgetting
from payment_subgraph.graphql_http import GraphQLEndpoint, refusal
from payment_subgraph.graphql_request import USUAL_BYTES
from payment_subgraph.heeding import Heeding
from payment_subgraph.inbox import Inbox
from payment_subgraph.job_cursors import JobCursors
from payment_subgraph.loaders import Loaders
from payment_subgraph.looking import Looking
from payment_subgraph.method_choice import MethodChoices
from payment_subgraph.methods_refresh import MethodsRefresh
from payment_subgraph.open_streams import OpenStreams
from payment_subgraph.operations import Operations
from payment_subgraph.outbox import Outbox
from payment_subgraph.pages import Pages
from payment_subgraph.processor import PaymentProcessor
from payment_subgraph.processors import open_processor
from payment_subgraph.reconciler import Reconciler
from payment_subgraph.refresh import Refresh
from payment_subgraph.repository import Repository
from payment_subgraph.rereading import Rereading
from payment_subgraph.saved_methods import SavedMethods
from payment_subgraph.schema.context import Context
from payment_subgraph.sending import Sending
from payment_subgraph.settings import Settings
from payment_subgraph.syncing import Syncing
from payment_subgraph.timeline import Timeline
from payment_subgraph.totals import Totals
from payment_subgraph.turns import Turns
from payment_subgraph.use_cases import UseCases
from payment_subgraph.user_events import UserEventsEndpoint
from payment_subgraph.verification import Verification
from payment_subgraph.watched_payments import WatchedPayments
from payment_subgraph.watching import Watching
from payment_subgraph.webhooks import WebhookEndpoint

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the web application and the worker are both made of."""

    database: Database
    processor: PaymentProcessor
    repository: Repository
    operations: Operations
    use_cases: UseCases
    syncing: Syncing
    inbox: Inbox
    outbox: Outbox
    reconciler: Reconciler
    bookkeeper: Bookkeeper
    customers: Customers
    saved_methods: SavedMethods
    erased_owners: ErasedOwners
    pages: Pages
    books: Books
    timeline: Timeline
    watching: Watching
    streams: OpenStreams


def build_parts(
    settings: Settings,
    processor: PaymentProcessor,
    clock: Clock = utc_now,
    streams: OpenStreams | None = None,
) -> Parts:
    database = Database(settings.database.url)
    repository = Repository(database, settings.reread_after)
    refresh = Refresh(repository, processor, clock)
    operations = _operations(settings, repository, processor, refresh, clock)
    inbox = Inbox(database, processor.name, settings.patience.lease, settings.event_back_off)
    cursors = JobCursors(database)
    customers, saved_methods = _method_parts(settings, database, processor, clock)
    choices = MethodChoices(customers.repository, customers, settings.answer_within / 2)
    use_cases = UseCases(repository, processor, operations, inbox, clock, choices)
    erased_owners = ErasedOwners(database)
    pages, books, timeline = Pages(database), Books(database, clock), Timeline(database)
    return Parts(
        database=database,
        processor=processor,
        repository=repository,
        operations=operations,
        use_cases=use_cases,
        syncing=Syncing(repository, processor, refresh, settings.answer_within, clock),
        inbox=inbox,
        outbox=Outbox(database, settings.outbox.patience, clock),
        reconciler=Reconciler(
            repository,
            inbox,
            cursors,
            processor,
            operations,
            refresh,
            _heeding(settings, repository, inbox, processor, refresh, saved_methods, clock),
            clock,
            saved_methods,
            Abandoning(use_cases, clock, settings.abandoned_after),
            Forgetting(erased_owners, saved_methods, settings.patience.lease, clock),
            settings.backfill_every,
        ),
        bookkeeper=_bookkeeper(settings, database, repository, processor, refresh, clock),
        customers=customers,
        saved_methods=saved_methods,
        erased_owners=erased_owners,
        pages=pages,
        books=books,
        timeline=timeline,
        watching=Watching(
            changes_in(settings.database.url),
            WatchedPayments(database),
            lambda: Loaders(pages, books, timeline, customers.repository),
        ),
        streams=streams or OpenStreams(),
    )


def _operations(
    settings: Settings, repository: Repository, processor: PaymentProcessor, refresh: Refresh, clock: Clock
) -> Operations:
    closing = Closing(repository, settings.patience, clock)
    sending, looking = Sending(processor, refresh, closing), Looking(processor, refresh, closing)
    return Operations(sending, looking, closing, settings.answer_within)


def _heeding(  # noqa: PLR0913, PLR0917 - what it is made of
    settings: Settings,
    repository: Repository,
    inbox: Inbox,
    processor: PaymentProcessor,
    refresh: Refresh,
    saved_methods: SavedMethods,
    clock: Clock,
) -> Heeding:
    adopting = Adopting(repository, settings.adopt_external, clock)
    return Heeding(
        repository, inbox, processor, refresh, adopting, saved_methods, settings.environment, clock
    )


def _bookkeeper(  # noqa: PLR0913, PLR0917 - what it is made of
    settings: Settings,
    database: Database,
    repository: Repository,
    processor: PaymentProcessor,
    refresh: Refresh,
    clock: Clock,
) -> Bookkeeper:
    rows, cursors, delay = BookRows(database), JobCursors(database), settings.books_delay
    suspects = BookSuspects(rows, processor, settings.environment)
    rereading = Rereading(rows, repository, processor, refresh)
    check = BookCheck(suspects, rereading, rows, repository, processor, cursors, clock, delay)
    verification = Verification(database)
    return Bookkeeper(Totals(database), check, verification, cursors, clock, settings.verify_every)


def build_delivery(
    settings: Settings, parts: Parts, client: httpx.AsyncClient, clock: Clock = utc_now
) -> Delivery | None:
    """None where no receiver is set: then all messages wait."""
    if settings.outbox.url is None:
        return None
    return Delivery(parts.outbox, client, Receiver(settings.outbox.url, settings.outbox.keys), clock)


def _method_parts(
    settings: Settings, database: Database, processor: PaymentProcessor, clock: Clock
) -> tuple[Customers, SavedMethods]:
    repository, vault = CustomerRepository(database, settings.environment), processor.vault
    operations = CustomerOperations(repository, vault, settings.patience, clock)
    refresh = MethodsRefresh(repository, vault, clock)
    within, lease = settings.answer_within, settings.patience.lease
    customers = Customers(repository, vault, operations, refresh, within, clock)
    return customers, SavedMethods(repository, vault, operations, refresh, within, lease, clock)


def create_app(settings: Settings, streams: OpenStreams | None = None) -> ASGIApp:
    """The application as it is served; what it opened is closed when it stops."""
    processor = open_processor(settings, utc_now)
    parts = build_parts(settings, processor, streams=streams)
    key_client = httpx.AsyncClient()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await parts.watching.close()
        await parts.operations.drain()
        await parts.customers.operations.carrying.drain()
        await processor.close()
        await key_client.aclose()
        await parts.database.close()

    return web_app(settings, parts, key_client, lifespan=lifespan)


def web_app(
    settings: Settings,
    parts: Parts,
    key_client: httpx.AsyncClient,
    *,
    clock: Clock = utc_now,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> ASGIApp:
    verifier = Verifier(
        KeySource(settings.jwks_url, key_client), settings.token_issuer, settings.token_audience
    )
    turns = Turns()
    graphql = GraphQLEndpoint(
        verifier,
        turns,
        parts.streams,
        lambda viewer, asked: Context(
            viewer,
            parts.pages,
            parts.books,
            parts.use_cases,
            parts.syncing,
            parts.outbox,
            parts.timeline,
            parts.customers,
            parts.saved_methods,
            turns,
            asked.operation_name,
            unusual=asked.size > USUAL_BYTES,
            watching=parts.watching,
            streams=parts.streams,
        ),
    )
    webhooks = WebhookEndpoint(parts.inbox, parts.processor, settings.processor.webhook_secrets, clock)
    user_events = UserEventsEndpoint(parts.erased_owners, settings.user_event_keys, clock)

    routes: list[BaseRoute] = [
        Route("/graphql", graphql.respond, methods=["GET", "POST"]),
        Route(f"/webhooks/{parts.processor.name}", webhooks.respond, methods=["POST"]),
        Route("/events/users", user_events.respond, methods=["POST"]),
        Route("/healthz", _alive, methods=["GET"]),
        Route("/readyz", _readiness(parts.database), methods=["GET"]),
    ]
    return AccessLog(
        FastAPI(
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            lifespan=lifespan,
            routes=routes,
            exception_handlers={HTTPException: refusal},
        )
    )


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "alive"})


def _readiness(database: Database) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_request: Request) -> Response:
        try:
            migrated = await database.migrated()
        except SQLAlchemyError:
            return JSONResponse({"status": "database unreachable"}, 503)
        return (
            JSONResponse({"status": "ready"}) if migrated else JSONResponse({"status": "not migrated"}, 503)
        )

    return ready
