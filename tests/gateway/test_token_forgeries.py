"""The gateway judges tests/contract/token_cases.json as everybody does."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.clients.access_token import AccessTokens
from gateway.clients.issuer_keys import IssuerKeys
from gateway.clients.token_claims import LONGEST_TOKEN, InvalidAccessToken, UnverifiedToken
from gateway.supergraph.authorization import Caller
from tests.contract.access_tokens import ACCEPTED, REFUSED
from tests.contract.refusals import assert_refused
from tests.gateway.test_authorization_http import GRAPHQL, ISSUER, QUERY, SETTINGS, Server

MESSAGES = {
    "The access token is not valid or has expired.",
    "The Authorization header must be a Bearer token.",
}

TOKENS = [ISSUER.authorization(case).removeprefix("Bearer ") for case in REFUSED.values()]
TOO_LONG = [token for token in TOKENS if len(token) > LONGEST_TOKEN]


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


async def ask(server: Server, authorization: str) -> tuple[int, Any]:
    headers = [
        (b"accept", GRAPHQL.encode()),
        (b"content-type", b"application/json"),
        (b"authorization", authorization.encode("latin-1")),
    ]
    transport = httpx.ASGITransport(server.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        response = await client.post("/graphql", json={"query": QUERY}, headers=headers)
    return response.status_code, response.json()


@pytest.mark.parametrize("name", REFUSED)
def test_a_forged_token_is_refused(server: Server, caplog: pytest.LogCaptureFixture, name: str) -> None:
    authorization = ISSUER.authorization(REFUSED[name])
    caplog.set_level("DEBUG", "gateway")

    status, answer = asyncio.run(ask(server, authorization))

    assert status == 401
    assert_refused(answer, messages=MESSAGES, authorization=authorization, log=caplog.text)
    assert server.federation.request_count() == 0


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_token_is_believed(server: Server, name: str) -> None:
    authorization = ISSUER.authorization(ACCEPTED[name])
    assert SETTINGS.tokens
    checks = AccessTokens(SETTINGS.tokens, IssuerKeys(SETTINGS.tokens.jwks_url, server.network))

    caller = asyncio.run(checks.identify((authorization.encode("latin-1"),)))

    assert caller == Caller(is_authenticated=True, scopes=frozenset(ACCEPTED[name]["scopes"]))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is taken out of its base64."""
    texts: list[str] = []
    decode = base64.urlsafe_b64decode

    def noted(text: str) -> bytes:
        texts.append(text)
        return decode(text)

    monkeypatch.setattr(base64, "urlsafe_b64decode", noted)
    return texts


def test_a_token_that_is_too_long_is_not_even_decoded(decoded: list[str]) -> None:
    assert TOO_LONG

    for token in TOO_LONG:
        with pytest.raises(InvalidAccessToken):
            UnverifiedToken.read(token)

    assert decoded == []
    UnverifiedToken.read(ISSUER.token())
    assert decoded


def test_all_who_check_tokens_have_the_same_words_for_it() -> None:
    root = Path(__file__).parents[2]
    files = [
        root / folder / "token_claims.py"
        for folder in ("gateway/clients", "user_subgraph", "payment_subgraph")
    ]

    assert len({file.read_bytes() for file in files}) == 1
