"""The Node.js that tests run their programs with."""

import shutil

from launcher.preparation import node_environment
from launcher.settings import Settings


def find_node() -> str:
    """The one that the launcher would use, which gets it from PyPI where the machine has none."""
    environment = node_environment(Settings.from_environment())
    return str(shutil.which("node", path=environment["PATH"]))
