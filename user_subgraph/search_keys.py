"""What users are found by: each beginning of a word in their address and names, with all that follows it. Pure.

So `love`, `ada love` and `lovelace@` find Ada Lovelace, ada.lovelace@example.com, by an index; `velace` does not.
"""

import re
import unicodedata
from collections.abc import Iterable

from user_subgraph.user import User

MAX_KEY = 100
# Of one text. Who makes an address of more words than that is found by the first of them.
MAX_WORDS = 16
# After every key that begins with what stands before it: the last character there is.
AFTER_ALL = "\U0010ffff"

_WORD = re.compile(r"(?<![^\W_])[^\W_]")
_SPACES = re.compile(r"\s+")


def search_keys(user: User) -> frozenset[str]:
    return search_keys_of((user.email, user.first_name, user.last_name, user.display_name))


def search_keys_of(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(key for text in texts if text for key in _beginnings(_folded(text)))


def sought(search: str) -> str | None:
    """The beginning of the keys that are meant; `None`: there is no word in it, so nobody is."""
    folded = _folded(search)
    word = _WORD.search(folded)
    return None if word is None else folded[word.start() :][:MAX_KEY]


def _beginnings(text: str) -> Iterable[str]:
    starts = [word.start() for word in _WORD.finditer(text)][:MAX_WORDS]
    return (text[start : start + MAX_KEY] for start in starts)


def _folded(text: str) -> str:
    """As it is compared: without case, and alike however its letters are encoded."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
