"""Error messages that tell nobody what else is in the schema: what the client did not name itself is left out.

Where introspection is switched off, a schema could otherwise be read out of its error messages, one guess at a time.
"""

import re
from collections.abc import Set as AbstractSet

from graphql import specified_scalar_types

WITHHELD = "…"

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_QUOTED = re.compile(r"'[^']*'")
_EVERYBODYS = frozenset(specified_scalar_types) | {"Query", "Mutation", "Subscription"}


def names_in(text: str) -> frozenset[str]:
    """Everything in a client's text that could be a name."""
    return frozenset(_NAME.findall(text)) | _EVERYBODYS


def without_foreign_names(message: str, own: AbstractSet[str]) -> str:
    """*message* with only *own* names. graphql-core puts names in single quotes, and so does this gateway."""

    def name(found: re.Match[str]) -> str:
        return found[0] if found[0] in own else WITHHELD

    return _QUOTED.sub(lambda quoted: _NAME.sub(name, quoted[0]), message)
