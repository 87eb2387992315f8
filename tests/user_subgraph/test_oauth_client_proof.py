"""How clients of OAuth 2 prove who they are, and in which ways they come by tokens."""

from urllib.parse import urlencode

import pytest

from tests.user_subgraph.service import PASSWORD, Service
from tests.user_subgraph.third_party import (
    ADA,
    CALLBACK,
    Program,
    basic,
    refused_as,
)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ###"},
        {"Authorization": "Basic /////w=="},
        {"Authorization": "Bearer abc"},
        basic("cli_00000000000000000000000000", "secret"),
        basic("\x00", "\x00"),
    ],
    ids=str,
)
def test_a_client_has_to_prove_who_it_is(service: Service, app: Program, headers: dict[str, str]) -> None:
    form = {"grant_type": "client_credentials", "client_id": app.id}

    response = service.http.post("/oauth/token", data=form, headers=headers)

    assert refused_as(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="oauth"'


def test_a_wrong_secret_is_refused_in_header_and_form(service: Service, app: Program) -> None:
    code = app.code(ADA)
    wrong = Program(service, app.id, "wrong")
    redeeming = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": app.id,
        "client_secret": "wrong",
    }

    assert refused_as(wrong.redeem(code)) == (401, "invalid_client")
    assert refused_as(service.http.post("/oauth/token", data=redeeming)) == (401, "invalid_client")
    assert refused_as(Program(service, app.id, None).redeem(code)) == (401, "invalid_client")
    assert app.redeem(code).status_code == 200


def test_a_secret_may_stand_in_the_form(service: Service, app: Program) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": app.code(ADA),
        "redirect_uri": CALLBACK,
        "code_verifier": "v" * 43,
        "client_id": app.id,
        "client_secret": str(app.secret),
    }

    assert service.http.post("/oauth/token", data=form).status_code == 200


def test_nothing_of_a_token_request_may_stand_in_the_address(service: Service, app: Program) -> None:
    query = urlencode({"grant_type": "authorization_code", "code": app.code(ADA), "code_verifier": "v" * 43})

    response = service.http.post(f"/oauth/token?{query}", headers=basic(app.id, str(app.secret)))

    assert refused_as(response) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", ""])
def test_there_are_no_other_ways_to_a_token(app: Program, grant: str) -> None:
    response = app.token(grant_type=grant, username=ADA, password=PASSWORD)

    assert refused_as(response) == (400, "unsupported_grant_type")


def test_an_app_is_no_machine(app: Program) -> None:
    assert refused_as(app.token(grant_type="client_credentials")) == (400, "unauthorized_client")


def test_an_app_in_a_browser_may_read_the_answers(app: Program) -> None:
    answers = [app.redeem("unknown"), app.post("/oauth/revoke", token="unknown")]

    assert {answer.headers["Access-Control-Allow-Origin"] for answer in answers} == {"*"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
