"""The client's text -> one checked operation: parsed, limited, validated, chosen."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from gateway.errors import BadRequest, FormattedError, ParseFailed, TooLong, TooManyTokens, ValidationFailed
from gateway.operations.cost import FREE, Cost, cost_of
from gateway.operations.limits import check_limits
from gateway.operations.overlapping_fields import LinearOverlappingFieldsRule
from gateway.operations.selection import Document, Selection
from gateway.operations.variables import REPORTED_ERRORS, Variables
from gateway.operations.withheld_names import names_in, without_foreign_names
from gateway.settings import Limits
from gateway.supergraph.authorization import NONE, Demands, Denials, Touched
from gateway.supergraph.model import Supergraph

_RULES: tuple[type[ASTValidationRule], ...] = (
    LinearOverlappingFieldsRule,
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """A valid operation, ready to be planned."""

    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    condition_variables: tuple[str, ...]
    """The variables @skip and @include read: a plan is made for their values."""
    kind: str
    """query, mutation or subscription"""
    name: str | None
    weight: int
    """How much memory it takes, compared with a small operation; its plan takes about as much."""
    cost: Cost = FREE
    touched: Touched = field(default_factory=Touched)
    """What it can demand of its caller; what is not known here to be demanded and met is denied."""

    def with_cost(self, supergraph: Supergraph, limit: int) -> "Operation":
        """Raises TooCostly for what costs more than *limit* whatever its variables say."""
        cost = cost_of(self.node, self.fragments, supergraph.api_schema, supergraph.prices)
        cost.check_fixed(limit)
        return replace(self, cost=cost)

    def with_demands(self, supergraph: Supergraph) -> "Operation":
        """This operation with what *supergraph* demands of its caller."""
        touched = supergraph.authorization.touched_by(self.node, self.fragments, supergraph.api_schema)
        return replace(self, touched=touched)

    def selection(
        self, supergraph: Supergraph, conditions: Mapping[str, Any], lacking: Demands = NONE
    ) -> Selection:
        """What is selected under these values of `condition_variables`, for a caller who lacks *lacking*."""
        rules = supergraph.authorization
        denials = None if rules.is_empty else Denials(rules, self.touched, lacking)
        document = Document(supergraph.covers, self.fragments, conditions, denials)
        return Selection(document, (self.node.selection_set,))


def prepare(
    text: str, operation_name: str | None, schema: GraphQLSchema, limits: Limits, *, may_suggest: bool = True
) -> Operation:
    """Raises ParseFailed, TooComplex, ValidationFailed or BadRequest (no such operation, or no telling which).

    Only if it *may_suggest* does an error name what else the schema has.
    """
    document = _parse(text, limits)
    fields = check_limits(document, limits)
    if _errors(document, schema, may_suggest=may_suggest):
        # Only now are places in the text of interest; what is valid is kept without them.
        located = parse(text)
        own_names = None if may_suggest else names_in(text)
        errors = _errors(located, schema, may_suggest=may_suggest)
        raise ValidationFailed([_formatted(error, own_names) for error in errors])
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    node = _chosen(document, operation_name)
    weight = 1 + max(fields // 10, len(text) // 200)
    variables = Variables(node.variable_definitions or (), schema)
    kind, name = node.operation.value, node.name.value if node.name else None
    return Operation(node, fragments, variables, _condition_variables(document), kind, name, weight)


def _parse(text: str, limits: Limits) -> DocumentNode:
    if len(text) > limits.characters:
        raise TooLong(limits.characters)
    try:
        return parse(text, no_location=True, max_tokens=limits.tokens)
    except GraphQLError as error:
        if "tokens" in error.message and "more than" in error.message:
            raise TooManyTokens(limits.tokens) from error
        raise ParseFailed(error.message, _locations(error)) from error


def _errors(document: DocumentNode, schema: GraphQLSchema, *, may_suggest: bool) -> list[GraphQLError]:
    return validate(schema, document, _RULES, max_errors=REPORTED_ERRORS, hide_suggestions=not may_suggest)


def _formatted(error: GraphQLError, own_names: AbstractSet[str] | None) -> FormattedError:
    """*own_names*: the only ones that may be told; None: all may."""
    message = error.message if own_names is None else without_foreign_names(error.message, own_names)
    locations = _locations(error)
    return {"message": message} | ({"locations": locations} if locations else {})


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": each.line, "column": each.column} for each in error.locations or ()]


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if not name:
        if len(operations) != 1:
            raise BadRequest("The document has several operations; say which one with operationName.")
        return operations[0]
    for each in operations:
        if each.name and each.name.value == name:
            return each
    raise BadRequest("The document has no operation with the given operationName.")


def _condition_variables(document: DocumentNode) -> tuple[str, ...]:
    finder = _ConditionFinder()
    visit(document, finder)
    return tuple(sorted(finder.names))


class _ConditionFinder(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        if node.name.value in {"skip", "include"}:
            values = (argument.value for argument in node.arguments or ())
            self.names |= {value.name.value for value in values if isinstance(value, VariableNode)}
