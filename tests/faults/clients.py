"""People who pay, and staff who give money back; they repeat whatever was not answered, as a good client does."""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.faults.issuer import CUSTOMER, FINANCE, Issuer

CARDS = (
    *["pm_card_visa"] * 6,
    "pm_card_pendingRefund",
    "pm_card_threeDSecure2Required",
    "pm_card_chargeDeclined",
)
_PENDING = "OperationPending"
_INSIST_S = 60
_ASK_AGAIN_S = 0.2

_MEMBER = """__typename
  ... on Error { code message }
  ... on OperationPending { operation { id } payment { id } retryAfterSeconds }"""
_CREATE = f"""mutation($input: CreatePaymentInput!) {{ answer: createPayment(input: $input) {{ {_MEMBER}
  ... on PaymentSuccess {{ replayed payment {{ id status nextAction {{ type }} }} }}
  ... on PaymentDeclinedError {{ payment {{ id }} }}
  ... on DuplicatePaymentError {{ existingPayment {{ id }} }} }} }}"""
_CONFIRM = f"""mutation($input: ConfirmPaymentInput!) {{ answer: confirmPayment(input: $input) {{ {_MEMBER}
  ... on PaymentSuccess {{ replayed payment {{ id status }} }} }} }}"""
_CANCEL = f"""mutation($input: CancelPaymentInput!) {{ answer: cancelPayment(input: $input) {{ {_MEMBER}
  ... on PaymentSuccess {{ replayed payment {{ id status }} }} }} }}"""
_REFUND = f"""mutation($input: RefundPaymentInput!) {{ answer: refundPayment(input: $input) {{ {_MEMBER}
  ... on RefundSuccess {{ replayed refund {{ id status }} }} }} }}"""


@dataclass(frozen=True, slots=True)
class Intention:
    """What somebody wants done once, under one key."""

    kind: str
    mutation: str
    key: str
    who: str
    scope: str
    wanted: dict[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        return {"query": self.mutation, "variables": {"input": {"idempotencyKey": self.key, **self.wanted}}}


@dataclass(frozen=True, slots=True)
class Told:
    """A definite answer that somebody got: the member's type, and the id of the payment or refund that it speaks of."""

    kind: str
    key: str
    member: str
    object_id: str | None = None
    status: str | None = None


@dataclass(slots=True)
class Clients:
    """*told*: every definite answer, also those to requests sent twice."""

    urls: list[str]
    stripe_url: str
    issuer: Issuer
    http: httpx.AsyncClient
    told: list[Told] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    _turn: "itertools.cycle[str]" = field(init=False)

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.urls)

    async def live(self, number: int, luck: Random) -> None:
        """One purchase from its beginning to whatever end it takes."""
        who, order, card = f"usr_{number}", f"order-{number}", luck.choice(CARDS)
        amount = {"amount": f"{luck.randint(100, 20_000)}.00", "currency": luck.choice(["EUR", "USD"])}
        wanted = {"amount": amount, "reference": order, "confirm": True, "paymentMethodId": card}
        paid = await self._create(f"pay-{number}", who, wanted, times=luck.choice([1, 1, 1, 3]))
        if luck.random() < 0.15:  # the page was loaded anew: another key for the same order
            paid = await self._create(f"again-{number}", who, wanted, times=1) or paid
        if paid is None or paid.object_id is None:
            return
        await self._go_on(number, who, paid, paid.object_id, luck)
        if luck.random() < 0.6:
            await self._refund(number, paid.object_id, amount, luck)

    async def _go_on(self, number: int, who: str, paid: Told, payment_id: str, luck: Random) -> None:
        if paid.status == "REQUIRES_ACTION" and luck.random() < 0.7:
            await self._pass_3ds(payment_id, luck)
        elif paid.member == "PaymentDeclinedError" and luck.random() < 0.7:
            other = {"paymentId": payment_id, "paymentMethodId": "pm_card_visa"}
            await self._insist(
                Intention("confirmPayment", _CONFIRM, f"confirm-{number}", who, CUSTOMER, other)
            )
        elif luck.random() < 0.15:
            given_up = {"paymentId": payment_id}
            await self._insist(
                Intention("cancelPayment", _CANCEL, f"cancel-{number}", who, CUSTOMER, given_up)
            )

    async def _create(self, key: str, who: str, wanted: dict[str, Any], times: int) -> Told | None:
        """Pressed *times* times at once: the same key each time."""
        intention = Intention("createPayment", _CREATE, key, who, CUSTOMER, wanted)
        return (await asyncio.gather(*(self._insist(intention) for _ in range(times))))[0]

    async def _refund(self, number: int, payment_id: str, paid: dict[str, str], luck: Random) -> None:
        """Up to four at once, which together may be more than there is."""
        share = float(paid["amount"]) / luck.choice([1, 2, 3])
        money = {"amount": f"{share:.2f}", "currency": paid["currency"]}
        asked = {"paymentId": payment_id, "amount": money, "reason": "REQUESTED_BY_CUSTOMER"}
        keys = [f"refund-{number}-{nth}" for nth in range(luck.randint(1, 4))]
        intentions = [Intention("refundPayment", _REFUND, key, "usr_staff", FINANCE, asked) for key in keys]
        await asyncio.gather(*map(self._insist, intentions))

    async def _pass_3ds(self, payment_id: str, luck: Random) -> None:
        """In the browser, of which our service knows nothing."""
        listed = await self._stripes("GET", "/v1/payment_intents?limit=100")
        intents = [each for each in listed["data"] if each["metadata"].get("payment_id") == payment_id]
        for intent in intents:
            verdict = luck.choice(["complete_3ds", "complete_3ds", "fail_3ds"])
            await self._stripes("POST", f"/_fake/payment_intents/{intent['id']}/{verdict}")

    async def _stripes(self, method: str, path: str) -> dict[str, Any]:
        headers = {"authorization": "Bearer sk_test_rig"}
        while True:
            try:
                response = await self.http.request(method, self.stripe_url + path, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(_ASK_AGAIN_S)
                continue
            if response.status_code not in {409, 429, 500}:
                answer: dict[str, Any] = response.json()
                return answer
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _insist(self, intention: Intention) -> Told | None:
        """Ask, of any service and with the same key, until there is a definite answer."""
        headers = {"authorization": f"Bearer {self.issuer.token(intention.who, intention.scope)}"}
        try:
            async with asyncio.timeout(_INSIST_S):
                while True:
                    member = await self._answer(intention, headers)
                    if member is not None and member["__typename"] != _PENDING:
                        break
                    await asyncio.sleep(_ASK_AGAIN_S)
        except TimeoutError:
            self.unanswered.append(f"{intention.kind} {intention.key}")
            return None
        self.told.append(_told(intention, member))
        return self.told[-1]

    async def _answer(self, intention: Intention, headers: dict[str, str]) -> dict[str, Any] | None:
        """None where nothing can be concluded: the connection broke, or the service said it failed."""
        self.sent[intention.kind] += 1
        try:
            response = await self.http.post(
                f"{next(self._turn)}/graphql", json=intention.body, headers=headers
            )
            answer = response.json()
        except (httpx.TransportError, ValueError):
            return None
        if "errors" in answer:
            return None
        member: dict[str, Any] = answer["data"]["answer"]
        return member


def _told(intention: Intention, member: dict[str, Any]) -> Told:
    spoken_of = member.get("payment") or member.get("refund") or member.get("existingPayment") or {}
    return Told(
        intention.kind, intention.key, member["__typename"], spoken_of.get("id"), spoken_of.get("status")
    )
