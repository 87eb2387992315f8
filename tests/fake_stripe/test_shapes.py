"""Every object has the fields its class in Stripe's SDK has: names, types, nothing missing, nothing invented."""

import ast
import functools
import inspect
import textwrap
from typing import Any

import pytest
import stripe

CLASSES: dict[str, Any] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
}
PLAIN = {"int": int, "str": str, "bool": bool}


@functools.cache
def annotations(described: Any) -> dict[str, str]:
    """The annotated fields of an SDK class, as written there."""
    [source] = ast.parse(textwrap.dedent(inspect.getsource(described))).body
    assert isinstance(source, ast.ClassDef)
    fields = [
        node for node in source.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    return {node.target.id: ast.unparse(node.annotation) for node in fields if node.target.id.islower()}


def problems(value: dict[str, Any], described: Any, path: str) -> list[str]:
    """Where *value* is not what *described* says."""
    fields = annotations(described)
    found = [f"{path}.{name} is invented" for name in value if name not in fields]
    for name, annotation in fields.items():
        if name not in value or value[name] is None:
            if not annotation.startswith("Optional"):
                found.append(f"{path}.{name} is missing")
            continue
        found += problems_of_field(value[name], annotation, described, f"{path}.{name}")
    return found


def problems_of_field(value: Any, annotation: str, described: Any, path: str) -> list[str]:
    """The same for one field: plain types, words of a Literal, classes inside the class, whole objects."""
    inner = (
        annotation.removeprefix("Optional[").removesuffix("]")
        if annotation.startswith("Optional")
        else annotation
    )
    if inner.startswith("List[") and isinstance(value, list):
        kind = inner.removeprefix("List[").removesuffix("]")
        return [
            p
            for n, item in enumerate(value)
            for p in problems_of_field(item, kind, described, f"{path}[{n}]")
        ]
    if inner in PLAIN:
        return [] if type(value) is PLAIN[inner] else [f"{path} is no {inner}"]
    if isinstance(value, dict) and isinstance(value.get("object"), str):
        return problems(value, CLASSES[value["object"]], path)
    if isinstance(value, dict) and inspect.isclass(nested := getattr(described, inner, None)):
        return problems(value, nested, path)
    words = [word.value for word in ast.walk(ast.parse(inner)) if isinstance(word, ast.Constant)]
    if "Literal" in inner and isinstance(value, str) and value not in words:
        return [f"{path} is {value!r}, which the SDK does not know"]
    return []


@pytest.mark.parametrize("kind", CLASSES)
def test_objects_have_the_shape_of_the_sdks_class(everything: list[dict[str, Any]], kind: str):
    mine = [item for item in everything if item["object"] == kind]

    assert mine
    assert sorted({problem for item in mine for problem in problems(item, CLASSES[kind], kind)}) == []


def test_snapshots_in_events_have_their_class_shape_too(everything: list[dict[str, Any]]):
    snapshots = [item["data"]["object"] for item in everything if item["object"] == "event"]

    assert {snapshot["object"] for snapshot in snapshots} == {
        "charge",
        "customer",
        "dispute",
        "payment_intent",
        "payment_method",
        "radar.early_fraud_warning",
        "refund",
        "setup_intent",
    }
    assert [
        p for snapshot in snapshots for p in problems(snapshot, CLASSES[snapshot["object"]], "snapshot")
    ] == []


def test_event_types_are_stripes(everything: list[dict[str, Any]]):
    types = {item["type"] for item in everything if item["object"] == "event"}

    assert len(types) >= 12
    assert all(f"'{event_type}'" in annotations(stripe.Event)["type"] for event_type in types)


def test_the_check_itself_finds_what_is_wrong(everything: list[dict[str, Any]]):
    refund = next(item for item in everything if item["object"] == "refund")
    wrong = {**refund, "amount": "12", "currency": None, "colour": "red"}

    assert problems(wrong, stripe.Refund, "refund") == [
        "refund.colour is invented",
        "refund.amount is no int",
        "refund.currency is missing",
    ]
