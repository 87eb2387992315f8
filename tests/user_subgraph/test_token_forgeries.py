"""The user subgraph judges tests/contract/token_cases.json as everybody does."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from tests.contract.access_tokens import ACCEPTED, REFUSED, Issuer
from tests.contract.refusals import assert_refused
from tests.user_subgraph.service import Service, settings_for
from user_subgraph.auth import viewer_of

MESSAGES = {
    "The access token is not valid, or it has expired.",
    "The Authorization header must be `Bearer` and an access token.",
}


@pytest.fixture(scope="module")
def one_service(
    migrated_sqlite: Path, keys_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """No case changes anything in it."""
    copy = tmp_path_factory.mktemp("forgeries") / "users.sqlite3"
    shutil.copy(migrated_sqlite, copy)
    service = Service(settings_for(f"sqlite+pysqlite:///{copy}", keys_dir))
    yield service
    service.close()


@pytest.fixture(scope="module")
def issuer(one_service: Service) -> Issuer:
    """What the service itself is, with the very key it signs with."""
    settings = one_service.settings
    (path,) = settings.signing_keys_dir.glob("*.pem")
    key = ECKey.import_key(path.read_bytes())
    key.ensure_kid()
    now = one_service.clock.now.timestamp()
    return Issuer(settings.token_issuer, settings.token_audience, key, lambda: now)


def ask(service: Service, authorization: str) -> TestResponse:
    return service.http.post(
        "/graphql",
        json={"query": "{ __typename }"},
        headers={"Accept": "application/graphql-response+json"},
        environ_overrides={"HTTP_AUTHORIZATION": authorization},
    )


@pytest.mark.parametrize("name", REFUSED)
def test_a_forged_token_is_refused(
    one_service: Service, issuer: Issuer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    authorization = issuer.authorization(REFUSED[name])
    caplog.set_level("DEBUG", "user_subgraph")

    answer = ask(one_service, authorization)

    assert answer.status_code == 401
    assert_refused(answer.get_json(), messages=MESSAGES, authorization=authorization, log=caplog.text)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_token_is_believed(one_service: Service, issuer: Issuer, name: str) -> None:
    authorization = issuer.authorization(ACCEPTED[name])

    viewer = viewer_of(authorization, one_service.parts.view.access_tokens, one_service.clock.now)

    assert ask(one_service, authorization).get_json() == {"data": {"__typename": "Query"}}
    assert viewer is not None
    assert viewer.scopes == frozenset(ACCEPTED[name]["scopes"])


@pytest.mark.parametrize("sid", [None, 7, ["ses_1"], "ses_\0", ""])
def test_a_token_without_a_session_is_refused(one_service: Service, issuer: Issuer, sid: object) -> None:
    answer = ask(one_service, f"Bearer {issuer.token(sid=sid)}")

    assert answer.get_json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
