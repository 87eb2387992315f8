"""The whole service in one process: real schema, SDK, SQL; a wire for Stripe, a clock to turn, own tokens."""

import itertools
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import unquote_to_bytes

import httpx
import stripe
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import event, func, select, text
from starlette.types import ASGIApp

from payment_subgraph.app import Parts, build_parts, web_app
from payment_subgraph.database import Database
from payment_subgraph.open_streams import OpenStreams
from payment_subgraph.processor import PaymentProcessor
from payment_subgraph.repository import Cause
from payment_subgraph.settings import Settings, StripeSettings
from payment_subgraph.stripe_processor import StripeProcessor
from tests.contract.overheard import secrets_of_errors
from tests.payment_subgraph.stripe_wire import StripeWire

ISSUER = "http://users.test"
AUDIENCE = "modular-payment-system"
WEBHOOK_SECRET = "whsec_one"
SIGNING_KEY = ECKey.generate_key("P-256", auto_kid=True)

CUSTOMER = "payments:read payments:write"
SUPPORT = f"{CUSTOMER} payments:read:any payments:write:any"
FINANCE = f"{SUPPORT} refunds:write"


class Clock:
    """Real time until it is turned."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def turn(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass(frozen=True)
class Person:
    """*client_id*: of the program that asks in the person's name; a machine's is its own id."""

    id: str
    scope: str
    client_id: str | None = None

    def token(self, *, key: ECKey = SIGNING_KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.id,
            "sid": "ses_1",
            "scope": self.scope,
            "client_id": self.client_id,
            "roles": [],
            "iat": now,
            "exp": now + 600,
            "jti": "1",
        }
        kept = {name: value for name, value in (content | claims).items() if value is not None}
        head = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | (header or {})
        return jwt.encode({name: value for name, value in head.items() if value is not None}, kept, key)


ADMIN = f"{FINANCE} webhooks:manage"

ADA = Person("usr_ada", CUSTOMER)
GRACE = Person("usr_grace", CUSTOMER)
STAFF = Person("usr_staff", FINANCE)
HELPDESK = Person("usr_helpdesk", SUPPORT)
KEEPER = Person("usr_keeper", ADMIN)
CAUSE = Cause("REQUEST", "op_of_a_test")


def settings(database_url: str, **environment: str) -> Settings:
    return Settings.read(
        {
            "PAYMENT_DATABASE_URL": database_url,
            "STRIPE_SECRET_KEY": "sk_test_wire",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "TOKEN_ISSUER": ISSUER,
            "JWKS_URL": f"{ISSUER}/jwks.json",
            "OPERATION_ANSWER_SECONDS": "60",
            **environment,
        }
    )


def _json_or_none(answer: httpx.Response) -> Any:
    return answer.json() if answer.content else None


def serve_keys(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=KeySet([SIGNING_KEY]).as_dict(private=False))


@dataclass
class World:
    settings: Settings
    clock: Clock
    wire: StripeWire
    parts: Parts
    http: httpx.AsyncClient
    key_client: httpx.AsyncClient
    app: ASGIApp
    keys: Any = field(default_factory=lambda: map("key-{}".format, itertools.count()))
    secrets_told: list[str] = field(default_factory=list)
    """Secrets that stood in errors it has answered; there must be none."""

    def __post_init__(self) -> None:
        self.http.event_hooks["response"].append(self._look_for_secrets)

    async def _look_for_secrets(self, answer: httpx.Response) -> None:
        if "json" in answer.headers.get("content-type", ""):  # a stream of events has no end to wait for
            said = await answer.request.aread() + unquote_to_bytes(answer.request.url.query)
            await answer.aread()
            self.secrets_told += secrets_of_errors(said.decode(errors="replace"), _json_or_none(answer))

    @classmethod
    def build(
        cls,
        database_url: str,
        network: stripe.HTTPClient | None = None,
        streams: OpenStreams | None = None,
        **environment: str,
    ) -> "World":
        """*network* leads to another Stripe than *wire*, or to whatever STRIPE_API_BASE names."""
        chosen, clock = settings(database_url, **environment), Clock()
        wire = StripeWire(clock)
        assert isinstance(chosen.processor, StripeSettings)
        processor = StripeProcessor(
            chosen.processor.secret_key,
            environment=chosen.environment,
            api_base=chosen.processor.api_base,
            http_client=network or wire,
            clock=clock,
        )
        return cls.around(chosen, clock, wire, processor, streams)

    @classmethod
    def around(
        cls,
        chosen: Settings,
        clock: Clock,
        wire: StripeWire,
        processor: PaymentProcessor,
        streams: OpenStreams | None = None,
    ) -> "World":
        parts = build_parts(chosen, processor, clock, streams)
        key_client = httpx.AsyncClient(transport=httpx.MockTransport(serve_keys))
        app = web_app(chosen, parts, key_client, clock=clock)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://payments.test")
        return cls(chosen, clock, wire, parts, http, key_client, app)

    async def close(self) -> None:
        await self.parts.watching.close()
        await self.parts.operations.drain()
        await self.parts.customers.operations.carrying.drain()
        await self.parts.processor.close()
        await self.http.aclose()
        await self.key_client.aclose()
        await self.parts.database.close()

    # Asking.

    async def ask(self, query: str, person: Person | None = ADA, **variables: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {person.token()}"} if person else {}
        body = {"query": query, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers=headers)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def mutate(self, name: str, person: Person = ADA, **fields: Any) -> dict[str, Any]:
        """The union member that the mutation *name* answers with, all of its fields selected."""
        fields = {"idempotencyKey": next(self.keys)} | fields
        kind = name[0].upper() + name[1:] + "Input!"
        answer = await self.ask(
            MUTATION.format(name=name, kind=kind, extra=_EXTRA[name]), person, input=fields
        )
        assert "errors" not in answer, answer
        member: dict[str, Any] = answer["data"][name]
        return member

    async def pay(self, amount: str = "10.00", currency: str = "EUR", **fields: Any) -> dict[str, Any]:
        """A payment of Ada's that the test card has paid."""
        money = {"amount": amount, "currency": currency}
        fields = {"paymentMethodId": "pm_card_visa", "confirm": True} | fields
        member = await self.mutate("createPayment", amount=money, **fields)
        payment: dict[str, Any] = member["payment"]
        return payment

    async def authorize(self, amount: str = "10.00", currency: str = "EUR") -> dict[str, Any]:
        """A payment of Ada's that the test card has authorized, to be captured by staff."""
        return await self.pay(amount, currency, captureMethod="MANUAL")

    async def create(self, amount: str = "10.00", currency: str = "EUR", **fields: Any) -> dict[str, Any]:
        return await self.mutate("createPayment", amount={"amount": amount, "currency": currency}, **fields)

    async def payment(self, payment_id: str, person: Person = STAFF) -> dict[str, Any]:
        answer = await self.ask(
            f"query($id: ID!) {{ payment(id: $id) {{ ...P }} }} {FRAGMENTS}", person, id=payment_id
        )
        found: dict[str, Any] = answer["data"]["payment"]
        return found

    # Webhooks and the worker.

    async def deliver(self, stripe_event: dict[str, Any], **how: Any) -> httpx.Response:
        body = json.dumps(stripe_event)
        return await self.post_webhook(body, signature(body, self.clock, **how))

    async def post_webhook(self, body: str | bytes, signed: str | None) -> httpx.Response:
        headers = {"stripe-signature": signed} if signed is not None else {}
        return await self.http.post("/webhooks/stripe", content=body, headers=headers)

    async def deliver_and_work(self, kind: str, intent: str) -> None:
        await self.deliver(self.wire.event(kind, self.wire.intents[intent]))
        await self.parts.reconciler.work_inbox()

    async def work(self) -> None:
        """Rounds of the worker until there is nothing left to do now."""
        while await self.parts.reconciler.round():
            pass

    # Looking behind.

    async def count(self, table: Any, *conditions: Any) -> int:
        async with self.parts.database.reading() as connection:
            found = await connection.execute(select(func.count()).select_from(table).where(*conditions))
            return int(found.scalar_one())

    async def rows(self, table: Any) -> list[Any]:
        async with self.parts.database.reading() as connection:
            return list((await connection.execute(select(table))).mappings())

    async def all_rows(self) -> dict[str, int]:
        names = ("payments", "payment_operations", "refunds", "disputes", "provider_events", "observations")
        async with self.parts.database.reading() as connection:
            return {
                name: (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()  # noqa: S608
                for name in names
            }


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def refusal_kept(before: dict[str, int]) -> dict[str, int]:
    """`World.all_rows()` after a refusal by the payment's state: nothing new but what is kept under its key."""
    return before | {"payment_operations": before["payment_operations"] + 1}


def signature(
    body: str, clock: Clock, *, secret: str = WEBHOOK_SECRET, seconds_ago: float = 0, tamper: bool = False
) -> str:
    at = int(clock().timestamp() - seconds_ago)
    signed = body + " " if tamper else body
    return stripe.WebhookSignature.generate_signature_header(signed, secret, at)


class Statements:
    """The SQL statements a database runs inside a `with` block."""

    def __init__(self, database: Database) -> None:
        self._engines = database.sync_engines
        self.texts: list[str] = []

    def __enter__(self) -> Self:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_exc: object) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SELECT pg_catalog.version", "PRAGMA")):
            self.texts.append(statement)


FRAGMENTS = """
fragment M on Money { amount amountMinor currency }
fragment O on PaymentOperation { id kind state amount { ...M } createdAt resolvedAt }
fragment R on Refund { id amount { ...M } status reason note failureReason createdAt updatedAt }
fragment D on Dispute { id amount { ...M } status reason fundsWithdrawn evidenceDueBy createdAt updatedAt }
fragment P on Payment {
  id reference description amount { ...M } status financialStatus captureMethod
  amountCapturable { ...M } amountCaptured { ...M } amountRefunded { ...M } amountRefundPending { ...M }
  amountRefundable { ...M } amountDisputed { ...M } disputes { ...D } paymentMethod { id type brand last4 expMonth expYear isDefault reusable }
  nextAction { type redirectUrl clientSecret } lastError { code declineCode message retryable occurredAt }
  availableActions pendingOperations { ...O } user { id }
  refunds { nodes { ...R } edges { cursor } pageInfo { hasNextPage endCursor } }
  metadata { key value } createdAt updatedAt succeededAt canceledAt version
}
"""
MUTATION = """mutation($input: {kind}) {{ {name}(input: $input) {{ __typename
  ... on Error {{ message code }}
  ... on OperationPending {{ payment {{ ...P }} operation {{ ...O }} retryAfterSeconds }}
  ... on ValidationError {{ fields {{ path code message }} }}
  ... on IdempotencyConflictError {{ originalOperation {{ ...O }} }}
  ... on PaymentProviderError {{ retryable providerRequestId }}
  {extra} }} }}""" + FRAGMENTS.replace("{", "{{").replace("}", "}}")
_PAID = "... on PaymentSuccess { payment { ...P } operation { ...O } replayed }"
_DECLINED = "... on PaymentDeclinedError { declineCode retryable payment { ...P } }"
_STATE = "... on InvalidPaymentStateError { currentStatus allowedActions }"
_NOT_FOUND = "... on NotFoundError { id }"
_EXTRA = {
    "createPayment": f"{_PAID} {_DECLINED} ... on DuplicatePaymentError {{ existingPayment {{ ...P }} }}",
    "confirmPayment": f"{_PAID} {_DECLINED} {_STATE} {_NOT_FOUND}",
    "capturePayment": f"{_PAID} {_STATE} {_NOT_FOUND}",
    "cancelPayment": f"{_PAID} {_STATE} {_NOT_FOUND}",
    "refundPayment": f"""... on RefundSuccess {{ refund {{ ...R }} payment {{ ...P }} operation {{ ...O }} replayed }}
        ... on RefundExceedsAvailableError {{ refundable {{ ...M }} }}
        ... on PaymentDisputedError {{ dispute {{ ...D }} }} {_STATE} {_NOT_FOUND}""".replace(
        "{{", "{"
    ).replace("}}", "}"),
}
