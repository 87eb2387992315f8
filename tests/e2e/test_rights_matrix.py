"""Each caller asks for each root field by each way, and gets what tests/contract/rights.toml says."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
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
)

from schema.__main__ import HERE
from tests.contract.rights import RULES, allows, scopes_of
from tests.e2e.client import LOGIN, PASSWORD, Client
from tests.e2e.running_system import RunningSystem, running_system

API = build_schema((HERE / "api.graphql").read_text())
REFUSALS = {"UNAUTHORIZED_FIELD_OR_TYPE", "FORBIDDEN", "UNAUTHENTICATED"}
HARMLESS = {
    "Boolean": "false",
    "Int": "1",
    "EmailAddress": '"nobody@example.com"',
    "Decimal": '"1.00"',
    "CurrencyCode": '"EUR"',
    "DateTime": '"2026-01-01T00:00:00Z"',
}
LOGINS = {
    "customer": "ada@example.com",
    "support": "support@example.com",
    "finance": "finance@example.com",
    "admin": "admin@example.com",
}
WAYS = {
    "plain": "%(kind)s { %(field)s }",
    "alias": "%(kind)s { other: %(field)s }",
    "inline fragment": "%(kind)s { ... on %(root)s { %(field)s } }",
    "named fragment": "%(kind)s { ...it } fragment it on %(root)s { %(field)s }",
}
# Whoever may log out has no session for the next cell: test_logins.py shows that it can be done.
ENDS_THE_SESSION = {"Mutation.logout"}


@dataclass(frozen=True)
class Caller:
    """`scopes` is None for who must be treated as nobody."""

    name: str
    token: str | None
    scopes: set[str] | None


def value(type_: GraphQLInputType) -> str:
    """A literal of the type, of what names nothing that exists."""
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


def arguments(given: dict[str, GraphQLArgument]) -> str:
    needed = [f"{name}: {value(each.type)}" for name, each in given.items() if is_required_argument(each)]
    return f"({', '.join(needed)})" if needed else ""


def selection(name: str, field: GraphQLField) -> str:
    below = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return f"{name}{arguments(field.args)}{below}"


def root_fields() -> Iterator[tuple[str, str]]:
    """Each with how it is selected. Subscriptions are answered by a stream: test_payment_updated.py has them."""
    for root in (API.query_type, API.mutation_type):
        assert root
        for name, field in root.fields.items():
            yield f"{root.name}.{name}", selection(name, field)


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Not the one of the other tests: so many wrong passwords and codes lock its accounts."""
    with running_system(tmp_path_factory.mktemp("rights")) as running:
        yield running


@pytest.fixture(scope="module")
def callers(own_system: RunningSystem) -> list[Caller]:
    client = Client(f"{own_system.gateway_url}/graphql")
    tokens = {
        role: client.get(LOGIN, input={"email": email, "password": PASSWORD})["login"]["tokens"]
        for role, email in LOGINS.items()
    }
    known = [Caller(role, each["accessToken"], scopes_of(role)) for role, each in tokens.items()]
    return [Caller("anonymous", None, None), Caller("refresh", tokens["admin"]["refreshToken"], None), *known]


def is_refused(client: httpx.Client, url: str, document: str, caller: Caller) -> bool:
    headers = {"authorization": f"Bearer {caller.token}"} if caller.token else {}
    answer = client.post(url, json={"query": document}, headers=headers).json()
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    refused = bool(codes & REFUSALS)
    assert not (refused and any((answer.get("data") or {}).values())), (document, answer)
    assert codes <= REFUSALS | {"BAD_USER_INPUT"}, (document, answer)
    return refused


def urls(system: RunningSystem, field: str) -> dict[str, str]:
    kind, name = field.split(".")
    users = f"type {kind} {{" in USERS and f"\n  {name}" in USERS.split(f"type {kind} {{")[1].split("\n}")[0]
    return {"gateway": system.gateway_url, "subgraph": system.users_url if users else system.payments_url}


USERS = (HERE / "users.graphql").read_text()


def test_no_cell_of_root_fields_is_wrong(own_system: RunningSystem, callers: list[Caller]) -> None:
    wrong, cells = [], 0
    with httpx.Client(timeout=30, trust_env=False) as client:
        for field, selected in root_fields():
            root = field.split(".")[0]
            for caller in callers:
                allowed = allows(RULES[field], caller.scopes)
                if allowed and (
                    field in ENDS_THE_SESSION or (RULES[field] == "anybody" and caller.name == "refresh")
                ):
                    continue
                for place, url in urls(own_system, field).items():
                    for way, document in WAYS.items():
                        asked = document % {"kind": root.lower(), "root": root, "field": selected}
                        cells += 1
                        if is_refused(client, f"{url}/graphql", asked, caller) == allowed:
                            wrong.append(
                                f"{field} for {caller.name} by {place}, {way}: allowed should be {allowed}"
                            )
    print(cells, "cells")
    assert not wrong, "\n".join(wrong)
