"""rights.toml: who may ask for what."""

import tomllib
from pathlib import Path

_TABLE = tomllib.loads((Path(__file__).parent / "rights.toml").read_text())

RULES: dict[str, str] = _TABLE["fields"]
ENTITIES: dict[str, list[str]] = _TABLE["entities"]
