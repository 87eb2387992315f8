"""Programs that an operator lets in by OAuth 2, as they run: an app that listens for the browser's return, and a machine."""

import base64
import hashlib
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from launcher.settings import HOST, ROOT
from tests.e2e.running_system import RunningSystem, environment_of


def add_client(system: RunningSystem, *arguments: str) -> dict[str, str]:
    """Run `clients …`; gives what it prints: `client_id`, and `client_secret` if there is one."""
    uv = ROOT / ".tools" / "bin" / "uv"
    command = [str(uv), "run", "--frozen", "--quiet", "--project", "user_subgraph"]
    done = subprocess.run(
        [*command, "python", "-m", "user_subgraph", "clients", *arguments],
        cwd=ROOT,
        env=os.environ | environment_of(system.ports, system.data_dir),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@dataclass(frozen=True)
class App:
    """One on somebody's own machine, without a secret. `returned`: what the browser brought, oldest first."""

    users_url: str
    client_id: str
    redirect_uri: str
    verifier: str
    returned: "Queue[dict[str, str]]"

    def address(self, scope: str) -> str:
        """Where it sends the browser."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": "a-state",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.users_url}/oauth/authorize?{urlencode(asked)}"

    def redeem(self, code: str) -> dict[str, Any]:
        return self.ask(
            "token",
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
        )

    def ask(self, endpoint: str, **form: str) -> dict[str, Any]:
        url = f"{self.users_url}/oauth/{endpoint}"
        answer = httpx.post(url, data={"client_id": self.client_id, **form}, trust_env=False, timeout=60)
        found: dict[str, Any] = answer.json()
        return found


def silent_app(system: RunningSystem, *scopes: str) -> App:
    """One that listens nowhere: whoever lets it in looks at where they are sent back to."""
    return replace(_added(system, *scopes), redirect_uri=f"http://{HOST}:1/callback")


def _added(system: RunningSystem, *scopes: str) -> App:
    asked = [part for scope in scopes for part in ("--scope", scope)]
    where = f"http://{HOST}/callback"  # any port is right (RFC 8252)
    added = add_client(system, "add-app", "--name", "Budget", "--redirect-uri", where, "--public", *asked)
    return App(system.users_url, added["client_id"], where, secrets.token_urlsafe(32), Queue())


@contextmanager
def running_app(system: RunningSystem, *scopes: str) -> Iterator[App]:
    app = _added(system, *scopes)

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Back in the app.")
            if self.path.startswith("/callback?"):
                app.returned.put({name: value for name, (value,) in query.items()})

        def log_message(self, *_: object) -> None:
            """Codes stand in the address."""

    with HTTPServer((HOST, 0), Callback) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        redirect_uri = f"http://{HOST}:{server.server_port}/callback"
        try:
            yield replace(app, redirect_uri=redirect_uri)
        finally:
            server.shutdown()
            thread.join()
