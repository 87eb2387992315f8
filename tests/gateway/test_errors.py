"""Every code a client can see is in the catalogue."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from gateway import errors

ROOT = Path(__file__).parents[2]
STOPS_THE_START = {errors.SupergraphError, errors.SettingsError}


def tree(root: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    yield root
    for each in root.__subclasses__():
        yield from tree(each)


def test_every_error_class_has_a_code_of_the_catalogue() -> None:
    catalogue = json.loads((ROOT / "schema" / "error_codes.json").read_text())

    assert {each.code for each in tree(errors.GatewayError)} <= set(catalogue)


def test_every_code_written_elsewhere_is_in_the_catalogue() -> None:
    catalogue = json.loads((ROOT / "schema" / "error_codes.json").read_text())
    files = [file for file in (ROOT / "gateway").rglob("*.py") if ".venv" not in file.parts]
    source = "".join(file.read_text() for file in files)

    written = set(re.findall(r'"code": "([A-Z_]+)"', source))

    assert written >= {"SUBGRAPH_ERROR", "INVALID_SUBGRAPH_VALUE"}
    assert written <= set(catalogue)


def test_the_drawn_tree_names_every_class() -> None:
    here = {each.__name__ for each in tree(errors.GatewayError) if each.__module__ == errors.__name__}

    assert {name for name in here if name not in (errors.__doc__ or "")} == set()
