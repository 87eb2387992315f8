"""The values of an operation's variables, coerced by the API schema.

Source: https://spec.graphql.org/draft/#sec-Coercing-Variable-Values
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    print_ast,
    type_from_ast,
)
from graphql.execution.values import get_variable_values

from gateway.errors import BadUserInput
from gateway.operations.withheld_names import names_in, without_foreign_names

Fits = Callable[[Any], bool]
"""Whether a value is what its type wants, to the letter, so that coercing would not change it."""


class Variables:
    """The variables one operation declares."""

    def __init__(self, definitions: Sequence[VariableDefinitionNode], schema: GraphQLSchema) -> None:
        self._definitions = definitions
        self._schema = schema
        self._fits = [(each.variable.name.value, _fits_if_given(each, schema)) for each in definitions]

    def coerced(self, given: Mapping[str, Any], *, may_suggest: bool = True) -> dict[str, Any]:
        """Raises BadUserInput. Only if it *may_suggest* does an error name what else the schema has.

        Values that need no coercing, as nearly all do, are recognised by a look; the rest is left to graphql-core.
        """
        values: dict[str, Any] = {}
        for name, fits in self._fits:
            value = given.get(name, Undefined)
            if not fits(value):
                return self._coerced(given, may_suggest=may_suggest)
            if value is not Undefined:
                values[name] = value
        return values

    def _coerced(self, given: Mapping[str, Any], *, may_suggest: bool) -> dict[str, Any]:
        values = get_variable_values(
            self._schema,
            self._definitions,
            dict(given),
            max_errors=1,
            hide_suggestions=not may_suggest,
        )
        if isinstance(values, list):
            message = _without_values(values[0].message)
            raise BadUserInput(message if may_suggest else without_foreign_names(message, self._names(given)))
        for name, value in values.coerced.items():
            if not all(map(_is_json, _leaves(value))):
                raise BadUserInput(f"Variable '${name}' holds a number of more than 64 bits.")
        return values.coerced

    def _names(self, given: Mapping[str, Any]) -> frozenset[str]:
        """The names the client used."""
        return names_in(" ".join(chain(map(print_ast, self._definitions), _keys(given))))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _is_json(value: Any) -> bool:
    """A default in the text may be any number; from JSON, none of these can come."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return not isinstance(value, float) or isfinite(value)


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _keys(each)


def _fits_if_given(definition: VariableDefinitionNode, schema: GraphQLSchema) -> Fits:
    declared: Any = type_from_ast(schema, definition.type)
    if declared is None:  # a built-in scalar this schema does not use: graphql-core says what is wrong
        return lambda _: False
    fits = _fits(declared)
    may_be_absent = not isinstance(declared, GraphQLNonNull) and definition.default_value is None
    return lambda value: may_be_absent if value is Undefined else fits(value)


def _fits(declared: GraphQLInputType) -> Fits:
    if isinstance(declared, GraphQLNonNull):
        fits_non_null = _fits_non_null(declared.of_type)
        return lambda value: value is not None and fits_non_null(value)
    fits = _fits_non_null(declared)
    return lambda value: value is None or fits(value)


def _fits_non_null(declared: Any) -> Fits:
    if isinstance(declared, GraphQLList):
        fits_item = _fits(declared.of_type)
        return lambda value: type(value) is list and all(map(fits_item, value))
    if isinstance(declared, GraphQLInputObjectType):
        return _fits_object(declared)
    if isinstance(declared, GraphQLEnumType):
        names = frozenset(declared.values)
        return lambda value: type(value) is str and value in names
    return _FITS_SCALAR.get(
        declared.name, lambda _: True
    )  # what a custom scalar takes is its subgraph's to say


_INTS = range(-(2**31), 2**31)
_FITS_SCALAR: Mapping[str, Fits] = {
    "String": lambda value: type(value) is str,
    "ID": lambda value: type(value) is str,
    "Boolean": lambda value: type(value) is bool,
    "Int": lambda value: type(value) is int and value in _INTS,
    "Float": lambda value: type(value) is float,
}


def _fits_object(declared: GraphQLInputObjectType) -> Fits:
    if declared.is_one_of:
        return lambda _: False
    fields: dict[str, Fits] = {}

    def fits(value: Any) -> bool:
        if not fields:  # filled when first used: input types may contain themselves
            fields.update((name, _fits(field.type)) for name, field in declared.fields.items())
        return (
            type(value) is dict
            and all(name in fields and fields[name](inner) for name, inner in value.items())
            and all(name in value for name in always_there)
        )

    always_there = [
        name
        for name, field in declared.fields.items()
        if field.default is not None or isinstance(field.type, GraphQLNonNull)
    ]
    return fits


_QUOTED_VALUES = (
    (re.compile(r", found: .*", re.DOTALL), "."),
    (re.compile(r"cannot represent (.*?)value: .*", re.DOTALL), r"cannot represent \1value."),
    (re.compile(r"Value .* does not exist in", re.DOTALL), "The value does not exist in"),
    (re.compile(r"not to be None\.$"), "not to be null."),
)


def _without_values(message: str) -> str:
    """graphql-core quotes what it refuses; that may be a password, and client errors end in logs."""
    for pattern, instead in _QUOTED_VALUES:
        message = pattern.sub(instead, message)
    return message
