"""Who is compared, and how each is started: one process, with what it does by default in production."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher.preparation import install_node_modules, node_environment
from launcher.settings import HOST, ROOT, Settings

Command = Callable[[Path, int], Sequence[str]]
"""(supergraph file, port) -> what starts a gateway"""


@dataclass(frozen=True)
class Gateway:
    name: str
    title: str
    command: Command
    packages: Path | None = None
    """The folder with its package.json, which is also where it runs; None for ours."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """Workload -> what our CPU time is to be of this gateway's, at most."""

    @property
    def folder(self) -> Path:
        return self.packages or ROOT

    def install(self, settings: Settings) -> None:
        """Do nothing if what its lock file names is there already."""
        if self.packages:
            install_node_modules(settings, str(self.packages.relative_to(ROOT)))

    def environment(self, settings: Settings) -> Mapping[str, str]:
        """Only what a process needs, so that everybody runs with their defaults."""
        whole = node_environment(settings) if self.packages else settings.environment
        needed = {"PATH", "HOME", "TMPDIR", "LANG"}
        return {name: value for name, value in whole.items() if name in needed} | {"NODE_ENV": "production"}


def _ours(supergraph: Path, port: int) -> Sequence[str]:
    return [sys.executable, "-m", "gateway", "--supergraph", str(supergraph), "--port", str(port)]


def _hive(*options: str) -> Command:
    def command(supergraph: Path, port: int) -> Sequence[str]:
        program = "node_modules/@graphql-hive/gateway/dist/bin.js"
        return ["node", program, "supergraph", str(supergraph), "--host", HOST, "--port", str(port), *options]

    return command


def _server(supergraph: Path, port: int) -> Sequence[str]:
    return ["node", "server.mjs", str(supergraph), str(port)]


COMPETITORS = ROOT / "bench" / "competitors"

OURS = Gateway("gateway", "our gateway", _ours)
HIVE = Gateway(
    "hive",
    "Hive Gateway",
    _hive(),
    COMPETITORS / "hive",
    goals={"A": 0.1, "B1": 0.1, "B2": 0.1, "B3": 0.25},
)
HIVE_RUST = Gateway(
    "hive-rust",
    "Hive Gateway, Rust runtime",
    _hive("--hive-router-runtime"),
    COMPETITORS / "hive",
    goals={"A": 0.4, "B1": 0.2, "B2": 0.2, "B3": 0.2},
)
APOLLO = Gateway("apollo", "Apollo Gateway", _server, COMPETITORS / "apollo")
MERCURIUS = Gateway(
    "mercurius",
    "Mercurius gateway",
    _server,
    COMPETITORS / "mercurius",
    goals={"A": 1, "B1": 1, "B2": 1, "B3": 1},
)

GATEWAYS = {each.name: each for each in (OURS, HIVE, HIVE_RUST, APOLLO, MERCURIUS)}
