"""How much an introspection asks for, counted before it is answered.

The schema goes round in circles (types of fields of types), so a short text can ask for more than a machine holds. Here
the parts of the schema that a selection reaches are counted, each with how often it is reached, instead of visited as
often. So counting never takes more steps than the limit, and gives what the answer would hold, exactly but for what
@skip, @include and includeDeprecated leave out and what stands in the operation twice.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    get_introspection_query,
    is_abstract_type,
    is_input_object_type,
    parse,
)

from gateway.errors import IntrospectionTooLarge

Reached = dict[int, tuple[Any, int]]
"""id of a part of the schema -> the part, and how often it is reached"""

WHOLE = parse(
    get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    ),
    no_location=True,
)
"""What tools ask for to know everything."""


def values_of_all(schema: GraphQLSchema) -> int:
    """How many values the introspection of the whole schema brings."""
    return _Counter(schema, WHOLE, limit=None).count()


def check_introspection(document: DocumentNode, schema: GraphQLSchema, limit: int) -> None:
    """Raises IntrospectionTooLarge where the answer would hold more than *limit* values.

    *document*: one operation of introspection fields, and its fragments.
    """
    _Counter(schema, document, limit).count()


class _Counter:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, limit: int | None) -> None:
        definitions = document.definitions
        self._fragments = {
            each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._operation = next(each for each in definitions if isinstance(each, OperationDefinitionNode))
        self._schema = schema
        self._limit = limit
        self._counted = 0

    def count(self) -> int:
        self._selections(self._operation.selection_set, {id(self._schema): (self._schema, 1)})
        return self._counted

    def _selections(self, selection_set: SelectionSetNode, reached: Reached) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                self._field(node, reached)
            elif isinstance(node, InlineFragmentNode):
                self._selections(node.selection_set, reached)
            elif isinstance(node, FragmentSpreadNode):
                self._selections(self._fragments[node.name.value].selection_set, reached)

    def _field(self, node: FieldNode, reached: Reached) -> None:
        if not reached:
            return
        self._add(sum(times for _, times in reached.values()))
        if node.selection_set:
            self._selections(node.selection_set, self._below(node, reached))

    def _below(self, node: FieldNode, reached: Reached) -> Reached:
        if node.name.value == "__type":
            return _merged((each, 1) for each in self._named(node))
        lead = _LEADS.get(node.name.value, _itself)
        return _merged(
            (below, times) for part, times in reached.values() for below in lead(self._schema, part)
        )

    def _named(self, node: FieldNode) -> Iterable[Any]:
        """The type; where a variable names it, all of which it may be one: the count is then too high."""
        name = next((each.value for each in node.arguments or () if each.name.value == "name"), None)
        if isinstance(name, StringValueNode):
            named = self._schema.get_type(name.value)
            return (named,) if named else ()
        return self._schema.type_map.values()

    def _add(self, count: int) -> None:
        self._counted += count
        if self._limit is not None and self._counted > self._limit:
            raise IntrospectionTooLarge(self._limit)


def _merged(parts: Iterable[tuple[Any, int]]) -> Reached:
    reached: Reached = {}
    for part, times in parts:
        known = reached.get(id(part))
        reached[id(part)] = (part, times + known[1] if known else times)
    return reached


def _itself(schema: GraphQLSchema, part: Any) -> Iterable[Any]:  # noqa: ARG001 — `__schema`, and what has no parts
    return (part,)


def _present(part: Any) -> tuple[Any, ...]:
    return () if part is None else (part,)


def _all(name: str) -> Callable[[GraphQLSchema, Any], Iterable[Any]]:
    """Those under an attribute that maps names to them, where a part has it."""
    return lambda schema, part: getattr(part, name, {}).values()  # noqa: ARG005


_LEADS: Mapping[str, Callable[[GraphQLSchema, Any], Iterable[Any]]] = {
    "types": lambda schema, part: schema.type_map.values(),  # noqa: ARG005
    "queryType": lambda schema, part: _present(schema.query_type),  # noqa: ARG005
    "mutationType": lambda schema, part: _present(schema.mutation_type),  # noqa: ARG005
    "subscriptionType": lambda schema, part: _present(schema.subscription_type),  # noqa: ARG005
    "directives": lambda schema, part: schema.directives,  # noqa: ARG005
    "fields": lambda schema, part: () if is_input_object_type(part) else getattr(part, "fields", {}).values(),  # noqa: ARG005
    "inputFields": lambda schema, part: part.fields.values() if is_input_object_type(part) else (),  # noqa: ARG005
    "enumValues": _all("values"),
    "args": _all("args"),
    "interfaces": lambda schema, part: getattr(part, "interfaces", ()),  # noqa: ARG005
    "possibleTypes": lambda schema, part: schema.get_possible_types(part) if is_abstract_type(part) else (),
    "ofType": lambda schema, part: _present(getattr(part, "of_type", None)),  # noqa: ARG005
    "type": lambda schema, part: _present(part.type),  # noqa: ARG005
}
"""Field -> the parts of the schema it leads to from one part."""
