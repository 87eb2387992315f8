"""`python -m bench.compose [FOLDER]`: write federations/NAME.graphql with the composer that schema/ pins."""

import subprocess
import sys
from pathlib import Path

from bench.federation import FEDERATIONS, STUB
from launcher.preparation import node_environment
from launcher.settings import ROOT, Settings

COMPOSER = ROOT / "schema" / "compose.mjs"
"""Its packages are there after `make prepare`."""


def compose_into(folder: Path) -> None:
    for subgraphs in sorted(each for each in FEDERATIONS.iterdir() if each.is_dir()):
        (folder / f"{subgraphs.name}.graphql").write_text(_composed(subgraphs))


def _composed(folder: Path) -> str:
    names = sorted(file.stem for file in folder.glob("*.graphql"))
    command = ["node", str(COMPOSER), *(f"{name}={STUB}/{folder.name}/{name}" for name in names)]
    environment = node_environment(Settings.from_environment()) | {"SCHEMA_DIR": str(folder)}
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - our own command


if __name__ == "__main__":
    compose_into(Path(sys.argv[1]) if len(sys.argv) > 1 else FEDERATIONS)
