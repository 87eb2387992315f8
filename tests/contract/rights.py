"""rights.toml: who may ask for what."""

import tomllib
from pathlib import Path

_TABLE = tomllib.loads((Path(__file__).parent / "rights.toml").read_text())

RULES: dict[str, str] = _TABLE["fields"]
ENTITIES: dict[str, list[str]] = _TABLE["entities"]
SCOPES: dict[str, list[str]] = _TABLE["scopes"]


def scopes_of(role: str) -> set[str]:
    """Staff have a customer's scopes as well."""
    return {*SCOPES["customer"], *SCOPES[role]}


def allows(rule: str, scopes: set[str] | None) -> bool:
    """*scopes*: None for a caller without a token."""
    if rule == "anybody":
        return True
    if scopes is None:
        return False
    return rule == "token" or not scopes.isdisjoint(rule.split(" or "))
