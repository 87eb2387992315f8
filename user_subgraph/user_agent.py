"""The program a request came from, as it calls itself. Pure."""

MAX_CHARACTERS = 256


def user_agent_text(header: str | None) -> str | None:
    """What is kept of a `User-Agent` header: a bounded line that may be shown anywhere; `None` if nothing is left.

    It is a stranger's text: what is not printable (control characters, also those that turn the direction of writing)
    is as good as a space.
    """
    printable = "".join(character if character.isprintable() else " " for character in header or "")
    return " ".join(printable.split())[:MAX_CHARACTERS].rstrip() or None
