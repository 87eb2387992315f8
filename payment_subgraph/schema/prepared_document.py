"""Text -> a document that may run, made once for each text, and beside the event loop."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, GraphQLSyntaxError

from payment_subgraph.errors import QueryTooComplex
from payment_subgraph.limits import check_size
from payment_subgraph.parsing import parsed
from payment_subgraph.schema.validation import violations
from payment_subgraph.side_thread import beside_the_loop

MAX_REMEMBERED_CHARACTERS: Final = 30_000
"""A document takes up to 250 bytes of memory for each character of its text, and makes looking for garbage longer."""
MAX_REMEMBERED_TEXT: Final = 10_000
"""A longer text is not worth the shorter ones it would push out."""


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """*errors*: what validation has against it."""

    document: DocumentNode
    errors: list[GraphQLError]


class PreparedDocuments:
    """Remembers good documents, the least recently used of them least; bad ones push no good ones out."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._remembered: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._characters = 0

    def __contains__(self, text: str) -> bool:
        return text in self._remembered

    async def prepared(self, text: str) -> PreparedDocument:
        """Raises QueryTooComplex, or graphql-core's syntax error."""
        if text in self._remembered:
            self._remembered.move_to_end(text)
            return self._remembered[text]
        prepared = await beside_the_loop(self._prepare, text)
        if isinstance(prepared, Exception):
            raise prepared
        if not prepared.errors and len(text) <= MAX_REMEMBERED_TEXT:
            self._remember(text, prepared)
        return prepared

    def _prepare(self, text: str) -> PreparedDocument | QueryTooComplex | GraphQLSyntaxError:
        """A refusal is returned without the way it came: that would hold the whole document, in a circle."""
        try:
            document = parsed(text)
            check_size(document)
            return PreparedDocument(document, violations(self._schema, document))
        except (QueryTooComplex, GraphQLSyntaxError) as refused:
            refused.__cause__ = refused.__context__ = None
            return refused.with_traceback(None)
        except RecursionError:
            return QueryTooComplex("The operation is nested too deeply.")

    def _remember(self, text: str, prepared: PreparedDocument) -> None:
        if text not in self._remembered:  # another request may have been quicker
            self._remembered[text] = prepared
            self._characters += len(text)
        while self._characters > MAX_REMEMBERED_CHARACTERS:
            oldest, _ = self._remembered.popitem(last=False)
            self._characters -= len(oldest)
