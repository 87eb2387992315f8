"""Documents that ask for fields of the API, each in several ways."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Template

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
    is_union_type,
)

from schema.__main__ import HERE

API = build_schema((HERE / "api.graphql").read_text())
HARMLESS = {
    "Boolean": "false",
    "Int": "1",
    "EmailAddress": '"nobody@example.com"',
    "Decimal": '"1.00"',
    "CurrencyCode": '"EUR"',
    "DateTime": '"2026-01-01T00:00:00Z"',
}
# What would show or change something of the estate.
OF_THE_ESTATE = {
    "Query.user": '(id: "$user")',
    "Query.payment": '(id: "$payment")',
    "Query.refund": '(id: "$refund")',
    "Query.auditEvents": '(userId: "$user")',
    "Query.outboxMessages": '(paymentId: "$payment")',
    "Query.payments": '(filter: {userId: "$user"})',
    "Mutation.revokeSession": '(id: "$session")',
    "Mutation.removePasskey": '(id: "$passkey")',
    "Mutation.updateUser": '(id: "$user", input: {displayName: "Mallory"})',
    "Mutation.deleteUser": '(id: "$user")',
    "Mutation.setupPaymentMethod": '(userId: "$user")',
    "Mutation.setDefaultPaymentMethod": '(id: "$method")',
    "Mutation.removePaymentMethod": '(id: "$method")',
    "Mutation.createPayment": '(input: {idempotencyKey: "m", amount: {amount: "1.00", currency: "EUR"}, userId: "$user"})',
    "Mutation.confirmPayment": '(input: {idempotencyKey: "m", paymentId: "$open", paymentMethodId: "pm_card_visa"})',
    "Mutation.capturePayment": '(input: {idempotencyKey: "m", paymentId: "$authorized"})',
    "Mutation.cancelPayment": '(input: {idempotencyKey: "m", paymentId: "$open"})',
    "Mutation.refundPayment": '(input: {idempotencyKey: "m", paymentId: "$payment"})',
    "Mutation.syncPayment": '(id: "$payment")',
}
# What would change something of whoever asks, or of nobody.
OF_THE_CALLER = {
    "Mutation.updateProfile": '(input: {displayName: "Mallory"})',
    "Mutation.changePassword": '(input: {currentPassword: "$password", newPassword: "another-good-password"})',
    "Mutation.requestEmailChange": '(newEmail: "mallory@example.org", currentPassword: "$password")',
    "Mutation.deleteMyAccount": '(currentPassword: "$password")',
    "Mutation.createUser": '(input: {email: "mallory@example.com", roles: [ADMIN]})',
    "Mutation.replayWebhookEvent": '(id: "$event")',
    "Mutation.replayOutboxMessage": '(id: "$message")',
}
AT_ONCE = 5
"""The user subgraph takes no more mutations in one document."""
WAYS = ("plain", "alias", "inline fragment", "named fragment")


@dataclass(frozen=True)
class Asked:
    """A root field as it is asked for; `key` is where its answer stands."""

    field: str
    selection: str
    key: str


def root_fields() -> Iterator[str]:
    """Subscriptions are answered by a stream: test_rights_of_objects.py has them."""
    for root in (API.query_type, API.mutation_type):
        assert root
        yield from (f"{root.name}.{name}" for name in root.fields)


def asked(field: str, way: str, arguments: str) -> Asked:
    name, below = field.split(".")[1], selection_of(field_named(field))
    key = f"other_{name}" if way == "alias" else name
    renamed = f"{key}: {name}" if way == "alias" else name
    return Asked(field, f"{renamed}{arguments}{below}", key)


def documents(kind: str, way: str, cells: list[Asked]) -> Iterator[tuple[str, list[Asked]]]:
    """Each document with the cells it asks for; all are of one *kind*."""
    for begin in range(0, len(cells), AT_ONCE):
        some = cells[begin : begin + AT_ONCE]
        yield _written(kind, way, " ".join(each.selection for each in some)), some


def _written(kind: str, way: str, selections: str) -> str:
    operation = kind.lower()
    if way == "inline fragment":
        return f"{operation} {{ ... on {kind} {{ {selections} }} }}"
    if way == "named fragment":
        return f"{operation} {{ ...it }} fragment it on {kind} {{ {selections} }}"
    return f"{operation} {{ {selections} }}"


def field_named(field: str) -> GraphQLField:
    parent, name = field.split(".")
    found: GraphQLField = API.type_map[parent].fields[name]  # type: ignore[attr-defined]  # only objects are asked for
    return found


def selection_of(field: GraphQLField) -> str:
    named = get_named_type(field.type)
    if is_union_type(named):
        return " { __typename ... on Error { code } }"
    return " { __typename }" if is_composite_type(named) else ""


def harmful(field: str, ids: Mapping[str, str]) -> str:
    """Arguments that would do something, had the caller the right."""
    template = OF_THE_ESTATE.get(field) or OF_THE_CALLER.get(field)
    return Template(template).substitute(ids) if template else harmless(field)


def harmless(field: str) -> str:
    """Arguments of the right types, of what names nothing that exists."""
    return arguments(field_named(field).args)


def arguments(given: Mapping[str, GraphQLArgument]) -> str:
    needed = [f"{name}: {value(each.type)}" for name, each in given.items() if is_required_argument(each)]
    return f"({', '.join(needed)})" if needed else ""


def value(type_: GraphQLInputType) -> str:
    if isinstance(type_, GraphQLNonNull):
        return value(type_.of_type)
    if isinstance(type_, GraphQLList):
        return "[]"
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        needed = {name: each for name, each in type_.fields.items() if is_required_input_field(each)}
        return "{" + ", ".join(f"{name}: {value(each.type)}" for name, each in needed.items()) + "}"
    return HARMLESS.get(type_.name, '"nothing"')
