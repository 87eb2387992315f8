"""Text -> document, with limits that hold while it is read."""

from graphql import DocumentNode, GraphQLSyntaxError, Lexer, Location, Source, Token
from graphql.language.parser import Parser

from user_subgraph.errors import QueryTooComplex
from user_subgraph.limits import Limits

MAX_CHARACTERS = 30_000
MAX_COMMENTS = 500


def parsed(text: str, limits: Limits) -> DocumentNode:
    """Raises `QueryTooComplex`, or graphql-core's syntax error."""
    try:
        return _Parser(text, limits.max_tokens).document()
    except RecursionError as error:
        raise QueryTooComplex("The operation is nested too deeply.") from error
    except GraphQLSyntaxError as error:
        # graphql-core has no class of its own for these.
        if error.message.endswith("Parsing aborted."):
            raise QueryTooComplex(error.message.removeprefix("Syntax Error: ")) from error
        raise


class _Parser(Parser):
    """Its documents know where in the text they stand, but hold no token.

    Each token knows its neighbours, and so all of them keep each other alive until Python looks for garbage: then
    thousands at once, while everybody waits.
    """

    def __init__(self, text: str, max_tokens: int) -> None:
        lexer = Lexer(Source(text))
        self._first = lexer.token
        super().__init__(
            lexer.source,
            lexer=lexer,
            max_source_length=MAX_CHARACTERS,
            max_lexical_tokens=max_tokens,
            max_comments=MAX_COMMENTS,
        )

    def loc(self, start_token: Token) -> Location | None:
        location = super().loc(start_token)
        if location is not None:
            location.start_token = location.end_token = self._first
        return location

    def document(self) -> DocumentNode:
        try:
            return self.parse_document()
        finally:
            self._unlink()

    def _unlink(self) -> None:
        token: Token | None = self._first
        while token is not None:
            following = token.next
            token.prev = token.next = None
            token = following
