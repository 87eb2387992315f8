"""Parsing, limits and validation of the operation's text, each text parsed and validated once."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, parse, validate
from strawberry.extensions import SchemaExtension

from payment_subgraph.errors import BadRequest, QueryTooComplex
from payment_subgraph.limits import MAX_TOKENS, check_limits

_REMEMBERED: Final = 500


@lru_cache(maxsize=_REMEMBERED)
def _parsed(text: str) -> DocumentNode:
    return parse(text, max_tokens=MAX_TOKENS)


class GuardedDocument(SchemaExtension):
    """Counts before validating: graphql-core's validation itself can be made to explode."""

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        try:
            document = _parsed(context.query or "")
            check_limits(document, context.variables or {})
        except RecursionError as error:
            raise QueryTooComplex("The operation is nested too deeply.") from error
        _require_one(document, context.context.operation_name)
        context.graphql_document = document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if context.graphql_document is not None:
            context.pre_execution_errors = list(_validated(context.schema, context.graphql_document))
        yield

    def on_execute(self) -> Iterator[None]:
        self.execution_context.context.started = True
        yield


@lru_cache(maxsize=_REMEMBERED)
def _validated(schema: Any, document: DocumentNode) -> tuple[GraphQLError, ...]:
    return tuple(validate(schema._schema, document, max_errors=5))  # noqa: SLF001 - as Strawberry's own cache does


def _require_one(document: DocumentNode, name: str | None) -> None:
    """Strawberry would run the first of several operations when none is named."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name and node.name.value == name]
    if len(operations) != 1:
        raise BadRequest("Send one operation, or name the one to run.")
