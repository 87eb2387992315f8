"""The three processes of a system that a client can reach, and what a client of each usually asks."""

from collections.abc import Iterator
from typing import Any

from launcher.settings import ROOT
from tests.e2e.client import Client
from tests.e2e.running_system import RunningSystem
from tests.hostile.bombardment import Target
from tests.hostile.neighbour import Question
from tests.hostile.served_process import ServedProcess

# To the payments, what the gateway asks them.
QUESTIONS = {
    "users": "{ me { id email roles } }",
    "payments": """query ($users: [_Any!]!) { _entities(representations: $users) { ... on User {
      payments(first: 5) { nodes { id status amount { amount currency } } } } } }""",
    "gateway": "{ me { email payments(first: 3) { nodes { id status } } } }",
}
_SCHEMAS = {"users": "users", "payments": "payments", "gateway": "api"}
_SERVICES = {"users": "user_subgraph", "payments": "payment_subgraph", "gateway": "gateway"}


def sdl_of(target: str) -> str:
    return (ROOT / "schema" / f"{_SCHEMAS[target]}.graphql").read_text()


def targets_of(system: RunningSystem) -> Iterator[Target]:
    """With tokens of demo accounts, two different ones: an attacker may log out."""
    urls = {"users": system.users_url, "payments": system.payments_url, "gateway": system.gateway_url}
    anonymous = Client(f"{system.gateway_url}/graphql")
    for name, url in urls.items():
        # A token lasts ten minutes: anew for each target.
        neighbour, attacker = (anonymous.logged_in(f"{who}@example.com") for who in ("ada", "grace"))
        question = Question(QUESTIONS[name], _variables(name, neighbour), (None, neighbour.token))
        process = ServedProcess(system.pids()[_SERVICES[name]])
        yield Target(name, f"{url}/graphql", question, process, attacker.token)


def _variables(target: str, neighbour: Client) -> dict[str, Any]:
    if target != "payments":
        return {}
    return {"users": [{"__typename": "User", "id": neighbour.get("{ me { id } }")["me"]["id"]}]}
