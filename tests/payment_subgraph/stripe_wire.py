"""A small stateful Stripe under the real SDK: it takes the place of the network, nothing else.

What it knows is what the tests need: intents, refunds, disputes, balance transactions with their sources, events,
idempotency keys, and faults on request.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe


class Fault(Enum):
    """What happens to the next POST instead of a good answer."""

    LOST_REQUEST = auto()  # never arrives
    LOST_ANSWER = auto()  # is carried out, the answer does not come back
    STORED_500 = auto()  # nothing done; a 500 is stored under the key
    DONE_BUT_500 = auto()  # carried out, yet a 500 is stored under the key
    CONFLICT = auto()  # 409: the key is in use
    TOO_MANY = auto()  # 429
    WRONG_KEY = auto()  # 401
    NONSENSE = auto()  # 200, but not JSON
    DECLINED = auto()  # 402
    WRONG_AMOUNT = auto()  # carried out and answered with another amount


METHODS: dict[str, dict[str, Any]] = {
    "pm_card_visa": {},
    "pm_card_visa_chargeDeclined": {"decline": "generic_decline"},
    "pm_card_visa_chargeDeclinedInsufficientFunds": {"decline": "insufficient_funds"},
    "pm_card_visa_chargeDeclinedStolenCard": {"decline": "stolen_card"},
    "pm_card_threeDSecure2Required": {"action": True},
    "pm_processing": {"processing": True},
}

TURNED_AWAY: dict[Fault | None, tuple[int, dict[str, Any]]] = {
    Fault.CONFLICT: (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}),
    Fault.TOO_MANY: (429, {"type": "invalid_request_error", "code": "rate_limit"}),
    Fault.DECLINED: (402, {"type": "card_error", "code": "expired_or_canceled_card"}),
    Fault.WRONG_KEY: (401, {"type": "invalid_request_error", "message": "Invalid API Key"}),
}

Answer = tuple[int, dict[str, Any]]


@dataclass
class Call:
    method: str
    path: str
    params: dict[str, str]
    key: str | None
    version: str | None


@dataclass(frozen=True)
class Gate:
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def passed(self) -> None:
        self.reached.set()
        await self.opened.wait()


@dataclass
class StripeWire(stripe.HTTPClient):
    """*faults* are used up by POSTs, one each; *gate*, if set, is awaited by every POST before its answer.

    *read_gates*: by path, what a GET of it awaits.
    """

    name = "wire"
    clock: Callable[[], datetime]
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    movements: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    keys: dict[str, tuple[dict[str, str], int, str]] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    read_gates: dict[str, "Gate"] = field(default_factory=dict)
    posted: asyncio.Event = field(default_factory=asyncio.Event)
    overtake: Callable[[], Awaitable[None]] | None = None  # done before the answer to a POST arrives
    overtake_list: Callable[[], Awaitable[None]] | None = None  # done once, before a list of intents arrives
    down: bool = False
    refund_status: str = "succeeded"

    def __post_init__(self) -> None:
        super().__init__()

    async def close_async(self) -> None:
        """Nothing to close."""

    async def sleep_async(self, secs: float) -> None:
        """The SDK waits between its tries; here it need not."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        params = dict(parse_qsl(post_data if method == "post" else parts.query))
        call = Call(method, parts.path, params, headers.get("Idempotency-Key"), headers.get("Stripe-Version"))
        self.calls.append(call)
        if self.down:
            raise stripe.APIConnectionError("down", should_retry=False)
        if method != "post":
            if parts.path in self.read_gates:
                await self.read_gates[parts.path].passed()
            status, body = self._read(parts.path, params)
            if parts.path == "/v1/payment_intents" and self.overtake_list is not None:
                happens, self.overtake_list = self.overtake_list, None
                await happens()
            return json.dumps(body), status, {"Request-Id": "req_wire"}
        self.posted.set()
        if self.gate is not None:
            await self.gate.wait()
        try:
            return self._post(call)
        finally:
            if self.overtake is not None:
                await self.overtake()

    @property
    def posts(self) -> list[Call]:
        return [call for call in self.calls if call.method == "post"]

    def _post(self, call: Call) -> tuple[str, int, Mapping[str, str]]:
        assert call.key is not None
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.LOST_REQUEST:
            raise stripe.APIConnectionError("timed out", should_retry=False)
        if fault in TURNED_AWAY:
            return self._failed(*TURNED_AWAY[fault])
        if fault is Fault.STORED_500:
            self.keys[call.key] = (call.params, 500, json.dumps({"error": {"type": "api_error"}}))
        return self._answered(call, call.key, fault)

    def _answered(self, call: Call, key: str, fault: Fault | None) -> tuple[str, int, Mapping[str, str]]:
        headers = {"Request-Id": "req_wire", "Stripe-Should-Retry": "false"}
        if key in self.keys:
            params, status, text = self.keys[key]
            if params != call.params:
                return self._failed(400, {"type": "idempotency_error"})
            return text, status, {**headers, "Idempotent-Replayed": "true"}
        status, body = self._act(call)
        if fault is Fault.WRONG_AMOUNT:
            body = {**body, "amount": body["amount"] + 1}
        if fault is Fault.DONE_BUT_500:
            status, body = 500, {"error": {"type": "api_error"}}
        self.keys[key] = (call.params, status, json.dumps(body))
        if fault is Fault.LOST_ANSWER:
            raise stripe.APIConnectionError("connection lost", should_retry=False)
        return ("<html>" if fault is Fault.NONSENSE else json.dumps(body)), status, headers

    def _failed(self, status: int, error: dict[str, Any]) -> tuple[str, int, Mapping[str, str]]:
        return (
            json.dumps({"error": error}),
            status,
            {"Request-Id": "req_wire", "Stripe-Should-Retry": "false"},
        )

    def _read(self, path: str, params: dict[str, str]) -> Answer:
        match path.split("/")[2:]:
            case ["payment_intents", intent] if intent in self.intents:
                return 200, self.intents[intent]
            case ["balance_transactions", name] if name in (
                known := {one["id"]: one for one in self.movements}
            ):
                return 200, known[name]
            case ["refunds" | "disputes" as kind, name] if name in (
                known := {one["id"]: one for one in self._lists()[kind]}
            ):
                return 200, known[name]
            case ["radar", kind] | [kind] if kind in self._lists():
                return self._listed(path, self._lists()[kind], params)
        return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing"}}

    def _lists(self) -> dict[str, list[dict[str, Any]]]:
        return {
            "payment_intents": list(self.intents.values()),
            "refunds": list(self.refunds.values()),
            "disputes": self.disputes,
            "early_fraud_warnings": [],
            "balance_transactions": self.movements,
            "events": self.events,
        }

    def _listed(self, path: str, found: list[dict[str, Any]], params: dict[str, str]) -> Answer:
        """Newest first, in pages."""
        since, until = int(params.get("created[gte]", 0)), int(params.get("created[lte]", 2**40))
        rows = [one for one in reversed(found) if since <= one["created"] <= until]
        if "payment_intent" in params:
            rows = [one for one in rows if one["payment_intent"] == params["payment_intent"]]
        if "starting_after" in params:
            rows = rows[[one["id"] for one in rows].index(params["starting_after"]) + 1 :]
        limit = int(params.get("limit", 10))
        return 200, {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit, "url": path}

    def _act(self, call: Call) -> Answer:
        match call.path.split("/")[2:]:
            case ["payment_intents"]:
                return self._create(call.params)
            case ["payment_intents", intent, "confirm"]:
                return self._confirm(self.intents[intent], call.params)
            case ["payment_intents", intent, "capture"]:
                return self._capture(self.intents[intent], call.params)
            case ["payment_intents", intent, "cancel"]:
                return self._cancel(self.intents[intent])
            case ["refunds"]:
                return self._refund(call.params)
        raise AssertionError(call.path)

    def _create(self, params: dict[str, str]) -> Answer:
        if "payment_method" in params and params["payment_method"] not in METHODS:
            return _missing_method()
        number = len(self.intents) + 1
        intent = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": int(params["amount"]),
            "amount_received": 0,
            "amount_capturable": 0,
            "currency": params["currency"],
            "capture_method": params.get("capture_method", "automatic_async"),
            "status": "requires_payment_method",
            "client_secret": f"pi_{number}_secret_wire",
            "metadata": _metadata(params),
            "next_action": None,
            "payment_method": None,
            "last_payment_error": None,
            "created": int(self.clock().timestamp()),
        }
        self.intents[intent["id"]] = intent
        if params.get("confirm") == "true":
            return self._confirm(intent, params)
        if "payment_method" in params:
            intent |= {"status": "requires_confirmation", "payment_method": _method(params["payment_method"])}
        return 200, dict(intent)

    def _confirm(self, intent: dict[str, Any], params: dict[str, str]) -> Answer:
        if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
            error = {"code": "payment_intent_unexpected_state", "payment_intent": dict(intent)}
            return 400, {"error": {"type": "invalid_request_error", **error}}
        chosen = params.get("payment_method") or (intent["payment_method"] or {}).get("id")
        if chosen not in METHODS:
            return _missing_method()
        behaviour = METHODS[chosen]
        if "decline" in behaviour:
            error = {"type": "card_error", "code": "card_declined", "decline_code": behaviour["decline"]}
            intent |= {
                "status": "requires_payment_method",
                "last_payment_error": error,
                "payment_method": None,
            }
            return 402, {"error": {**error, "payment_intent": dict(intent)}}
        intent |= {"payment_method": _method(chosen), "last_payment_error": None}
        if "action" in behaviour:
            redirect = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://bank.example/3ds"}}
            sdk = {"type": "use_stripe_sdk"}
            intent |= {
                "status": "requires_action",
                "next_action": redirect if "return_url" in params else sdk,
            }
        elif "processing" in behaviour:
            intent["status"] = "processing"
        else:
            self.succeed(intent["id"])
        return 200, dict(intent)

    def finish_late(self, post: Call) -> str:
        """Do now what *post* asked for, though it was answered with an error; the intent's id."""
        return str(self._create(post.params)[1]["id"])

    def succeed(self, intent_id: str) -> None:
        """As if the payer had paid in the browser."""
        intent = self.intents[intent_id]
        if intent["capture_method"] == "manual":
            intent |= {
                "status": "requires_capture",
                "amount_capturable": intent["amount"],
                "next_action": None,
            }
        else:
            intent |= {"status": "succeeded", "amount_received": intent["amount"], "next_action": None}

    def capture(self, intent_id: str, amount: int) -> None:
        """Also: as if somebody had captured in the dashboard."""
        captured = {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
        self.intents[intent_id] |= captured

    def expire(self, intent_id: str) -> None:
        """As Stripe ends an authorization that nobody captured in time."""
        self.intents[intent_id] |= {"status": "canceled", "amount_capturable": 0}

    def _capture(self, intent: dict[str, Any], params: dict[str, str]) -> Answer:
        if intent["status"] != "requires_capture":
            error = {"code": "payment_intent_unexpected_state", "payment_intent": dict(intent)}
            return 400, {"error": {"type": "invalid_request_error", **error}}
        amount = int(params["amount_to_capture"])
        if amount > intent["amount_capturable"]:
            error = {"code": "amount_too_large", "param": "amount_to_capture"}
            return 400, {"error": {"type": "invalid_request_error", **error}}
        self.capture(intent["id"], amount)
        return 200, dict(intent)

    def _cancel(self, intent: dict[str, Any]) -> Answer:
        if intent["status"] in ("succeeded", "canceled", "processing"):
            error = {"code": "payment_intent_unexpected_state", "payment_intent": dict(intent)}
            return 400, {"error": {"type": "invalid_request_error", **error}}
        intent |= {"status": "canceled", "amount_capturable": 0}
        return 200, dict(intent)

    def _refund(self, params: dict[str, str]) -> Answer:
        intent = self.intents[params["payment_intent"]]
        amount = int(params["amount"])
        taken = sum(
            one["amount"]
            for one in self.refunds.values()
            if one["payment_intent"] == intent["id"] and one["status"] not in ("failed", "canceled")
        )
        if taken >= intent["amount_received"]:
            return 400, {"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}
        if taken + amount > intent["amount_received"]:
            return 400, {"error": {"type": "invalid_request_error", "param": "amount"}}
        return 200, dict(self.add_refund(intent["id"], amount, _metadata(params)))

    def add_refund(
        self, intent_id: str, amount: int, metadata: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Also: as if somebody had refunded in the dashboard."""
        refund = {
            "id": f"re_{len(self.refunds) + 1}",
            "object": "refund",
            "amount": amount,
            "currency": self.intents[intent_id]["currency"],
            "payment_intent": intent_id,
            "status": self.refund_status,
            "metadata": metadata or {},
            "failure_reason": None,
            "created": int(self.clock().timestamp()),
        }
        self.refunds[refund["id"]] = refund
        return refund

    def event(self, kind: str, subject: dict[str, Any], *, livemode: bool = False) -> dict[str, Any]:
        """An event about *subject* as it is now; also found in the list of events."""
        event = {
            "id": f"evt_{len(self.events) + 1}",
            "object": "event",
            "type": kind,
            "livemode": livemode,
            "created": int(self.clock().timestamp()),
            "data": {"object": json.loads(json.dumps(subject))},
        }
        self.events.append(event)
        return event


def _metadata(params: dict[str, str]) -> dict[str, str]:
    return {key[9:-1]: value for key, value in params.items() if key.startswith("metadata[")}


def _method(method_id: str) -> dict[str, Any]:
    card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "wallet": None}
    return {"id": method_id, "object": "payment_method", "type": "card", "card": card, "customer": None}


def _missing_method() -> Answer:
    error = {"type": "invalid_request_error", "code": "resource_missing", "param": "payment_method"}
    return 400, {"error": error}
