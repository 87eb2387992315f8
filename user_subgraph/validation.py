"""What the rules of GraphQL have against a document."""

from collections.abc import Sequence

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    Visitor,
    specified_rules,
    visit,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import (
    FragmentNestingVisitor,
    ValidationAbortedError,
    query_document_keys_to_validate,
)
from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage, VariableUsageVisitor

from user_subgraph.errors import QueryTooComplex
from user_subgraph.short_turns import ShortTurns

MAX_ERRORS = 10
# Fields of one response name are compared pair by pair: this is some 5 000 pairs, or a few hundredths of a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


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
            finder = VariableUsageVisitor(self._type_info)
            typed = TypeInfoVisitor(self._type_info, finder)
            visit(node, typed)
            self._variable_usages[node] = finder.usages
            for visitor in (finder, typed):
                vars(visitor).clear()
        return self._variable_usages[node]


class Validation:
    """Like graphql-core's `validate`. But what that makes keeps itself alive, and with it the whole document, until
    Python looks for garbage: then tens of thousands of objects at once, while everybody waits. This lets go of it."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool) -> None:
        hidden = () if introspection else (NoSchemaIntrospectionCustomRule,)
        self._schema = schema
        self._rules: Sequence[type[ASTValidationRule]] = (*specified_rules, *hidden, ShortTurns)

    def errors(self, document: DocumentNode) -> list[GraphQLError]:
        """The first ten, and a word if there are more. Raises `QueryTooComplex` for what would take too long to find out."""
        errors: list[GraphQLError] = []

        def note(error: GraphQLError) -> None:
            if len(errors) == MAX_ERRORS:
                raise _Enough
            errors.append(error)

        types = TypeInfo(self._schema)
        context = _Context(self._schema, document, types, note)
        rules = [*_nesting(document), *(rule(context) for rule in self._rules)]
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
