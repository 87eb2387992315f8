"""A client of the gateway (or of one subgraph): sends operations as any HTTP program does."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

PASSWORD = "correct-horse-demo"

ONE_QUERY = """{ me { email payments(first: 10) { nodes {
  id status financialStatus amount { amount currency } refunds { nodes { status amount { amount } } } } } } }"""

REGISTER = """mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename
  ... on RegisterUserSuccess { requiresVerification }
  ... on Error { code message } ... on ValidationError { fields { path code } } } }"""

LOGIN = """mutation ($input: LoginInput!) { login(input: $input) { __typename
  ... on LoginSuccess { tokens { accessToken refreshToken expiresIn } user { id } } ... on Error { code message } } }"""

CREATE_PAYMENT = """mutation ($input: CreatePaymentInput!) { createPayment(input: $input) { __typename
  ... on PaymentSuccess { replayed payment { id status financialStatus nextAction { type redirectUrl } } }
  ... on PaymentDeclinedError { declineCode payment { id status } }
  ... on OperationPending { retryAfterSeconds }
  ... on DuplicatePaymentError { existingPayment { id } }
  ... on Error { code message } ... on ValidationError { fields { path code } } } }"""

CONFIRM_PAYMENT = """mutation ($input: ConfirmPaymentInput!) { confirmPayment(input: $input) { __typename
  ... on PaymentSuccess { payment { id status } } ... on Error { code message } } }"""

REFUND_PAYMENT = """mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) { __typename
  ... on RefundSuccess { replayed refund { id status amount { amount } } payment { financialStatus } }
  ... on RefundExceedsAvailableError { refundable { amount currency } }
  ... on Error { code message } ... on ValidationError { fields { path code } } } }"""


@dataclass(frozen=True)
class Client:
    """`url` is a GraphQL endpoint; `token` an access token, or None for an anonymous caller."""

    url: str
    token: str | None = None

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer: `data`, and `errors` if there are any."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        answer = httpx.post(
            self.url,
            json={"query": query, "variables": variables},
            headers=headers,
            timeout=60,
            trust_env=False,
        )
        whole: dict[str, Any] = answer.json()
        return whole

    def get(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of an answer that must have no errors."""
        whole = self.ask(query, **variables)
        assert "errors" not in whole, whole
        data: dict[str, Any] = whole["data"]
        return data

    def logged_in(self, email: str, password: str = PASSWORD) -> "Client":
        """The same client with the access token of that account."""
        login = self.get(LOGIN, input={"email": email, "password": password})["login"]
        assert login["__typename"] == "LoginSuccess", login
        return Client(self.url, login["tokens"]["accessToken"])

    def pay(self, **given: Any) -> dict[str, Any]:
        """The result of createPayment: 10 EUR paid at once with a card that works, unless told otherwise."""
        usual = {
            "idempotencyKey": uuid.uuid4().hex,
            "amount": {"amount": "10.00", "currency": "EUR"},
            "paymentMethodId": "pm_card_visa",
            "confirm": True,
        }
        result: dict[str, Any] = self.get(CREATE_PAYMENT, input=usual | given)["createPayment"]
        return result

    def confirm(self, payment_id: str, **given: Any) -> dict[str, Any]:
        """The result of confirmPayment: with a card that works, unless told otherwise."""
        usual = {
            "idempotencyKey": uuid.uuid4().hex,
            "paymentId": payment_id,
            "paymentMethodId": "pm_card_visa",
        }
        result: dict[str, Any] = self.get(CONFIRM_PAYMENT, input=usual | given)["confirmPayment"]
        return result

    def refund(self, payment_id: str, **given: Any) -> dict[str, Any]:
        """The result of refundPayment: everything, unless told otherwise."""
        usual = {"idempotencyKey": uuid.uuid4().hex, "paymentId": payment_id}
        result: dict[str, Any] = self.get(REFUND_PAYMENT, input=usual | given)["refundPayment"]
        return result


def new_customer(url: str) -> tuple[str, Client]:
    """Register somebody nobody has seen before; gives the address and the logged-in client."""
    email, password = f"{uuid.uuid4().hex}@example.com", "a-long-enough-password"
    registered = Client(url).get(REGISTER, input={"email": email, "password": password})["registerUser"]
    assert registered["__typename"] == "RegisterUserSuccess", registered
    return email, Client(url).logged_in(email, password)


def eventually(look: Callable[[], T], is_right: Callable[[T], bool], within_s: float = 60) -> T:
    """What *look* gives once it is right; fails with what it last gave."""
    deadline = time.monotonic() + within_s
    while not is_right(seen := look()):
        assert time.monotonic() < deadline, f"after {within_s} s still {seen!r}"
        time.sleep(0.05)
    return seen
