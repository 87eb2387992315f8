"""Writes every schema from the code: `python -m schema [FOLDER]` (default: this folder). What `make schema` does.

users.graphql, payments.graphql   what each subgraph says of itself
supergraph.graphql                both composed; what the gateway loads
api.graphql                       what clients see
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SUBGRAPHS = {
    "users": ("user_subgraph", "http://127.0.0.1:8001/graphql"),
    "payments": ("payment_subgraph", "http://127.0.0.1:8002/graphql"),
}


class SchemaError(Exception):
    """A schema could not be printed or composed; the message holds the reasons as the printing program gave them."""


def write_all(folder: Path, environment: dict[str, str]) -> None:
    """Write the four schema files into *folder*; raises SchemaError, and then leaves the files after it as they were."""
    for name, (project, _) in SUBGRAPHS.items():
        print_into(folder / f"{name}.graphql", [_python(project), "-m", project, "print-schema"], environment)
    supergraph = folder / "supergraph.graphql"
    print_into(supergraph, compose_command(), environment | {"SCHEMA_DIR": str(folder)})
    print_into(
        folder / "api.graphql",
        [_python("gateway"), "-m", "gateway.print_api_schema", str(supergraph)],
        environment,
    )


def compose_command() -> list[str]:
    """The command that composes; it reads the subgraph schemas from the folder in SCHEMA_DIR."""
    urls = [f"{name}={url}" for name, (_, url) in SUBGRAPHS.items()]
    return ["node", str(HERE / "compose.mjs"), *urls]


def _python(project: str) -> str:
    return str(ROOT / project / ".venv" / "bin" / "python")


def print_into(file: Path, command: list[str], environment: dict[str, str]) -> None:
    """Put what *command* prints into *file*; raises SchemaError, the file untouched, when the command fails."""
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    if printed.returncode != 0:
        raise SchemaError(f"{file.name} could not be made:\n{printed.stderr.strip()}")
    file.write_text(printed.stdout)


if __name__ == "__main__":
    from launcher.errors import LaunchError
    from launcher.preparation import install_node_modules, node_environment
    from launcher.settings import Settings

    try:
        settings = Settings.from_environment()
        install_node_modules(settings, "schema")
        write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE, node_environment(settings))
    except (SchemaError, LaunchError) as error:
        sys.exit(str(error))
