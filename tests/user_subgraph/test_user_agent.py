"""What is kept of a User-Agent header."""

import pytest

from user_subgraph.user_agent import MAX_CHARACTERS, user_agent_text


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (None, None),
        ("", None),
        (" \t ", None),
        ("\0\x1b\x7f", None),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("curl/8\x00.5\x1b[31m", "curl/8 .5 [31m"),
        ("one\u202etwo\u2028three\u00a0four", "one two three four"),
        ("Müller/1", "Müller/1"),
        ("x" * 300, "x" * MAX_CHARACTERS),
        ("x" * (MAX_CHARACTERS - 1) + " y", "x" * (MAX_CHARACTERS - 1)),
    ],
)
def test_it_is_one_bounded_line_of_printable_characters(header: str | None, kept: str | None) -> None:
    assert user_agent_text(header) == kept
