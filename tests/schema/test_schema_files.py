"""schema/*.graphql is what the code says, and composes."""

import os
from pathlib import Path

import pytest

from launcher.preparation import node_environment
from launcher.settings import Settings
from schema.__main__ import HERE, SchemaError, compose_command, print_into, write_all

FILES = ("users.graphql", "payments.graphql", "supergraph.graphql", "api.graphql")
BROKEN_USERS = 'type Query { me: User } type User @key(fields: "nothing") { id: ID! }'


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return node_environment(Settings.from_environment(os.environ))


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("schema")
    write_all(folder, environment)
    return folder


@pytest.mark.parametrize("file", FILES)
def test_the_committed_file_is_what_the_code_prints(printed: Path, file: str) -> None:
    assert (HERE / file).read_text() == (printed / file).read_text(), (
        "run `make schema` and review the difference"
    )


def test_schemas_that_do_not_fit_together_are_refused_with_a_reason(
    printed: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "payments.graphql").write_text((printed / "payments.graphql").read_text())
    (tmp_path / "users.graphql").write_text(BROKEN_USERS)

    with pytest.raises(SchemaError, match=r"(?s)supergraph.graphql could not be made.*nothing"):
        compose_into(tmp_path, environment)


def test_the_files_stay_as_they_were_when_composition_fails(
    printed: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "payments.graphql").write_text((printed / "payments.graphql").read_text())
    (tmp_path / "users.graphql").write_text(BROKEN_USERS)
    (tmp_path / "supergraph.graphql").write_text("as it was")

    with pytest.raises(SchemaError):
        compose_into(tmp_path, environment)

    assert (tmp_path / "supergraph.graphql").read_text() == "as it was"


def compose_into(folder: Path, environment: dict[str, str]) -> None:
    print_into(folder / "supergraph.graphql", compose_command(), environment | {"SCHEMA_DIR": str(folder)})
