"""What the rules of GraphQL have against a document."""

from typing import Any, Final

from graphql import (
    SKIP,
    ArgumentNode,
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    ValueNode,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
    Visitor,
    VisitorAction,
    specified_rules,
    visit,
)
from graphql.utilities import validate_input_literal
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import (
    FragmentNestingVisitor,
    ValidationAbortedError,
    query_document_keys_to_validate,
)
from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage, VariableUsageVisitor

from payment_subgraph.errors import QueryTooComplex
from payment_subgraph.schema.short_turns import ShortTurns

MAX_ERRORS: Final = 5

# Fields of one response name are compared pair by pair: this is some 5 000 pairs, or a few hundredths of a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


class NamedValues(ValuesOfCorrectTypeRule):
    """Values of the right type; of a wrong one it is told at which argument it stands, and where inside."""

    _place = ""

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._place = f'Argument "{node.name.value}'

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        self._place = f'Default of "${node.variable.name.value}'

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        def told(error: GraphQLError, path: list[str | int]) -> None:
            place = ".".join([self._place, *map(str, path)])
            self.report_error(GraphQLError(f'{place}": {error.message}', error.nodes or node))

        if input_type:
            validate_input_literal(node, input_type, told, None, None, self.context.hide_suggestions)
        return SKIP


_RULES: Final[tuple[type[ASTValidationRule], ...]] = (
    *(NamedValues if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
    ShortTurns,
)


class _Enough(Exception):
    """More need not be found out."""


def _nesting(document: DocumentNode) -> list[Visitor]:
    """Stops, with a RecursionError, what is so deep through its fragments that the rules would not come back."""
    fragments = {
        each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
    }
    return [FragmentNestingVisitor(fragments)] if fragments else []


class _Context(ValidationContext):
    """Lets go of what it looks for variables with."""

    def get_variable_usages(self, node: NodeWithSelectionSet) -> list[VariableUsage]:
        if node not in self._variable_usages:
            fragment = node if isinstance(node, FragmentDefinitionNode) else None
            finder = VariableUsageVisitor(self._type_info, fragment)
            typed = TypeInfoVisitor(self._type_info, finder)
            visit(node, typed)
            self._variable_usages[node] = finder.usages
            for visitor in (finder, typed):
                vars(visitor).clear()
        return self._variable_usages[node]


def violations(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """The first five, and a word if there are more. Raises QueryTooComplex for what would take too long to find out.

    As graphql-core's `validate` does it. But what that makes keeps itself alive, and with it the whole document, until
    Python looks for garbage: then tens of thousands of objects at once, while everybody waits. This lets go of it.
    """
    errors: list[GraphQLError] = []

    def note(error: GraphQLError) -> None:
        if len(errors) == MAX_ERRORS:
            raise _Enough
        errors.append(error)

    types = TypeInfo(schema)
    context = _Context(schema, document, types, note)
    rules = [*_nesting(document), *(rule(context) for rule in _RULES)]
    together = ParallelVisitor(rules)
    typed = TypeInfoVisitor(types, together)
    try:
        visit(document, typed, query_document_keys_to_validate)
    except _Enough:
        errors.append(GraphQLError("There are more errors."))
    except ValidationAbortedError as error:
        if not errors:
            raise QueryTooComplex("The operation asks for too many fields of the same name.") from error
    except RecursionError as error:
        raise QueryTooComplex("The operation is nested too deeply.") from error
    finally:
        for visitor in (*rules, together, typed):
            vars(visitor).clear()
    return errors
