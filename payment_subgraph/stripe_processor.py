"""Stripe as a PaymentProcessor: the only module that imports stripe."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, cast

import stripe

from payment_subgraph.book_difference import BookObject
from payment_subgraph.money import Money
from payment_subgraph.observation import DisputeSnapshot, MovementSnapshot, PaymentSnapshot, RefundSnapshot
from payment_subgraph.operation import Operation, OperationKind
from payment_subgraph.payment import CaptureMethod, Payment
from payment_subgraph.processor import (
    Answer,
    Busy,
    Declined,
    KeyMisused,
    Listed,
    Made,
    MethodChoice,
    NotAuthorized,
    OutcomeUnknown,
    Params,
    ProcessorError,
    ProviderEvent,
    Refused,
    RefusedFor,
    SignatureInvalid,
)
from payment_subgraph.refund import Refund
from payment_subgraph.stripe_amounts import to_stripe_amount
from payment_subgraph.stripe_balance import movement_snapshot
from payment_subgraph.stripe_lists import (
    each,
    made_dispute,
    made_payment,
    made_refund,
    made_within,
    payment_named,
    retrieve,
)
from payment_subgraph.stripe_objects import (
    REFUND_REASONS,
    dispute_snapshot,
    payment_snapshot,
    provider_event,
    refund_snapshot,
)
from payment_subgraph.stripe_vault import StripeVault
from payment_subgraph.vault import Vault

log = logging.getLogger(__name__)

STRIPE_VERSION: Final = "2026-10-28.endive"
REQUEST_TIMEOUT_S: Final = 20.0
NETWORK_RETRIES: Final = 2
WEBHOOK_TOLERANCE: Final = timedelta(seconds=300)

_EXPAND: Final = ["payment_method", "latest_charge.balance_transaction"]
_REFUND_EXPAND: Final = ["balance_transaction", "failure_balance_transaction"]
_INPUT_FIELDS: Final = {
    "payment_method": "paymentMethodId",
    "amount": "amount",
    "amount_to_capture": "amount",
    "currency": "amount",
}

# What Stripe says of a method that there is not, or that another customer keeps: the two are not told apart.
_NOT_THEIRS: Final = frozenset({"resource_missing", "parameter_missing", "invalid_request_error"})
_REASONS: Final = {
    "payment_intent_unexpected_state": RefusedFor.WRONG_STATE,
    "charge_already_captured": RefusedFor.WRONG_STATE,
    "charge_expired_for_capture": RefusedFor.WRONG_STATE,
    "capture_charge_authorization_expired": RefusedFor.WRONG_STATE,
    "charge_disputed": RefusedFor.DISPUTED,
    "charge_already_refunded": RefusedFor.NOTHING_LEFT,
    "amount_too_small": RefusedFor.AMOUNT_TOO_SMALL,
    "amount_too_large": RefusedFor.AMOUNT_TOO_LARGE,
}


class StripeHttp(stripe.HTTPXClient):
    """*within_s*: a whole request; httpx limits only each pause between two pieces of an answer."""

    def __init__(self, within_s: float = REQUEST_TIMEOUT_S) -> None:
        super().__init__(timeout=within_s)
        self._within_s = within_s

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            async with asyncio.timeout(self._within_s):
                return await super().request_async(method, url, headers, post_data)
        except TimeoutError as late:
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]  # the SDK types it not
                "no whole answer in time", should_retry=True
            ) from late


class StripeProcessor:
    """Speaks to Stripe with *secret_key*; *environment* marks our objects on an account shared with others.

    *api_base* None is the real Stripe. *http_client* takes the place of the network in tests.
    """

    name = "stripe"
    signature_header = "stripe-signature"
    version = STRIPE_VERSION

    def __init__(
        self,
        secret_key: str,
        *,
        environment: str,
        api_base: str | None = None,
        http_client: stripe.HTTPClient | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.livemode = secret_key.startswith(("sk_live_", "rk_live_"))
        self._environment = environment
        self._clock = clock
        self._http = http_client or StripeHttp()
        # StripeClient ignores the library's global retry setting: it has to be said here.
        self._client = stripe.StripeClient(
            secret_key,
            stripe_version=STRIPE_VERSION,
            max_network_retries=NETWORK_RETRIES,
            base_addresses={"api": api_base} if api_base else None,
            http_client=self._http,
        )
        self.vault: Vault = StripeVault(self._client, self._asked, self._all, environment, STRIPE_VERSION)

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK types this one not

    def accepts(self, money: Money) -> bool:
        return to_stripe_amount(money) is not None

    # What will be sent. Never personal data: neither the description nor the client's metadata.

    def create_params(
        self, payment: Payment, operation_id: str, choice: MethodChoice, *, confirm: bool
    ) -> Params:
        """Redirecting methods are only offered where we know the page to return to."""
        params: dict[str, Any] = {
            "amount": _stripe_amount(payment.amount),
            "currency": payment.currency.lower(),
            "automatic_payment_methods": {
                "enabled": True,
                "allow_redirects": "always" if payment.return_url else "never",
            },
            "metadata": {"payment_id": payment.id, "operation_id": operation_id, "env": self._environment},
            "expand": _EXPAND,
        }
        if payment.capture_method is CaptureMethod.MANUAL:
            params["capture_method"] = "manual"
        params |= _chosen(choice)
        if choice.save:
            params["setup_future_usage"] = "off_session"
        if confirm:
            params["confirm"] = True
            params |= {"return_url": payment.return_url} if payment.return_url else {}
        if confirm and choice.off_session:
            params["off_session"] = True
        return params

    def confirm_params(self, payment: Payment, choice: MethodChoice, return_url: str | None) -> Params:
        params: dict[str, Any] = {"expand": _EXPAND, **_chosen(choice)}
        if choice.off_session:
            params["off_session"] = True
        if url := return_url or payment.return_url:
            params["return_url"] = url
        return params

    def capture_params(self, amount: Money) -> Params:
        """The sum is always said: what "all" meant when it was asked for must not change until it is sent."""
        return {"amount_to_capture": _stripe_amount(amount), "expand": _EXPAND}

    def cancel_params(self, *, abandoned: bool) -> Params:
        reason = "abandoned" if abandoned else "requested_by_customer"
        return {"cancellation_reason": reason, "expand": _EXPAND}

    def refund_params(self, payment: Payment, refund: Refund, operation_id: str) -> Params:
        params: dict[str, Any] = {
            "payment_intent": payment.provider_payment_id,
            "amount": _stripe_amount(payment.money(refund.amount_minor)),
            "metadata": {
                "payment_id": payment.id,
                "refund_id": refund.id,
                "operation_id": operation_id,
                "env": self._environment,
            },
            "expand": _REFUND_EXPAND,
        }
        if refund.reason in REFUND_REASONS:
            params["reason"] = REFUND_REASONS[refund.reason]
        return params

    # Sending and reading.

    async def send(self, operation: Operation, provider_payment_id: str | None) -> Answer:
        options = {
            "idempotency_key": operation.provider_key,
            "stripe_version": operation.provider_version,
        }
        found = await self._asked(self._post(operation, provider_payment_id, cast("Any", options)))
        replayed = _was_replayed(found.last_response.headers if found.last_response else {})
        content = found.to_dict()
        if operation.kind is OperationKind.REFUND:
            refund = refund_snapshot(content)
            return Answer(refund.provider_payment_id, refund=refund, replayed=replayed)
        payment = payment_snapshot(content, self._clock())
        return Answer(payment.provider_payment_id, payment=payment, replayed=replayed)

    def _post(
        self, operation: Operation, intent: str | None, options: "stripe.RequestOptions"
    ) -> Awaitable[stripe.StripeObject]:
        params = cast("Any", dict(operation.params))
        match operation.kind:
            case OperationKind.CREATE:
                return self._client.v1.payment_intents.create_async(params, options)
            case OperationKind.CONFIRM:
                return self._confirm(_known(intent), params, options)
            case OperationKind.CAPTURE:
                return self._client.v1.payment_intents.capture_async(_known(intent), params, options)
            case OperationKind.CANCEL:
                return self._client.v1.payment_intents.cancel_async(_known(intent), params, options)
            case OperationKind.REFUND:
                return self._client.v1.refunds.create_async(params, options)

    async def _confirm(self, intent: str, params: Any, options: Any) -> stripe.StripeObject:
        """Confirming cannot name a customer, and a method that one keeps pays only for intents of theirs."""
        customer = params.pop("customer", None)
        if customer is not None:
            keyed = options | {"idempotency_key": f"{options['idempotency_key']}:customer"}
            await self._client.v1.payment_intents.update_async(intent, {"customer": customer}, keyed)
        return await self._client.v1.payment_intents.confirm_async(intent, params, options)

    async def fetch_payment(self, provider_payment_id: str) -> PaymentSnapshot:
        read = self._client.v1.payment_intents.retrieve_async(provider_payment_id, {"expand": _EXPAND})
        return payment_snapshot((await self._asked(read)).to_dict(), self._clock())

    async def fetch_refunds(self, provider_payment_id: str) -> Sequence[RefundSnapshot]:
        wanted: Any = {
            "payment_intent": provider_payment_id,
            "limit": 100,
            "expand": [f"data.{name}" for name in _REFUND_EXPAND],
        }
        return [
            refund_snapshot(found) async for found in self._all(self._client.v1.refunds.list_async(wanted))
        ]

    async def fetch_disputes(self, provider_payment_id: str) -> Sequence[DisputeSnapshot]:
        listing = self._client.v1.disputes.list_async({"payment_intent": provider_payment_id, "limit": 100})
        return [dispute_snapshot(found) async for found in self._all(listing)]

    async def warned_of_fraud(self, provider_payment_id: str) -> bool:
        warnings = self._client.v1.radar.early_fraud_warnings
        page = await self._asked(warnings.list_async({"payment_intent": provider_payment_id, "limit": 1}))
        return not page.is_empty

    async def find_payment(self, payment_id: str, since: datetime, until: datetime) -> PaymentSnapshot | None:
        """Lists instead of searching: Stripe's Search API shows a new object only after up to an hour."""
        window = made_within(since, until + timedelta(seconds=1))
        listing = self._client.v1.payment_intents.list_async(window)
        async for found in self._all(listing):
            if (found.get("metadata") or {}).get("payment_id") == payment_id:
                return await self.fetch_payment(found["id"])
        return None

    def payments_made(self, since: datetime, until: datetime) -> Listed[Made[PaymentSnapshot]]:
        listing = self._client.v1.payment_intents.list_async(made_within(since, until))
        return each(self._all(listing), lambda found: made_payment(found, self._clock()))

    def refunds_made(self, since: datetime, until: datetime) -> Listed[Made[RefundSnapshot]]:
        return each(self._all(self._client.v1.refunds.list_async(made_within(since, until))), made_refund)

    def disputes_made(self, since: datetime, until: datetime) -> Listed[DisputeSnapshot]:
        return each(self._all(self._client.v1.disputes.list_async(made_within(since, until))), made_dispute)

    def movements_made(self, since: datetime, until: datetime) -> Listed[MovementSnapshot]:
        wanted = made_within(since, until) | {"expand": ["data.source"]}
        return each(self._all(self._client.v1.balance_transactions.list_async(wanted)), movement_snapshot)

    async def fetch_movement(self, balance_transaction_id: str) -> MovementSnapshot | None:
        read = retrieve(self._client, BookObject.BALANCE_TRANSACTION, balance_transaction_id)
        return movement_snapshot(await self._object(read))

    async def payment_of(self, kind: BookObject, provider_object_id: str) -> str | None:
        found = await self._object(retrieve(self._client, kind, provider_object_id))
        return payment_named(kind, found, self._clock())

    async def events_since(self, since: datetime) -> AsyncIterator[Sequence[ProviderEvent]]:
        window = {"gte": int(since.timestamp())}
        listing = self._client.v1.events.list_async(cast("Any", {"created": window, "limit": 100}))
        async for page in self._pages(listing):
            yield [event for found in page if (event := _readable_event(found))]

    async def _object(self, request: Awaitable[Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self._asked(request)).to_dict(for_json=True)
        return found

    async def _all(self, listing: Awaitable[Any]) -> AsyncIterator[dict[str, Any]]:
        async for page in self._pages(listing):
            for found in page:
                yield found

    async def _pages(self, listing: Awaitable[Any]) -> AsyncIterator[list[dict[str, Any]]]:
        page = await self._asked(listing)
        while not page.is_empty:
            yield [found.to_dict(for_json=True) for found in page.data]
            page = await self._asked(page.next_page_async())

    async def _asked(self, request: Awaitable[Any]) -> Any:
        try:
            return await request
        except stripe.StripeError as error:
            self._translate(error)

    def _translate(self, error: stripe.StripeError) -> NoReturn:
        """One of our errors for Stripe's; whatever is no clear answer of Stripe's own counts as unknown.

        Source: https://docs.stripe.com/error-low-level
        """
        status, request_id, said = error.http_status or 0, error.request_id, _error_object(error)
        match status, said.get("type"):
            case 409 | 429, _:
                raise Busy(f"busy: {status}", request_id) from error
            case 401 | 403, str():
                raise NotAuthorized(f"not authorized: {status}", request_id) from error
            case 400, "idempotency_error":
                raise KeyMisused("the key was used with other parameters", request_id) from error
            case 402, str():
                raise self._declined(said, error) from error
            case 400 | 404, str():
                raise _refused(said, request_id) from error
            case _:
                raise OutcomeUnknown(
                    f"no clear answer: {status}", request_id, stored=status >= 500
                ) from error

    def _declined(self, said: Mapping[str, Any], error: stripe.StripeError) -> ProcessorError:
        intent = said.get("payment_intent")
        return Declined(
            str(said.get("code") or "card_declined"),
            said.get("decline_code"),
            payment_snapshot(intent, self._clock()) if intent else None,
            error.request_id,
            replayed=_was_replayed(error.headers or {}),
        )

    # Webhooks.

    def verify_event(
        self, body: bytes, signature: str, secrets: Sequence[str], now: datetime
    ) -> ProviderEvent:
        if not any(_signed_with(secret, body, signature) for secret in secrets):
            raise SignatureInvalid("no secret fits the signature")
        # The SDK would take a timestamp from the future, i.e. one that stays fresh for as long as its maker likes.
        age = now.timestamp() - _signed_at(signature)
        if abs(age) > WEBHOOK_TOLERANCE.total_seconds():
            raise SignatureInvalid(f"signed {age:.0f} s ago")
        return self.read_event(json.loads(body))

    def read_event(self, payload: Mapping[str, Any]) -> ProviderEvent:
        return provider_event(payload)


def _signed_with(secret: str, body: bytes, signature: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


def _signed_at(signature: str) -> int:
    """The timestamp of a header that was verified: the first `t`, as the SDK reads it."""
    return next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))


def _error_object(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    said = body.get("error") if isinstance(body, Mapping) else None
    return said if isinstance(said, Mapping) else {}


def _refused(said: Mapping[str, Any], request_id: str | None) -> Refused:
    code, field = str(said.get("code") or said["type"]), _field(said)
    if code in _NOT_THEIRS and field == "paymentMethodId":
        return Refused(RefusedFor.UNKNOWN_PAYMENT_METHOD, field, code, request_id)
    return Refused(_REASONS.get(code, RefusedFor.OTHER), field, code, request_id)


def _readable_event(found: Mapping[str, Any]) -> ProviderEvent | None:
    """None, and told, for one of which we make nothing: it must not keep the others away."""
    try:
        return provider_event(found)
    except ValueError:
        log.exception("ALERT event %s cannot be read and is passed over", found.get("id"))
        return None


def _chosen(choice: MethodChoice) -> dict[str, str]:
    named = {"payment_method": choice.method_id, "customer": choice.customer_id}
    return {name: value for name, value in named.items() if value is not None}


def _field(said: Mapping[str, Any]) -> str | None:
    return _INPUT_FIELDS.get(str(said.get("param") or "").partition("[")[0])


def _was_replayed(headers: Mapping[str, str]) -> bool:
    return any(name.lower() == "idempotent-replayed" and value == "true" for name, value in headers.items())


def _stripe_amount(money: Money) -> int:
    amount = to_stripe_amount(money)
    if amount is None:
        raise AssertionError(f"{money} was to be refused by accepts()")
    return amount


def _known(intent: str | None) -> str:
    if intent is None:
        raise AssertionError("an operation on a payment that has no intent yet")
    return intent
