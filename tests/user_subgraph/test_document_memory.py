"""What the memory of documents keeps, and what it lets go."""

import pytest
from graphql import DocumentNode, parse

from user_subgraph.document_memory import MAX_TEXT, DocumentMemory


class Preparing:
    """Parses, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> DocumentNode:
        self.asked.append(text)
        return parse(text)


def test_a_text_is_prepared_once() -> None:
    preparing = Preparing()
    memory = DocumentMemory(preparing)

    assert memory.document("{ a }") is memory.document("{ a }")
    assert preparing.asked == ["{ a }"]


def test_the_least_recently_used_goes_when_the_texts_add_up_to_too_much() -> None:
    memory = DocumentMemory(Preparing(), max_characters=10)
    for text in ("{ a }", "{ b }", "{ a }", "{ c }"):
        memory.document(text)

    assert [text in memory for text in ("{ a }", "{ b }", "{ c }")] == [True, False, True]


def test_a_long_text_is_prepared_each_time_and_pushes_nothing_out() -> None:
    memory = DocumentMemory(Preparing())
    memory.document("{ a }")
    long = "{ a }" + "#" * MAX_TEXT
    memory.document(long)

    assert long not in memory
    assert "{ a }" in memory


def test_a_refused_text_is_not_kept() -> None:
    memory = DocumentMemory(Preparing())
    with pytest.raises(Exception, match="Syntax Error"):
        memory.document("{")

    assert "{" not in memory
