"""The service's README."""

from pathlib import Path

import payment_subgraph

PACKAGE = Path(payment_subgraph.__file__).parent


def test_each_file_stands_where_a_reader_looks_for_it() -> None:
    readme = (PACKAGE / "README.md").read_text()
    files = {file.name for file in PACKAGE.glob("*.py")} - {"__init__.py"}

    assert {name for name in files if f"`{name}`" not in readme} == set()
