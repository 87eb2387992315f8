"""What the rules of GraphQL have against a document."""

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    Visitor,
    specified_rules,
    visit,
)
from graphql.validation.validate import FragmentNestingVisitor, query_document_keys_to_validate
from graphql.validation.validation_context import NodeWithSelectionSet, VariableUsage, VariableUsageVisitor

from gateway.operations.overlapping_fields import LinearOverlappingFieldsRule

MAX_ERRORS = 20

_RULES: tuple[type[ASTValidationRule], ...] = (
    LinearOverlappingFieldsRule,
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
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


def violations(document: DocumentNode, schema: GraphQLSchema, *, may_suggest: bool) -> list[GraphQLError]:
    """The first twenty, and a word if there are more. Only if it *may_suggest* does one name what else the schema has.

    As graphql-core's `validate` does it. But what that makes keeps itself alive, and with it the whole document, until
    Python looks for garbage: then tens of thousands of objects at once, while everybody waits. This lets go of it.
    """
    errors: list[GraphQLError] = []

    def note(error: GraphQLError) -> None:
        if len(errors) == MAX_ERRORS:
            raise _Enough
        errors.append(error)

    types = TypeInfo(schema)
    context = _Context(schema, document, types, note, hide_suggestions=not may_suggest)
    rules = [*_nesting(document), *(rule(context) for rule in _RULES)]
    together = ParallelVisitor(rules)
    typed = TypeInfoVisitor(types, together)
    try:
        visit(document, typed, query_document_keys_to_validate)
    except _Enough:
        errors.append(GraphQLError("There are more errors."))
    except RecursionError:
        errors.append(GraphQLError("The document is nested too deeply."))
    finally:
        for visitor in (*rules, together, typed):
            vars(visitor).clear()
    return errors
