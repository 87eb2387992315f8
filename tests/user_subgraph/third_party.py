"""An app and a machine of somebody else, as they speak to the service by OAuth 2."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from werkzeug.test import TestResponse

from tests.user_subgraph.service import PASSWORD, Service
from user_subgraph.oauth_client import OAuthClient, new_client_id
from user_subgraph.oauth_clients import OAuthClients
from user_subgraph.random_secret import secret_hash

CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
READ = "profile:read payments:read"
ADA = "ada@example.com"
ISSUER = "http://127.0.0.1:8001"


@dataclass(frozen=True)
class Program:
    """`secret` is `None` for an app that has none."""

    service: Service
    id: str
    secret: str | None

    def asking(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; those that are `None` are left out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": CALLBACK,
            "scope": READ,
            "state": "xyz",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def page(self, **changes: str | None) -> TestResponse:
        return self.service.http.get(f"/oauth/authorize?{urlencode(self.asking(**changes))}")

    def decide(self, form: Mapping[str, str], **changes: str | None) -> TestResponse:
        return self.service.http.post(f"/oauth/authorize?{urlencode(self.asking(**changes))}", data=form)

    def let_in(self, email: str, password: str = PASSWORD, **changes: str | None) -> TestResponse:
        return self.decide({"email": email, "password": password, "decision": "allow"}, **changes)

    def code(self, email: str, **changes: str | None) -> str:
        return sent_back(self.let_in(email, **changes))["code"]

    def token(self, **form: str) -> TestResponse:
        return self.post("/oauth/token", **form)

    def redeem(self, code_: str, **changes: str) -> TestResponse:
        given = {"code": code_, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changes}
        return self.token(grant_type="authorization_code", **given)

    def refresh(self, refresh_token: str, **more: str) -> TestResponse:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **more)

    def tokens(self, email: str, **changes: str | None) -> dict[str, Any]:
        response = self.redeem(self.code(email, **changes))
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.get_json()
        return found

    def post(self, path: str, **form: str) -> TestResponse:
        if self.secret is None:
            return self.service.http.post(path, data={"client_id": self.id, **form})
        return self.service.http.post(path, data=form, headers=basic(self.id, self.secret))

    def introspect(self, token: str) -> dict[str, Any]:
        response = self.post("/oauth/introspect", token=token)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.get_json()
        return found


def basic(client_id: str, secret: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{quote(client_id)}:{quote(secret)}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def app_of(
    service: Service,
    *,
    secret: str | None = "a-secret-of-the-app",  # noqa: S107 - of a test
    scopes: str = f"{READ} payments:write",
    redirect_uris: tuple[str, ...] = (CALLBACK,),
    name: str = "Budget",
) -> Program:
    hashed = None if secret is None else secret_hash(secret)
    scope_set = frozenset(scopes.split())
    client = OAuthClient(new_client_id(), name, hashed, redirect_uris, scope_set, service.clock())
    with service.parts.database.writing() as session:
        OAuthClients(session).add(client)
    return Program(service, client.id, secret)


def machine_of(service: Service, scopes: str = "users:read reports:read") -> Program:
    return app_of(service, secret="a-secret-of-the-machine", scopes=scopes, redirect_uris=(), name="Nightly")


def sent_back(response: TestResponse) -> dict[str, str]:
    """The parameters that an app gets with the browser."""
    assert response.status_code == 303, response.text
    assert response.headers["Location"].startswith(CALLBACK), response.headers["Location"]
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    return {name: value for name, (value,) in query.items()}


def challenge_in(page: TestResponse) -> str:
    found = re.search(r'name="challenge" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def refused_as(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["error"]
