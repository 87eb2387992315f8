"""What is prepared works on a machine that has little."""

import os
import subprocess
from pathlib import Path

import pytest

from launcher.errors import InvalidSetting
from launcher.preparation import install, node_environment
from launcher.settings import Settings


@pytest.mark.parametrize("node_on_path", [None, "v18.20.4", "v20.18.3", "is not installed"])
def test_a_machine_without_a_fitting_node_gets_one_with_npm(tmp_path: Path, node_on_path: str | None) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("node", "npm") if node_on_path else ():
        (tools / tool).write_text(f"#!/bin/sh\necho {node_on_path}\n")
        (tools / tool).chmod(0o755)
    settings = Settings.from_environment({"PATH": str(tools), "DATA_DIR": str(tmp_path)})

    environment = node_environment(settings)

    assert printed_by("node", environment).startswith("v24.")
    assert printed_by("npm", environment).startswith("11.")


def printed_by(tool: str, environment: dict[str, str]) -> str:
    """What `tool --version` prints."""
    command = ["/usr/bin/env", tool, "--version"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_data_dir_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(InvalidSetting, match=r"DATA_DIR is '.*', but must be a folder"):
        install(Settings.from_environment({"DATA_DIR": str(tmp_path / "data")}))


def test_npm_gets_none_of_our_secrets(tmp_path: Path) -> None:
    settings = Settings.from_environment({"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)})

    assert "STRIPE_WEBHOOK_SECRET" not in node_environment(settings)
