# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""This service as an Apollo Federation 2 subgraph: its SDL, `_service` and `_entities`.

Source: Apollo Federation subgraph specification. By hand, because graphene-federation loads entities one by
one and answers null for all of them when one is wrong.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

import graphene
from graphene.utils.str_converters import to_camel_case
from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    FieldDefinitionNode,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    Visitor,
    parse,
    print_ast,
    print_schema,
    visit,
)

from user_subgraph.errors import BadUserInput, QueryTooComplex
from user_subgraph.request_context import context_of
from user_subgraph.schema.mutation import Mutation
from user_subgraph.schema.protected_field import ProtectedField
from user_subgraph.schema.query import Query
from user_subgraph.schema.scalars import AnyRepresentation
from user_subgraph.schema.types import User
from user_subgraph.user import User as Account
from user_subgraph.user import UserId

MAX_REPRESENTATIONS = 100

LINK = """extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@shareable", "@authenticated", "@requiresScopes", "@tag", "@inaccessible"])
"""
TYPE_DIRECTIVES = {
    "User": '@key(fields: "id")',
    # Value types that the payments subgraph has too, word for word.
    "FieldError": "@shareable",
    "ValidationError": "@shareable",
    "NotFoundError": "@shareable",
    "ConflictError": "@shareable",
    "RateLimitedError": "@shareable",
    "PageInfo": "@shareable",
}


class Service(graphene.ObjectType):
    class Meta:
        name = "_Service"

    sdl = graphene.String()


class Entity(graphene.Union):
    class Meta:
        name = "_Entity"
        types = (User,)


def _service(_root: None, info: GraphQLResolveInfo) -> dict[str, str | None]:
    return {"sdl": context_of(info).service_sdl}


def _entities(
    _root: None, info: GraphQLResolveInfo, representations: Sequence[object]
) -> list[Account | BadUserInput | None]:
    """One user per representation, in order, loaded in one statement.

    A representation is judged as the field it stands behind, `user(id:)`: null for who is not there and for
    whom the viewer may not see. A malformed one is an error in its own slot and spares the others.
    """
    context = context_of(info)
    context.representations += len(representations)
    if context.representations > MAX_REPRESENTATIONS:  # under however many aliases
        raise QueryTooComplex(f"At most {MAX_REPRESENTATIONS} representations at once.")
    keys = [_user_id(representation) for representation in representations]
    asked_for = {key for key in keys if not isinstance(key, BadUserInput)}
    users = context.visible(asked_for)
    return [key if isinstance(key, BadUserInput) else users.get(key) for key in keys]


def _user_id(representation: object) -> UserId | BadUserInput:
    match representation:
        case {"__typename": "User", "id": str(id_)}:
            return UserId(id_)
        case _:
            return BadUserInput("A representation must have the __typename User and its id.")


class SubgraphQuery(Query):
    class Meta:
        name = "Query"

    entities = graphene.Field(
        graphene.List(Entity),
        name="_entities",
        required=True,
        representations=graphene.List(graphene.NonNull(AnyRepresentation), required=True),
        resolver=_entities,
    )
    service = graphene.Field(Service, name="_service", required=True, resolver=_service)


@cache
def subgraph_schema() -> GraphQLSchema:
    """What this service executes: the API and the two fields a gateway or a composer uses."""
    return _specified(graphene.Schema(query=SubgraphQuery, mutation=Mutation))


@cache
def subgraph_sdl() -> str:
    """The API with its federation directives, as `_service { sdl }` and `print-schema` give it."""
    api = _specified(graphene.Schema(query=Query, mutation=Mutation))
    directed = visit(parse(print_schema(api), no_location=True), _Directives(_field_directives()))
    return f"{LINK}\n{print_ast(cast('DocumentNode', directed))}\n"


def _specified(schema: Any) -> GraphQLSchema:
    """Graphene cannot say `@specifiedBy`."""
    built = cast("GraphQLSchema", schema.graphql_schema)
    date_time = cast("GraphQLScalarType", built.type_map["DateTime"])
    date_time.specified_by_url = "https://scalars.graphql.org/andimarek/date-time"
    return built


def _field_directives() -> dict[tuple[str, str], str]:
    return {
        (type_._meta.name, to_camel_case(name)): field.directive  # noqa: SLF001 - Graphene's way to its fields
        for type_ in (Query, Mutation, User)
        for name, field in _fields(type_)
        if isinstance(field, ProtectedField)
    }


def _fields(type_: Any) -> Iterator[tuple[str, Any]]:
    yield from type_._meta.fields.items()  # noqa: SLF001 - Graphene's way to its fields


class _Directives(Visitor):
    """Puts the directives on a printed schema: Graphene's own printer knows none."""

    def __init__(self, of_fields: dict[tuple[str, str], str]) -> None:
        super().__init__()
        self._of_fields = of_fields

    def leave_object_type_definition(
        self, node: ObjectTypeDefinitionNode, *_: object
    ) -> ObjectTypeDefinitionNode:
        node.directives = _parsed(TYPE_DIRECTIVES.get(node.name.value))
        for field in node.fields:
            self._direct(node.name.value, field)
        return node

    def _direct(self, type_name: str, field: FieldDefinitionNode) -> None:
        if directive := self._of_fields.get((type_name, field.name.value)):
            field.directives = (*field.directives, *_parsed(directive))


def _parsed(directive: str | None) -> tuple[ConstDirectiveNode, ...]:
    if directive is None:
        return ()
    (definition,) = parse(f"scalar Bearer {directive}", no_location=True).definitions
    return cast("tuple[ConstDirectiveNode, ...]", getattr(definition, "directives", ()))
