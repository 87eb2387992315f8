"""rights.toml: who may ask for what."""

import tomllib
from pathlib import Path

_TABLE = tomllib.loads((Path(__file__).parent / "rights.toml").read_text())

RULES: dict[str, str] = _TABLE["fields"]
ENTITIES: dict[str, list[str]] = _TABLE["entities"]
SCOPES: dict[str, list[str]] = _TABLE["scopes"]
OWN_ONLY: list[str] = _TABLE["own_only"]


def scopes_of(role: str) -> set[str]:
    """Staff have a customer's scopes as well; a program has its own and no others."""
    return {*SCOPES[role]} if role in {"app", "machine"} else {*SCOPES["customer"], *SCOPES[role]}


def allows(rule: str, scopes: set[str] | None) -> bool:
    """Whether *rule* lets the field be asked for. *scopes*: None for a caller who must be treated as nobody."""
    if rule == "anybody":
        return True
    if scopes is None:
        return False
    return rule == "token" or not scopes.isdisjoint(rule.split(" or "))


def allows_others(field: str, scopes: set[str] | None) -> bool:
    """Whether *field* lets the caller at what is another's: of two scopes, the first is for what is one's own."""
    *_own, of_anybody = RULES[field].split(" or ")
    return field not in OWN_ONLY and allows(of_anybody, scopes)
