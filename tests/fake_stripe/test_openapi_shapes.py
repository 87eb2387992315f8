"""Every answer has the fields Stripe's OpenAPI description and fixtures give it: there or left out, null or not, and their types."""

from typing import Any

import pytest

from tests.fake_stripe.openapi_fields import FIELDS
from tests.fake_stripe.running_fake import RunningFake, paying

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
KINDS = (
    "balance_transaction",
    "charge",
    "customer",
    "dispute",
    "event",
    "payment_intent",
    "payment_method",
    "radar.early_fraud_warning",
    "refund",
    "setup_intent",
)


def types_of(names_and_types: str) -> dict[str, str]:
    """`a:string b:integer` as a dictionary."""
    return dict(pair.split(":") for pair in names_and_types.split())


def problems(value: dict[str, Any], kind: str, path: str) -> list[str]:
    """Where *value* is not as Stripe describes this kind of object."""
    fields = FIELDS[kind]
    always, nullable, sometimes = map(types_of, (fields.always, fields.nullable, fields.sometimes))
    known = {**always, **nullable, **sometimes}
    found = [f"{path}.{name} is not described" for name in value if name not in known]
    found += [f"{path}.{name} is missing" for name in {**always, **nullable} if name not in value]
    for name in known.keys() & value.keys():
        if value[name] is not None:
            found += problems_of_field(value[name], known[name], f"{path}.{name}")
        elif name not in nullable:
            found.append(f"{path}.{name} is null")
    return found


def problems_of_field(value: Any, kind: str, path: str) -> list[str]:
    """The same for one value: a JSON type, another kind of object, or a list of those."""
    if kind in JSON_TYPES:
        return [] if type(value) in JSON_TYPES[kind] else [f"{path} is no {kind}"]
    if kind.endswith("[]"):
        return [problem for item in value for problem in problems(item, kind.removesuffix("[]"), path)]
    return problems(value, kind, path) if isinstance(value, dict) else [f"{path} is no {kind}"]


def kind_of(item: dict[str, Any]) -> str:
    """What the object is described as."""
    return "deleted_customer" if item.get("deleted") else str(item["object"])


@pytest.mark.parametrize("kind", KINDS)
def test_objects_have_the_fields_stripe_describes(everything: list[dict[str, Any]], kind: str):
    mine = [item for item in everything if item["object"] == kind]

    assert mine
    assert sorted({problem for item in mine for problem in problems(item, kind_of(item), kind)}) == []


def test_snapshots_in_events_have_them_too(everything: list[dict[str, Any]]):
    snapshots = [item["data"]["object"] for item in everything if item["object"] == "event"]

    assert snapshots
    assert (
        sorted({problem for one in snapshots for problem in problems(one, kind_of(one), kind_of(one))}) == []
    )


@pytest.mark.parametrize(
    "path",
    [f"/v1/{kind.replace('.', '/')}s" for kind in KINDS if kind != "payment_method"]
    + ["/v1/customers/{customer}/payment_methods"],
)
def test_lists_tell_their_address_and_whether_there_is_more(fake: RunningFake, path: str):
    address = path.format(customer=fake.stripe.v1.customers.create({}).id)

    listed = fake.http.get(address, params={"limit": "1"}).json()

    assert problems(listed, "list", "list") == []
    assert (listed["object"], listed["url"]) == ("list", address)


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/v1/payment_intents", {"amount": "2000"}, 400),
        ("/v1/payment_intents/pi_nobody/confirm", {}, 404),
        ("/v1/nothing", {}, 404),
        ("/v1/customers", {"shipping[address]": "Berlin"}, 400),
        ("/v1/payment_intents", "pm_card_chargeDeclined", 402),
        ("/v1/payment_intents", "pm_card_authenticationRequired", 402),
        ("/v1/setup_intents", "pm_card_chargeDeclined", 402),
    ],
)
def test_errors_leave_out_what_they_do_not_have(
    fake: RunningFake, path: str, sent: dict[str, str] | str, status: int
):
    if isinstance(sent, str):
        sent = {"payment_method": sent, "confirm": "true", "return_url": "https://shop.example"}
        if path == "/v1/payment_intents":
            sent |= {"amount": "2000", "currency": "eur", "error_on_requires_action": "true"}

    answer = fake.http.post(path, data=sent)

    assert answer.status_code == status
    assert problems(answer.json(), "error_answer", "answer") == []


def test_an_event_names_the_request_and_its_key(fake: RunningFake):
    made = fake.http.post(
        "/v1/customers", data={"name": "Jenny"}, headers={"Idempotency-Key": "one-customer"}
    )

    [event] = fake.http.get("/v1/events").json()["data"]

    assert event["request"] == {"id": made.headers["request-id"], "idempotency_key": "one-customer"}
    assert event["api_version"] == made.headers["stripe-version"]


def test_addresses_come_back_with_every_line(fake: RunningFake):
    sent = {"address": {"country": "DE"}, "name": "Jenny Rosen"}
    card = {"type": "card", "card": {"token": "tok_visa"}, "billing_details": sent}
    customer = fake.stripe.v1.customers.create({"address": {"city": "Berlin"}, "shipping": sent})
    method = fake.stripe.v1.payment_methods.create(card)  # type: ignore[arg-type]  # a part of what may be sent
    intent = fake.stripe.v1.payment_intents.create(paying(payment_method=method.id, shipping=sent))

    answers = [
        fake.http.get(f"/v1/{path}").json()
        for path in (
            f"customers/{customer.id}",
            f"payment_methods/{method.id}",
            f"payment_intents/{intent.id}",
            f"charges/{intent.latest_charge}",
        )
    ]

    assert [problem for one in answers for problem in problems(one, one["object"], one["object"])] == []
    assert answers[0]["address"]["city"] == "Berlin"
    assert answers[1]["billing_details"]["address"]["country"] == "DE"
    assert answers[2]["shipping"] == answers[3]["shipping"]
    assert answers[3]["shipping"]["address"]["country"] == "DE"


def test_a_refund_that_did_not_fail_has_nothing_to_expand(fake: RunningFake):
    refund = fake.stripe.v1.refunds.create({"payment_intent": fake.paid().id})

    answer = fake.http.get(f"/v1/refunds/{refund.id}", params={"expand[]": "failure_balance_transaction"})

    assert answer.status_code == 200
    assert "failure_balance_transaction" not in answer.json()


def test_the_brand_to_show_may_have_another_name(fake: RunningFake):
    card = fake.http.get("/v1/payment_methods/pm_card_amex").json()["card"]

    assert (card["brand"], card["display_brand"]) == ("amex", "american_express")


def test_the_check_itself_finds_what_is_wrong(everything: list[dict[str, Any]]):
    refund = next(item for item in everything if item["object"] == "refund")
    wrong = {**refund, "amount": "12", "colour": "red", "currency": None, "destination_details": {"card": {}}}
    del wrong["reason"]

    assert sorted(problems(wrong, "refund", "refund")) == [
        "refund.amount is no integer",
        "refund.colour is not described",
        "refund.currency is null",
        "refund.destination_details.card.type is missing",
        "refund.destination_details.type is missing",
        "refund.reason is missing",
    ]
