"""Access tokens: what they say, how they are verified with the published keys, and when they end."""

import base64
import json
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.user_subgraph.service import Service
from user_subgraph.user import Role


@pytest.fixture
def backend() -> str:
    """The database plays no part here."""
    return "sqlite"


def published_keys(service: Service) -> KeySet:
    return KeySet.import_key_set(service.http.get("/.well-known/jwks.json").get_json())


def test_a_verifier_needs_only_the_published_keys(service: Service) -> None:
    user = service.add_user("ada@example.com", Role.SUPPORT, Role.CUSTOMER)
    token = jwt.decode(
        service.log_in("ada@example.com").access, published_keys(service), algorithms=["ES256"]
    )

    now = int(service.clock.now.timestamp())
    claims = dict(token.claims)
    assert claims.pop("sid").startswith("ses_")
    assert claims.pop("jti").startswith("tok_")
    assert set(claims.pop("scope").split()) == user.scopes
    assert claims == {
        "iss": "http://127.0.0.1:8001",
        "aud": "modular-payment-system",
        "sub": user.id,
        "roles": ["CUSTOMER", "SUPPORT"],
        "amr": ["pwd"],
        "auth_time": now,
        "iat": now,
        "exp": now + 600,
    }


def test_the_header_names_type_algorithm_and_the_thumbprint_of_the_key(service: Service) -> None:
    service.add_user("ada@example.com")
    header = json.loads(
        base64.urlsafe_b64decode(service.log_in("ada@example.com").access.split(".")[0] + "==")
    )

    (key,) = published_keys(service).keys
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": key.thumbprint()}


def test_only_public_parts_are_published(service: Service) -> None:
    answer = service.http.get("/.well-known/jwks.json")

    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert [sorted(key) for key in answer.get_json()["keys"]] == [
        ["alg", "crv", "kid", "kty", "use", "x", "y"]
    ]


def test_a_refreshed_token_keeps_the_time_of_the_login(service: Service) -> None:
    service.add_user("ada@example.com")
    logged_in_at = int(service.clock.now.timestamp())
    tokens = service.log_in("ada@example.com")
    service.clock.move(100)

    access = service.refresh(tokens.refresh)["tokens"]["accessToken"]

    claims = jwt.decode(access, published_keys(service), algorithms=["ES256"]).claims
    assert (claims["auth_time"], claims["iat"]) == (logged_in_at, logged_in_at + 100)


def test_an_expired_token_is_refused_but_for_the_mutations_that_help(service: Service) -> None:
    service.add_user("ada@example.com")
    tokens = service.log_in("ada@example.com")
    service.clock.move(600 + 29)
    assert service.data("{ me { email } }", tokens.access)
    service.clock.move(2)

    assert service.refusal("{ me { email } }", tokens.access)["code"] == "UNAUTHENTICATED"
    assert service.refusal("{ __typename }", tokens.access)["code"] == "UNAUTHENTICATED"
    both = """mutation ($t: String!) { refreshToken(input: {refreshToken: $t}) { __typename }
      logout { revokedSessions } }"""
    assert service.refusal(both, tokens.access, t=tokens.refresh)["code"] == "UNAUTHENTICATED"
    hidden = "mutation { ...A } fragment A on Mutation { ... { logout { revokedSessions } } }"
    assert service.refusal(hidden, tokens.access)["code"] == "UNAUTHENTICATED"
    assert service.refresh(tokens.refresh)["__typename"] == "LoginSuccess"


def test_another_issuers_setting_makes_another_issuer(service: Service) -> None:
    service.add_user("ada@example.com")
    token = service.log_in("ada@example.com").access
    other = Service(replace(service.settings, token_issuer="https://users.example.com"), service.clock)

    assert other.refusal("{ me { email } }", token)["code"] == "UNAUTHENTICATED"
    other.close()
