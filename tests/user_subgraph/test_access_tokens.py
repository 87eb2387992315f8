"""Access tokens: what they say, how they are verified with the published keys, and what is refused."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from tests.user_subgraph.service import Service, settings_for
from user_subgraph.errors import StartRefused
from user_subgraph.signing_keys import create_key, key_files, load_keys
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


# ---------- rotation ----------


def test_the_newest_key_signs_and_all_are_published(tmp_path: Path, database_url: str) -> None:
    create_key(tmp_path)
    before = Service(settings_for(database_url, tmp_path))
    before.add_user("ada@example.com")
    old = before.log_in("ada@example.com").access
    before.close()
    create_key(tmp_path)

    service = Service(settings_for(database_url, tmp_path))
    new = service.log_in("ada@example.com").access

    kids = [key.kid for key in published_keys(service).keys]
    used = [json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"] for token in (old, new)]
    assert used == kids
    assert service.data("{ me { email } }", old) == service.data("{ me { email } }", new)
    service.close()


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = create_key(tmp_path / "keys")

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("case", ["none", "open to all", "no key", "public", "other curve"])
def test_a_service_without_a_good_key_does_not_start(tmp_path: Path, case: str) -> None:
    path = create_key(tmp_path)
    match case:
        case "none":
            path.unlink()
        case "open to all":
            path.chmod(0o644)
        case "no key":
            path.write_text("hello")
        case "public":
            path.write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
        case "other curve":
            path.write_bytes(ECKey.generate_key("P-384").as_pem(private=True))

    with pytest.raises(StartRefused, match=r"^SIGNING_KEYS_DIR: "):
        load_keys(tmp_path)


# ---------- what is refused ----------

Change = Callable[[dict[str, Any]], dict[str, Any]]


def without(name: str) -> Change:
    return lambda claims: {other: value for other, value in claims.items() if other != name}


def signed(service: Service, change: Change, **header: str) -> str:
    """A token of Ada's, changed, and signed with the real key: who could do this could do anything."""
    claims = jwt.decode(
        service.log_in("ada@example.com").access, published_keys(service), algorithms=["ES256"]
    ).claims
    (path,) = key_files(service.settings.signing_keys_dir)
    key = ECKey.import_key(path.read_bytes())
    full = {"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint(), **header}
    return jwt.encode(full, change(claims), key, algorithms=["ES256"])


def test_a_token_signed_here_unchanged_is_accepted(service: Service) -> None:
    service.add_user("ada@example.com")

    assert service.data("{ me { email } }", signed(service, dict)) == {"email": "ada@example.com"}


@pytest.mark.parametrize(
    "change",
    [
        lambda claims: claims | {"iss": "http://127.0.0.1:9999"},
        lambda claims: claims | {"aud": "another-system"},
        lambda claims: claims | {"exp": claims["iat"] - 31},
        lambda claims: claims | {"exp": "soon"},
        lambda claims: claims | {"sub": 7},
        lambda claims: claims | {"scope": ["payments:read"]},
        lambda claims: claims | {"iat": claims["iat"] + 31},
        *(without(name) for name in ("iss", "aud", "exp", "sub", "sid", "scope")),
    ],
)
def test_wrong_claims_are_refused(service: Service, change: Change) -> None:
    service.add_user("ada@example.com")

    assert service.refusal("{ me { email } }", signed(service, change))["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"kid": "unknown"}])
def test_wrong_headers_are_refused(service: Service, header: dict[str, str]) -> None:
    service.add_user("ada@example.com")

    assert service.refusal("{ me { email } }", signed(service, dict, **header))["code"] == "UNAUTHENTICATED"


def test_forged_signatures_are_refused(service: Service) -> None:
    service.add_user("ada@example.com")
    token = service.log_in("ada@example.com").access
    header, payload, signature = token.split(".")
    claims = jwt.decode(token, published_keys(service), algorithms=["ES256"]).claims
    (public,) = published_keys(service).keys
    own = ECKey.generate_key("P-256")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    with_public_key = jwt.encode(
        {"alg": "HS256", "typ": "at+jwt", "kid": public.kid},
        claims,
        OctKey.import_key(json.dumps(public.as_dict(private=False))),
        algorithms=["HS256"],
    )
    other_key = jwt.encode(
        {"alg": "ES256", "typ": "at+jwt", "kid": public.kid}, claims, own, algorithms=["ES256"]
    )
    other_payload = base64.urlsafe_b64encode(json.dumps({**claims, "scope": "users:write"}).encode()).decode()

    malformed_crit = json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": public.kid, "crit": 5}).encode()

    forged = [
        f"{base64.urlsafe_b64encode(malformed_crit).decode().rstrip('=')}.{payload}.{signature}",
        f"{unsigned}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        with_public_key,
        other_key,
        f"{header}.{other_payload.rstrip('=')}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        "x" * 10_000,
        "a.b.c",
        "..",
    ]
    for text in forged:
        assert service.refusal("{ me { email } }", text)["code"] == "UNAUTHENTICATED", text


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token x", "Bearer a b"])
def test_a_header_that_proves_nothing_is_refused_and_not_anonymous(service: Service, header: str) -> None:
    answer = service.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"Authorization": header}
    )

    assert answer.get_json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in answer.get_json()


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
