"""Whoever asks: each with a token of the running system, or with one that was never meant for asking."""

import base64
import json
import re
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import httpx

from launcher.settings import ROOT
from tests.contract.rights import RULES, SCOPES, allows, allows_others, scopes_of
from tests.e2e.client import LOGIN, PASSWORD, Client
from tests.e2e.oauth_programs import add_client, silent_app
from tests.e2e.rights_estate import Estate
from tests.e2e.running_system import RunningSystem, clean_environment

LOGINS = {
    "another customer": ("customer", "grace@example.com"),
    "support": ("support", "support@example.com"),
    "finance": ("finance", "finance@example.com"),
    "admin": ("admin", "admin@example.com"),
}


@dataclass(frozen=True)
class Caller:
    """`scopes` is None for who must be treated as nobody."""

    name: str
    token: str | None
    scopes: set[str] | None
    is_owner: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def may_ask(self, field: str) -> bool:
        return allows(RULES[field], self.scopes)

    def may_touch_the_estate(self, field: str) -> bool:
        """Whether *field* lets the caller at what belongs to the owner of the estate."""
        if self.is_owner:
            return self.may_ask(field)
        return allows_others(field, self.scopes)


def all_callers(system: RunningSystem, estate: Estate) -> list[Caller]:
    client = Client(f"{system.gateway_url}/graphql")
    owners = str(estate.owner.token)
    [of_expired] = signed(system, expired(owners))
    staff = [
        Caller(name, _login(client, email)["accessToken"], scopes_of(role))
        for name, (role, email) in LOGINS.items()
    ]
    return [
        Caller("anonymous", None, None),
        Caller("owner", owners, scopes_of("customer"), is_owner=True),
        *staff,
        Caller("expired", of_expired, None),
        Caller("refresh token as access token", estate.refresh_token, None),
        Caller("machine", token_of_machine(system), scopes_of("machine")),
        Caller("app without profile:read", token_of_app(system, estate), scopes_of("app"), is_owner=True),
    ]


def expired(token: str) -> dict[str, Any]:
    """The claims of the same token, but for its time."""
    now = int(time.time())
    return claims_of(token) | {"iat": now - 700, "exp": now - 100}


def token_of_machine(system: RunningSystem) -> str:
    """That of a machine which an operator has just let in."""
    scopes = [part for scope in SCOPES["machine"] for part in ("--scope", scope)]
    added = add_client(system, "add-machine", "--name", "matrix", *scopes)
    answer = httpx.post(
        f"{system.users_url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(added["client_id"], added["client_secret"]),
        trust_env=False,
        timeout=60,
    )
    token: str = answer.json()["access_token"]
    return token


def token_of_app(system: RunningSystem, estate: Estate) -> str:
    """That of an app which the owner has just let in, with the password and a recovery code."""
    app = silent_app(system, *SCOPES["app"])
    address = app.address(" ".join(SCOPES["app"]))
    password = {name: estate.ids[name] for name in ("email", "password")}
    asked = httpx.post(address, data={**password, "decision": "allow"}, trust_env=False, timeout=60).text
    [challenge] = re.findall(r'name="challenge" value="([^"]+)"', asked)
    proof = {"challenge": challenge, "code": estate.recovery_code, "decision": "allow"}
    back = httpx.URL(httpx.post(address, data=proof, trust_env=False, timeout=60).headers["location"])
    token: str = app.redeem(back.params["code"])["access_token"]
    return token


def signed(system: RunningSystem, *claims: dict[str, Any]) -> list[str]:
    """Tokens that are refused for nothing but what they say: the system's own key signs them."""
    python = ROOT / "user_subgraph/.venv/bin/python"
    command = [str(python), "-m", "tests.e2e.signed_tokens", *map(json.dumps, claims)]
    given = clean_environment() | {"DATA_DIR": str(system.data_dir)}
    done = subprocess.run(command, cwd=ROOT, env=given, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
    return claims


def _login(client: Client, email: str) -> dict[str, Any]:
    tokens: dict[str, Any] = client.get(LOGIN, input={"email": email, "password": PASSWORD})["login"][
        "tokens"
    ]
    return tokens
