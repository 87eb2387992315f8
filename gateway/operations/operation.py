"""The client's text -> one checked operation: parsed, limited, validated, chosen."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

from gateway.errors import BadRequest, FormattedError, ValidationFailed
from gateway.operations.cost import FREE, Cost, cost_of
from gateway.operations.limits import check_limits
from gateway.operations.parsing import locations_of, parsed
from gateway.operations.selection import Document, Selection
from gateway.operations.validation import violations
from gateway.operations.variables import Variables
from gateway.operations.withheld_names import names_in, without_foreign_names
from gateway.settings import Limits
from gateway.supergraph.authorization import NONE, Demands, Denials, Touched
from gateway.supergraph.model import Supergraph


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
    document = parsed(text, limits)
    fields = check_limits(document, limits)
    if violations(document, schema, may_suggest=may_suggest):
        raise ValidationFailed(_complaints(text, schema, limits, may_suggest=may_suggest))
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    node = _chosen(document, operation_name)
    weight = 1 + max(fields // 10, len(text) // 200)
    variables = Variables(node.variable_definitions or (), schema)
    kind, name = node.operation.value, node.name.value if node.name else None
    return Operation(node, fragments, variables, _condition_variables(document), kind, name, weight)


def _complaints(
    text: str, schema: GraphQLSchema, limits: Limits, *, may_suggest: bool
) -> list[FormattedError]:
    """Only now are places in the text of interest; what is valid is kept without them."""
    own_names = None if may_suggest else names_in(text)
    document = parsed(text, limits, located=True)
    return [_formatted(each, own_names) for each in violations(document, schema, may_suggest=may_suggest)]


def _formatted(error: GraphQLError, own_names: AbstractSet[str] | None) -> FormattedError:
    """*own_names*: the only ones that may be told; None: all may."""
    message = error.message if own_names is None else without_foreign_names(error.message, own_names)
    locations = locations_of(error)
    return {"message": message} | ({"locations": locations} if locations else {})


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
