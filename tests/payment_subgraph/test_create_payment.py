"""createPayment: what it gives, what it refuses, and that a refusal changes nothing."""

import json
from typing import Any

import pytest

from payment_subgraph.tables import payment_operations, payments
from tests.payment_subgraph.stripe_wire import Fault
from tests.payment_subgraph.world import ADA, STAFF, World, refusal_kept

pytestmark = pytest.mark.anyio


async def test_a_payment_waits_for_its_method(world: World) -> None:
    member = await world.create("12.34", reference="order-1", description="A book")

    payment = member["payment"]
    assert member["__typename"] == "PaymentSuccess"
    assert member["operation"]["state"] == "SUCCEEDED"
    assert not member["replayed"]
    assert payment["status"] == "REQUIRES_PAYMENT_METHOD"
    assert payment["financialStatus"] == "UNPAID"
    assert payment["amount"] == {"amount": "12.34", "amountMinor": "1234", "currency": "EUR"}
    assert payment["nextAction"] == {
        "type": "COLLECT_PAYMENT_METHOD",
        "redirectUrl": None,
        "clientSecret": "pi_1_secret_wire",
    }
    assert payment["availableActions"] == ["CONFIRM", "CANCEL"]
    assert payment["pendingOperations"] == []
    assert payment["user"] == {"id": ADA.id}


async def test_a_good_card_pays_at_once(world: World) -> None:
    payment = await world.pay("10.00")

    assert payment["status"] == "SUCCEEDED"
    assert payment["financialStatus"] == "PAID"
    assert payment["amountCaptured"]["amount"] == "10.00"
    assert payment["paymentMethod"]["last4"] == "4242"
    assert payment["nextAction"] is None
    assert payment["succeededAt"] is not None
    assert payment["availableActions"] == ["REFUND"]


async def test_stripe_is_told_our_ids_and_nothing_personal(small_world: World) -> None:
    secret = {"description": "for Ada Lovelace", "metadata": [{"key": "email", "value": "ada@example.com"}]}
    await small_world.create("12.34", reference="order-1", **secret)

    (call,) = small_world.wire.posts
    (payment,) = await small_world.rows(payments)
    (operation,) = await small_world.rows(payment_operations)
    assert call.params == {
        "amount": "1234",
        "currency": "eur",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "metadata[payment_id]": payment["id"],
        "metadata[operation_id]": operation["id"],
        "metadata[env]": "development",
        "expand[0]": "payment_method",
        "expand[1]": "latest_charge.balance_transaction",
    }
    assert call.key == operation["provider_key"] == f"{payment['id']}:create"
    assert call.version == operation["provider_version"]


@pytest.mark.parametrize(
    ("money", "path", "code"),
    [
        ({"amount": "0", "currency": "EUR"}, ["amount", "amount"], "AMOUNT_NOT_POSITIVE"),
        ({"amount": "-1.00", "currency": "EUR"}, ["amount", "amount"], "AMOUNT_NOT_POSITIVE"),
        ({"amount": "1.005", "currency": "EUR"}, ["amount", "amount"], "TOO_MANY_DIGITS"),
        ({"amount": "100.5", "currency": "JPY"}, ["amount", "amount"], "TOO_MANY_DIGITS"),
        ({"amount": "10000000000.00", "currency": "EUR"}, ["amount", "amount"], "AMOUNT_TOO_LARGE"),
        ({"amount": "1.00", "currency": "XXX"}, ["amount", "currency"], "UNKNOWN_CURRENCY"),
        ({"amount": "1.00", "currency": "eur"}, ["amount", "currency"], "UNKNOWN_CURRENCY"),
        ({"amount": "1.234", "currency": "KWD"}, ["amount", "amount"], "NOT_CHARGEABLE"),
    ],
)
async def test_a_wrong_amount_changes_nothing(
    small_world: World, money: dict[str, str], path: list[str], code: str
) -> None:
    before = await small_world.all_rows()
    member = await small_world.mutate("createPayment", amount=money)

    assert member["__typename"] == "ValidationError"
    assert member["code"] == "VALIDATION"
    assert [(flaw["path"], flaw["code"]) for flaw in member["fields"]] == [(["input", *path], code)]
    assert await small_world.all_rows() == before
    assert small_world.wire.calls == []


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"idempotencyKey": " "}, ["idempotencyKey"], "REQUIRED"),
        ({"idempotencyKey": "k" * 256}, ["idempotencyKey"], "TOO_LONG"),
        ({"reference": "r" * 256}, ["reference"], "TOO_LONG"),
        ({"userId": "u" * 65}, ["userId"], "TOO_LONG"),
        ({"confirm": True}, ["paymentMethodId"], "REQUIRED"),
        (
            {"metadata": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]},
            ["metadata"],
            "DUPLICATE_KEY",
        ),
        ({"metadata": [{"key": "k" * 41, "value": "1"}]}, ["metadata", "key"], "TOO_LONG"),
    ],
)
async def test_other_flaws_are_named_and_change_nothing(
    small_world: World, fields: dict[str, object], path: list[str], code: str
) -> None:
    before = await small_world.all_rows()
    money = {"amount": "10.00", "currency": "EUR"}
    member = await small_world.mutate("createPayment", STAFF, amount=money, **fields)

    assert member["__typename"] == "ValidationError"
    assert [(flaw["path"], flaw["code"]) for flaw in member["fields"]] == [(["input", *path], code)]
    assert await small_world.all_rows() == before


NO_NUMBERS = ["abc", "", "25,00", " 25.00 ", "1e3", "NaN", "+1", "0x10", "9" * 16, "1" * 10_000]
NO_URLS = [
    "shop",
    "",
    "javascript:alert(1)",
    "http://shop.example/",
    "https://a@b/",
    "https://",
    "https://s/" * 300,
]


def _literal(value: str | dict[str, Any]) -> str:
    """*value* as a GraphQL document writes it."""
    if isinstance(value, str):
        return json.dumps(value)
    return "{" + ", ".join(f"{name}: {_literal(one)}" for name, one in value.items()) + "}"


async def refused_unchanged(world: World, mutation: str, flaw: list[str], code: str, **fields: Any) -> None:
    """The *mutation* refuses its input for one *flaw*, once sent as variable and once written in the document."""
    before, calls = await world.all_rows(), len(world.wire.calls)
    literal = f"""mutation {{ {mutation}(input: {_literal(fields | {"idempotencyKey": "k"})}) {{
        ... on ValidationError {{ fields {{ path code }} }} }} }}"""

    member = await world.mutate(mutation, STAFF, **fields)
    answer = await world.ask(literal, STAFF)

    assert [(one["path"], one["code"]) for one in member["fields"]] == [(flaw, code)]
    assert answer == {"data": {mutation: {"fields": [{"path": flaw, "code": code}]}}}
    assert await world.all_rows() == before
    assert len(world.wire.calls) == calls


@pytest.mark.parametrize("text", NO_NUMBERS)
async def test_an_amount_that_is_no_number_changes_nothing(small_world: World, text: str) -> None:
    payment = await small_world.pay()
    money = {"amount": text, "currency": "EUR"}
    flaw, code = ["input", "amount", "amount"], "NOT_A_NUMBER"

    await refused_unchanged(small_world, "createPayment", flaw, code, amount=money)
    await refused_unchanged(small_world, "refundPayment", flaw, code, amount=money, paymentId=payment["id"])


@pytest.mark.parametrize("text", NO_URLS)
async def test_a_return_page_that_is_no_url_changes_nothing(small_world: World, text: str) -> None:
    payment = (await small_world.create())["payment"]
    money = {"amount": "10.00", "currency": "EUR"}
    flaw, code = ["input", "returnUrl"], "NOT_A_URL"

    await refused_unchanged(small_world, "createPayment", flaw, code, amount=money, returnUrl=text)
    await refused_unchanged(
        small_world,
        "confirmPayment",
        flaw,
        code,
        paymentId=payment["id"],
        paymentMethodId="pm_card_visa",
        returnUrl=text,
    )


@pytest.mark.parametrize("literal", ["10", "10.5", "true", "null", "[]"])
async def test_an_amount_in_the_document_is_a_string(small_world: World, literal: str) -> None:
    before = await small_world.all_rows()
    query = f"""mutation {{ createPayment(
        input: {{ idempotencyKey: "k", amount: {{ amount: {literal}, currency: "EUR" }} }}) {{ __typename }} }}"""

    answer = await small_world.ask(query)

    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
    assert await small_world.all_rows() == before


async def test_all_flaws_are_told_at_once(small_world: World) -> None:
    member = await small_world.create("0", idempotencyKey="", reference="r" * 300)

    assert {flaw["code"] for flaw in member["fields"]} == {"AMOUNT_NOT_POSITIVE", "REQUIRED", "TOO_LONG"}


@pytest.mark.parametrize(
    ("card", "decline", "message", "retryable"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline", "The payment was declined.", True),
        (
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "insufficient_funds",
            "The card has insufficient funds.",
            True,
        ),
        ("pm_card_visa_chargeDeclinedStolenCard", "stolen_card", "The payment was declined.", False),
    ],
)
async def test_a_declined_card_leaves_the_payment_open(
    world: World, card: str, decline: str, message: str, *, retryable: bool
) -> None:
    member = await world.create(confirm=True, paymentMethodId=card)

    assert member["__typename"] == "PaymentDeclinedError"
    assert member["code"] == "PAYMENT_DECLINED"
    assert (member["declineCode"], member["message"], member["retryable"]) == (decline, message, retryable)
    payment = member["payment"]
    assert payment["status"] == "REQUIRES_PAYMENT_METHOD"
    assert payment["amountCaptured"]["amountMinor"] == "0"
    assert payment["lastError"]["declineCode"] == decline
    assert payment["availableActions"] == ["CONFIRM", "CANCEL"]


@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_visa_chargeDeclined"])
async def test_success_and_decline_are_asked_for_their_payment_alike(small_world: World, card: str) -> None:
    answer = await small_world.ask(
        """mutation($input: CreatePaymentInput!) { createPayment(input: $input) {
            ... on PaymentSuccess { payment { id } } ... on PaymentDeclinedError { payment { id } } } }""",
        input={
            "idempotencyKey": "key-1",
            "amount": {"amount": "10.00", "currency": "EUR"},
            "confirm": True,
            "paymentMethodId": card,
        },
    )

    (row,) = await small_world.rows(payments)
    assert answer == {"data": {"createPayment": {"payment": {"id": row["id"]}}}}


async def test_three_d_secure_without_a_return_page_needs_the_sdk(small_world: World) -> None:
    member = await small_world.create(confirm=True, paymentMethodId="pm_card_threeDSecure2Required")

    assert member["payment"]["status"] == "REQUIRES_ACTION"
    assert member["payment"]["nextAction"] == {
        "type": "USE_SDK",
        "redirectUrl": None,
        "clientSecret": "pi_1_secret_wire",
    }


async def test_three_d_secure_with_a_return_page_redirects(small_world: World) -> None:
    member = await small_world.create(
        confirm=True, paymentMethodId="pm_card_threeDSecure2Required", returnUrl="https://shop.example/back"
    )

    action = member["payment"]["nextAction"]
    assert (action["type"], action["redirectUrl"]) == ("REDIRECT", "https://bank.example/3ds")
    assert small_world.wire.posts[0].params["return_url"] == "https://shop.example/back"
    assert small_world.wire.posts[0].params["automatic_payment_methods[allow_redirects]"] == "always"


async def test_a_live_reference_is_not_paid_twice(world: World) -> None:
    first = await world.pay(reference="order-1")
    before = await world.all_rows()

    member = await world.create(reference="order-1")

    assert member["__typename"] == "DuplicatePaymentError"
    assert member["code"] == "DUPLICATE_PAYMENT"
    assert member["existingPayment"]["id"] == first["id"]
    assert await world.all_rows() == refusal_kept(before)
    assert len(world.wire.posts) == 1


async def test_a_canceled_payment_frees_its_reference(world: World) -> None:
    first = (await world.create(reference="order-1"))["payment"]
    await world.mutate("cancelPayment", paymentId=first["id"])

    second = await world.create(reference="order-1")

    assert second["__typename"] == "PaymentSuccess"


async def test_an_unknown_method_is_the_callers_mistake(world: World) -> None:
    member = await world.create(confirm=True, paymentMethodId="pm_none")

    assert member["__typename"] == "ValidationError"
    assert member["fields"][0]["path"] == ["input", "paymentMethodId"]
    (row,) = await world.rows(payments)
    assert row["status"] == "FAILED"
    assert row["provider_payment_id"] is None
    told = (await world.payment(row["id"]))["lastError"]
    assert (told["code"], told["message"]) == ("UNKNOWN_PAYMENT_METHOD", "There is no such payment method.")
    assert (told["declineCode"], told["retryable"]) == (None, False)
    assert told["occurredAt"] is not None


async def test_staff_pays_on_behalf_of_a_user(world: World) -> None:
    member = await world.mutate(
        "createPayment", STAFF, amount={"amount": "5.00", "currency": "EUR"}, userId="usr_grace"
    )

    assert member["payment"]["user"] == {"id": "usr_grace"}
    assert member["payment"]["nextAction"]["clientSecret"] is None


async def test_a_provider_that_names_another_amount_freezes_the_payment(world: World) -> None:
    world.wire.faults = [Fault.WRONG_AMOUNT]
    member = await world.create("10.00", confirm=True, paymentMethodId="pm_card_visa")

    assert member["__typename"] == "OperationPending"
    payment = await world.payment(member["payment"]["id"])
    assert payment["status"] == "CREATED"
    assert payment["availableActions"] == []
    assert payment["amountCaptured"]["amountMinor"] == "0"
    (row,) = await world.rows(payments)
    assert row["frozen_reason"] == "OTHER_AMOUNT"
