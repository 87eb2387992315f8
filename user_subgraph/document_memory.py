"""Documents that were parsed and validated once need not be again."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from graphql import DocumentNode

# A parsed document takes up to 250 bytes for each character of its text, so this is about 7 MB at the worst; and each
# look for garbage goes through all of it.
MAX_CHARACTERS = 30_000
# A longer text is not worth the shorter ones it would push out.
MAX_TEXT = 10_000


class DocumentMemory:
    """Keeps what *prepare* made of a text; the least recently used goes first.

    Bounded by size and not by number, because the texts come from strangers. A text that *prepare* refuses, by
    raising, is not kept: bad documents push no good ones out.
    """

    def __init__(self, prepare: Callable[[str], DocumentNode], max_characters: int = MAX_CHARACTERS) -> None:
        self._prepare = prepare
        self._max_characters = max_characters
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def __contains__(self, text: str) -> bool:
        return text in self._documents

    def document(self, text: str) -> DocumentNode:
        with self._lock:
            if text in self._documents:
                self._documents.move_to_end(text)
                return self._documents[text]
        document = self._prepare(text)
        if len(text) <= MAX_TEXT:
            self._keep(text, document)
        return document

    def _keep(self, text: str, document: DocumentNode) -> None:
        with self._lock:
            if text in self._documents:  # another thread was quicker
                return
            self._documents[text] = document
            self._characters += len(text)
            while self._characters > self._max_characters:
                oldest, _ = self._documents.popitem(last=False)
                self._characters -= len(oldest)
