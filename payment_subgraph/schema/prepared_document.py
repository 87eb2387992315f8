"""Text -> a document that may run, made once for each text, and beside the event loop."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from graphql import DocumentNode, GraphQLError, GraphQLSchema, specified_rules, validate
from graphql.validation.rules import overlapping_fields_can_be_merged
from graphql.validation.validate import ValidationAbortedError

from payment_subgraph.errors import QueryTooComplex
from payment_subgraph.limits import check_size, parsed
from payment_subgraph.schema.short_turns import ShortTurns

MAX_REMEMBERED_CHARACTERS: Final = 50_000
"""A document takes up to 300 bytes of memory for each character of its text."""
MAX_REMEMBERED_TEXT: Final = 10_000
"""A longer text is not worth the shorter ones it would push out."""
_MAX_ERRORS: Final = 5
_RULES: Final = (*specified_rules, ShortTurns)

# Fields of one response name are compared pair by pair: this is some 5 000 pairs, or a few hundredths of a second.
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = 20_000


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """*errors*: what validation has against it."""

    document: DocumentNode
    errors: list[GraphQLError]


class PreparedDocuments:
    """Remembers good documents, the least recently used of them least; bad ones push no good ones out.

    One thread prepares them all: a flood of large documents takes turns with the event loop instead of stopping it.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._remembered: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._characters = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="documents")

    def __contains__(self, text: str) -> bool:
        return text in self._remembered

    async def prepared(self, text: str) -> PreparedDocument:
        """Raises QueryTooComplex, or graphql-core's syntax error."""
        if text in self._remembered:
            self._remembered.move_to_end(text)
            return self._remembered[text]
        prepared = await asyncio.get_running_loop().run_in_executor(self._thread, self._prepare, text)
        if not prepared.errors and len(text) <= MAX_REMEMBERED_TEXT:
            self._remember(text, prepared)
        return prepared

    def _prepare(self, text: str) -> PreparedDocument:
        try:
            document = parsed(text)
            check_size(document)
        except RecursionError as error:
            raise QueryTooComplex("The operation is nested too deeply.") from error
        errors = validate(self._schema, document, _RULES, max_errors=_MAX_ERRORS)
        if errors and isinstance(errors[0], ValidationAbortedError):
            raise QueryTooComplex("The operation asks for too many fields of the same name.")
        return PreparedDocument(document, errors)

    def _remember(self, text: str, prepared: PreparedDocument) -> None:
        if text not in self._remembered:  # another request may have been quicker
            self._remembered[text] = prepared
            self._characters += len(text)
        while self._characters > MAX_REMEMBERED_CHARACTERS:
            oldest, _ = self._remembered.popitem(last=False)
            self._characters -= len(oldest)
