"""People over HTTP and GraphQL: they repeat whatever was not answered, as a good client does."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.faults.issuer import CUSTOMER, FINANCE, KEEPER, Issuer
from tests.faults.people import STAFF, Intention, Told

_PENDING = "OperationPending"
_ASK_AGAIN_S = 0.2
_ANSWER_WITHIN_S = 4.0
"""Twice what the service takes at most; whoever is suspended answers nothing, and another is asked."""

_MEMBER = """__typename
  ... on Error { code message }
  ... on OperationPending { operation { id } payment { id } retryAfterSeconds }"""
_PAID = "... on PaymentSuccess { replayed payment { id status nextAction { type clientSecret } } }"
_EXTRA: Final = {
    "createPayment": f"""{_PAID} ... on PaymentDeclinedError {{ payment {{ id }} }}
        ... on DuplicatePaymentError {{ existingPayment {{ id }} }}""",
    "confirmPayment": f"{_PAID} ... on PaymentDeclinedError {{ payment {{ id }} }}",
    "capturePayment": _PAID,
    "cancelPayment": _PAID,
    "refundPayment": "... on RefundSuccess { replayed refund { id status } }",
}
_MUTATIONS: Final = {
    name: f"mutation($input: {name[0].upper()}{name[1:]}Input!) {{ answer: {name}(input: $input) {{ {_MEMBER} {extra} }} }}"
    for name, extra in _EXTRA.items()
}
_SYNC = "mutation($id: ID!) { answer: syncPayment(id: $id) { __typename } }"
_EVENTS = "query { answer: webhookEvents(first: 50) { nodes { id } } }"
_REPLAY = "mutation($id: ID!) { answer: replayWebhookEvent(id: $id) { __typename } }"


@dataclass(slots=True)
class Clients:
    """*told*: every definite answer, also those to requests sent twice. *unclear*: what else came instead of one."""

    urls: list[str]
    stripe_url: str
    issuer: Issuer
    http: httpx.AsyncClient
    patience_s: float
    told: list[Told] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    unclear: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    _turn: "itertools.cycle[str]" = field(init=False)

    def __post_init__(self) -> None:
        self._turn = itertools.cycle(self.urls)

    async def ask(self, intention: Intention) -> Told | None:
        """Of any service; those who wait are counted."""
        self.waiting += 1
        try:
            async with asyncio.timeout(self.patience_s):
                member = await self._insist(intention)
        except TimeoutError:
            self.unanswered.append(f"{intention.kind} {intention.key}")
            return None
        finally:
            self.waiting -= 1
        told = _told(intention, member)
        self.told.append(told)
        return told

    async def _insist(self, intention: Intention) -> dict[str, Any]:
        asked = {"idempotencyKey": intention.key, **intention.wanted}
        scope = FINANCE if intention.who == STAFF else CUSTOMER
        token = self.issuer.token(intention.who, scope)
        while True:
            self.sent[intention.kind] += 1
            member = await self.post(_MUTATIONS[intention.kind], {"input": asked}, token)
            if member is not None and member["__typename"] != _PENDING:
                return member
            self.unclear[_PENDING] += member is not None
            await asyncio.sleep(_ASK_AGAIN_S)

    async def post(self, document: str, variables: Mapping[str, Any], token: str) -> dict[str, Any] | None:
        """The field `answer`; None where nothing can be concluded: the connection broke, or the service said it failed."""
        body = {"query": document, "variables": variables}
        try:
            response = await self.http.post(
                f"{next(self._turn)}/graphql",
                json=body,
                headers={"authorization": f"Bearer {token}"},
                timeout=_ANSWER_WITHIN_S,
            )
            answer = response.json()
        except httpx.TransportError:
            self.unclear["connection lost"] += 1
            return None
        except ValueError:
            self.unclear["no JSON"] += 1
            return None
        if "errors" in answer:
            self.unclear.update(error["extensions"]["code"] for error in answer["errors"])
            return None
        found: dict[str, Any] = answer["data"]["answer"]
        return found

    async def bank(self, client_secret: str, verdict: str) -> None:
        intent = client_secret.partition("_secret_")[0]
        while True:
            try:
                await self.http.post(f"{self.stripe_url}/_fake/payment_intents/{intent}/{verdict}")
            except httpx.TransportError:  # Stripe is away for a while; people press again
                await asyncio.sleep(_ASK_AGAIN_S)
            else:
                return

    async def sync(self, payment_id: str) -> None:
        self.sent["syncPayment"] += 1
        await self.post(_SYNC, {"id": payment_id}, self.issuer.token(STAFF, FINANCE))

    async def replay_some_event(self) -> None:
        """An administrator has one of the newest events worked on once more."""
        token = self.issuer.token("usr_keeper", KEEPER)
        page = await self.post(_EVENTS, {}, token)
        if page and page["nodes"]:
            self.sent["replayWebhookEvent"] += 1
            await self.post(_REPLAY, {"id": page["nodes"][-1]["id"]}, token)


def _told(intention: Intention, member: dict[str, Any]) -> Told:
    spoken_of = member.get("payment") or member.get("refund") or member.get("existingPayment") or {}
    action = spoken_of.get("nextAction") or {}
    return Told(
        intention.kind,
        intention.key,
        member["__typename"],
        spoken_of.get("id"),
        spoken_of.get("status"),
        action.get("clientSecret"),
    )
