"""Text -> document."""

from graphql import DocumentNode, GraphQLError, GraphQLSyntaxError, Lexer, Location, Source, Token
from graphql.language.parser import Parser

from gateway.errors import ParseFailed, TooLong, TooManyTokens
from gateway.settings import Limits


def parsed(text: str, limits: Limits, *, located: bool = False) -> DocumentNode:
    """Only if *located* do its nodes know where in the text they stand. Raises ParseFailed, TooLong, TooManyTokens."""
    if len(text) > limits.characters:
        raise TooLong(limits.characters)
    try:
        return _Parser(text, limits.tokens, located=located).document()
    except GraphQLError as error:
        if "tokens" in error.message and "more than" in error.message:
            raise TooManyTokens(limits.tokens) from error
        raise ParseFailed(error.message, locations_of(error)) from error


def locations_of(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": each.line, "column": each.column} for each in error.locations or ()]


class _Parser(Parser):
    """Leaves no token behind.

    Each token knows its neighbours, and so all of them keep each other alive until Python looks for garbage: then
    thousands at once, while everybody waits.
    """

    def __init__(self, text: str, max_tokens: int, *, located: bool) -> None:
        self._reader = Lexer(Source(text))
        self._first = self._reader.token
        super().__init__(
            self._reader.source, lexer=self._reader, max_tokens=max_tokens, no_location=not located
        )

    def loc(self, start_token: Token) -> Location | None:
        location = super().loc(start_token)
        if location is not None:
            location.start_token = location.end_token = self._first
        return location

    def document(self) -> DocumentNode:
        """Raises GraphQLError."""
        try:
            return self.parse_document()
        except RecursionError:
            reached = self._reader.token.start
        finally:
            self._unlink()
        # Not from within: thousands of calls would stay with the error.
        raise GraphQLSyntaxError(self._reader.source, reached, "The document is nested too deeply.")

    def _unlink(self) -> None:
        token: Token | None = self._first
        while token is not None:
            following = token.next
            token.prev = token.next = None
            token = following
