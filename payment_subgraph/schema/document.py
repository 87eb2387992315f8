"""What stands between the text of an operation and its execution."""

from collections.abc import AsyncIterator, Callable
from functools import lru_cache

from graphql import DocumentNode, ExecutionResult, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from payment_subgraph.errors import BadRequest
from payment_subgraph.limits import check_items
from payment_subgraph.schema.introspection import asks_only_for_the_schema, introspected
from payment_subgraph.schema.prepared_document import PreparedDocuments
from payment_subgraph.side_thread import beside_the_loop


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
        _chosen(prepared.document, context.context.operation_name)
        context.graphql_document, context.pre_execution_errors = prepared.document, prepared.errors
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        asked = self.execution_context
        asked.context.started = True
        if introspection := self._introspection():
            async with asked.context.turns.turn():
                # With a result, Strawberry executes nothing.
                asked.result = await beside_the_loop(introspection)
                yield
        # A mutation may wait long for the payment provider, and each is one that the caller answers for.
        elif asked.context.unusual and asked.operation_type is not OperationType.MUTATION:
            async with asked.context.turns.turn():
                yield
        else:
            yield

    def _introspection(self) -> Callable[[], ExecutionResult] | None:
        """How to answer an operation that asks for the schema only; None for every other."""
        asked = self.execution_context
        text, document, name = asked.query or "", asked.graphql_document, asked.context.operation_name
        if document is None or not ("__schema" in text or "__type" in text):
            return None
        if not asks_only_for_the_schema(document, _chosen(document, name)):
            return None
        schema = asked.schema._schema  # noqa: SLF001
        return lambda: introspected(schema, document, asked.variables, name)


@lru_cache(maxsize=1)
def _documents(schema: GraphQLSchema) -> PreparedDocuments:
    return PreparedDocuments(schema)


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Strawberry would run the first of several operations when none is named."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name and node.name.value == name]
    if len(operations) != 1:
        raise BadRequest("Send one operation, or name the one to run.")
    return operations[0]
