"""A text that PostgreSQL cannot hold, one with a NUL, in every argument of every root field."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_composite_type,
)

from tests.user_subgraph.service import Service
from user_subgraph.federation import subgraph_schema
from user_subgraph.user import Role

NUL = "x\x00"
OF_SCALARS: dict[str, Any] = {
    "String": NUL,
    "ID": NUL,
    "Int": 1,
    "Boolean": True,
    "DateTime": "2026-11-29T10:00:00Z",
    "EmailAddress": "ada@example.com",
}


def value_for(kind: GraphQLInputType) -> Any:
    match kind:
        case GraphQLNonNull():
            return value_for(kind.of_type)
        case GraphQLList():
            return [value_for(kind.of_type)]
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType():
            return {name: value_for(field.type) for name, field in kind.fields.items()}
        case _:
            return OF_SCALARS[kind.name]


def root_fields() -> Iterator[Any]:
    schema = subgraph_schema()
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        for name, field in root.fields.items():
            if field.args and name != "_entities":
                yield pytest.param(root.name.lower(), name, field, id=f"{root.name}.{name}")


@pytest.mark.parametrize(("kind", "name", "field"), [*root_fields()])
def test_they_are_no_fault_of_ours(service: Service, kind: str, name: str, field: GraphQLField) -> None:
    token = service.token_of("admin@example.com", Role.ADMIN)
    declared = ", ".join(f"$a_{argument}: {shape.type}" for argument, shape in field.args.items())
    given = ", ".join(f"{argument}: $a_{argument}" for argument in field.args)
    shown = "{ __typename }" if is_composite_type(get_named_type(field.type)) else ""
    variables = {f"a_{argument}": value_for(shape.type) for argument, shape in field.args.items()}

    whole = service.answer(f"{kind} ({declared}) {{ {name}({given}) {shown} }}", token, **variables)

    codes = {error["extensions"]["code"] for error in whole.get("errors", [])}
    assert "INTERNAL_SERVER_ERROR" not in codes, whole
    assert "GRAPHQL_VALIDATION_FAILED" not in codes, whole


@pytest.mark.parametrize("text", [NUL, "usr_\x00"])
def test_nor_as_the_key_of_an_entity(service: Service, text: str) -> None:
    token = service.token_of("admin@example.com", Role.ADMIN)
    query = "query ($who: [_Any!]!) { _entities(representations: $who) { __typename } }"

    whole = service.answer(query, token, who=[{"__typename": "User", "id": text}])

    assert whole["data"] == {"_entities": [None]}


@pytest.mark.parametrize(
    "path",
    ["/oauth/authorize?client_id=%00&response_type=code&state=%00&scope=%00", "/data-exports/%00"],
)
def test_nor_in_an_address(service: Service, path: str) -> None:
    headers = {"Authorization": f"Bearer {service.token_of('ada@example.com')}"}

    assert service.http.get(path, headers=headers).status_code in {400, 404}


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "client_credentials"])
def test_nor_in_what_a_program_sends(service: Service, grant: str) -> None:
    names = ("client_id", "client_secret", "code", "code_verifier", "refresh_token", "redirect_uri", "token")
    form = {"grant_type": grant, **dict.fromkeys(names, NUL)}

    answers = [service.http.post(f"/oauth/{place}", data=form) for place in ("token", "revoke", "introspect")]

    assert {answer.status_code for answer in answers} <= {400, 401}
