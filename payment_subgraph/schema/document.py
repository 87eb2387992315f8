"""What stands between the text of an operation and its execution."""

from collections.abc import AsyncIterator
from functools import lru_cache

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from payment_subgraph.errors import BadRequest
from payment_subgraph.limits import check_items
from payment_subgraph.schema.prepared_document import PreparedDocuments


class GuardedDocument(SchemaExtension):
    """Parses and validates in Strawberry's place, with limits before either."""

    async def on_parse(self) -> AsyncIterator[None]:
        context = self.execution_context
        schema = context.schema._schema  # noqa: SLF001 - as Strawberry's own caches do
        documents, text = _documents(schema), context.query or ""
        if text in documents:
            prepared = await documents.prepared(text)
        else:
            context.context.unusual = True
            async with context.context.turns.turn():
                prepared = await documents.prepared(text)
        check_items(prepared.document, context.variables or {})
        _require_one(prepared.document, context.context.operation_name)
        context.graphql_document, context.pre_execution_errors = prepared.document, prepared.errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        context = self.execution_context.context
        context.started = True
        # A mutation may wait long for the payment provider, and each is one that the caller answers for.
        if context.unusual and self.execution_context.operation_type is not OperationType.MUTATION:
            async with context.turns.turn():
                yield
        else:
            yield


@lru_cache(maxsize=1)
def _documents(schema: GraphQLSchema) -> PreparedDocuments:
    return PreparedDocuments(schema)


def _require_one(document: DocumentNode, name: str | None) -> None:
    """Strawberry would run the first of several operations when none is named."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name and node.name.value == name]
    if len(operations) != 1:
        raise BadRequest("Send one operation, or name the one to run.")
