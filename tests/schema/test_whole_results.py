"""What a frontend writes first: every field of every member of a mutation's result, in one operation."""

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

from schema.__main__ import HERE

API = build_schema((HERE / "api.graphql").read_text())
UNIONS = [type_ for type_ in API.type_map.values() if isinstance(type_, GraphQLUnionType)]


def fields_of(member: GraphQLObjectType | GraphQLInterfaceType) -> str:
    """Each field once; of an object just its type's name."""
    return " ".join(
        name if is_leaf_type(get_named_type(field.type)) else f"{name} {{ __typename }}"
        for name, field in member.fields.items()
    )


@pytest.mark.parametrize("union", UNIONS, ids=lambda union: union.name)
def test_all_fields_of_all_members_can_be_asked_for_without_an_alias(union: GraphQLUnionType) -> None:
    members = " ".join(f"... on {member.name} {{ {fields_of(member)} }}" for member in union.types)
    everything = parse(f"fragment Everything on {union.name} {{ {members} }}")

    assert [error for error in validate(API, everything) if "never used" not in error.message] == []
