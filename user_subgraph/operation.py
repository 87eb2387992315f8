"""Text -> a parsed, limited, validated document -> the operation to run. Good documents are remembered."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from user_subgraph.document_memory import DocumentMemory
from user_subgraph.errors import BadRequest, ParseFailed, QueryTooComplex, RequestRefused, ValidationFailed
from user_subgraph.limits import MAX_MUTATIONS, Limits, check_document, fragments_of
from user_subgraph.parsing import parsed
from user_subgraph.validation import Validation

_SUGGESTION = re.compile(r" Did you mean .*\?$", re.DOTALL)


class OperationRefused(Exception):
    """The document cannot be run; every error says where."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@dataclass(frozen=True)
class Operation:
    document: DocumentNode
    definition: OperationDefinitionNode

    @property
    def is_query(self) -> bool:
        return self.definition.operation is OperationType.QUERY

    @property
    def is_mutation(self) -> bool:
        return self.definition.operation is OperationType.MUTATION

    @property
    def root_fields(self) -> Sequence[str]:
        """The name of each root field, whatever fragments it stands in."""
        return tuple(_root_fields(self.document, self.definition.selection_set, set()))


class Operations:
    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self.schema = schema
        self.introspection = introspection
        self._limits = limits
        self._validation = Validation(schema, introspection=introspection)
        # Parsing and validating cost more than executing.
        self.memory = DocumentMemory(self._prepared)

    def chosen(self, text: str, operation_name: str | None) -> Operation:
        """The operation to run; raises `OperationRefused`."""
        document = self.memory.document(text)
        named = [
            node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
            and (operation_name is None or (node.name and node.name.value == operation_name))
        ]
        if len(named) != 1:
            raise OperationRefused([_refusal(BadRequest(_ambiguity(operation_name, len(named))))])
        if self.schema.get_root_type(named[0].operation) is None:
            kind = named[0].operation.value
            raise OperationRefused([_refusal(ValidationFailed(f"There is no {kind} in this schema."))])
        operation = Operation(document, named[0])
        if operation.is_mutation and len(operation.root_fields) > MAX_MUTATIONS:
            too_many = QueryTooComplex(f"At most {MAX_MUTATIONS} mutations at once.")
            raise OperationRefused([_refusal(too_many)])
        return operation

    def shown(self, message: str) -> str:
        """*message* without hints at names of the schema, where the schema is not to be explored."""
        return message if self.introspection else _SUGGESTION.sub("", message)

    def _prepared(self, text: str) -> DocumentNode:
        try:
            document = parsed(text, self._limits)
            check_document(document, self._limits)
            errors = self._validation.errors(document)
        except GraphQLSyntaxError as error:
            raise OperationRefused([_refusal(ParseFailed(error.message), error)]) from error
        except RequestRefused as error:
            raise OperationRefused([_refusal(error)]) from error
        if errors:
            raise OperationRefused(
                [_refusal(ValidationFailed(self.shown(error.message)), error) for error in errors]
            )
        return document


def _ambiguity(operation_name: str | None, found: int) -> str:
    if operation_name is not None:
        return "There is no operation of that name in the document."
    return "Name the operation to run." if found else "The document holds no operation."


def _refusal(refused: RequestRefused, at: GraphQLError | None = None) -> GraphQLError:
    if at is None:
        return GraphQLError(refused.message, original_error=refused)
    return GraphQLError(
        refused.message, at.nodes, at.source, at.positions, path=at.path, original_error=refused
    )


def _root_fields(document: DocumentNode, selections: SelectionSetNode, seen: set[str]) -> Iterator[str]:
    fragments = fragments_of(document)
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, FragmentSpreadNode):
            if selection.name.value not in seen:
                seen.add(selection.name.value)
                spread = fragments[selection.name.value].selection_set
                yield from _root_fields(document, spread, seen)
        else:
            yield from _root_fields(document, getattr(selection, "selection_set"), seen)  # noqa: B009
