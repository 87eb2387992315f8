"""What people and developers read where OAuth 2 is refused: our own words, and nothing of what was sent."""

from collections.abc import Callable
from html import unescape

import pytest
from werkzeug.test import TestResponse

from tests.user_subgraph.service import Service
from tests.user_subgraph.third_party import ADA, CALLBACK, Program, app_of, machine_of, sent_back

UNKNOWN = "cli_00000000000000000000000000"
NO_CLIENT = "The client is unknown, or has not proved who it is in the way that was agreed."
NO_PKCE = "PKCE is missing: send the code_challenge_method S256, and a code_challenge of 43 characters."
NO_VERIFIER = "The code_verifier is missing, or has not 43 to 128 characters as RFC 7636 has them."
NO_GRANT = "The code or refresh token is not good (any more), it is another client's, or the code_verifier does not fit."
ELSEWHERE = "The app wants to have you sent to an address (redirect_uri) that is none of those agreed with it, letter by letter."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"redirect_uri": "https://evil.example/callback"}, ELSEWHERE),
        ({"redirect_uri": f"{CALLBACK}/more"}, ELSEWHERE),
        ({"client_id": UNKNOWN}, NO_CLIENT),
        ({"client_id": None}, NO_CLIENT),
        ({"state": "x" * 2001}, "A parameter is too long, or has characters that do not belong there."),
    ],
    ids=str,
)
def test_the_page_says_what_is_wrong_and_not_where_it_would_have_led(
    app: Program, changes: dict[str, str | None], said: str
) -> None:
    page = app.page(**changes)

    assert page.status_code == 400
    assert f'<p class="message">{said}</p>' in unescape(page.text)
    assert "evil.example" not in page.text


def test_an_app_of_several_addresses_has_to_name_one(service: Service) -> None:
    app = app_of(service, redirect_uris=(CALLBACK, f"{CALLBACK}/other"))

    page = unescape(app.page(redirect_uri=None).text)

    assert "The app does not say where to send you back to: the parameter 'redirect_uri' is missing." in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scope": "everything"}, "The client may not have all of these scopes."),
        ({"code_challenge": None}, NO_PKCE),
        ({"code_challenge": "c" * 44}, NO_PKCE),
        ({"code_challenge": "." * 43}, NO_PKCE),
        ({"code_challenge_method": "plain"}, NO_PKCE),
        ({"code_challenge_method": None}, NO_PKCE),
        ({"response_type": "token"}, "There is only the response type code."),
    ],
    ids=str,
)
def test_the_app_is_told_what_is_wrong(app: Program, changes: dict[str, str | None], said: str) -> None:
    assert sent_back(app.page(**changes))["error_description"] == said


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda app: app.redeem(""), "The parameter 'code' is missing."),
        (lambda app: app.redeem("unknown"), NO_GRANT),
        (lambda app: app.redeem(app.code(ADA), redirect_uri=f"{CALLBACK}/other"), NO_GRANT),
        (lambda app: app.redeem(app.code(ADA), code_verifier="w" * 43), NO_GRANT),
        (lambda app: app.redeem(app.code(ADA), code_verifier=""), NO_VERIFIER),
        (lambda app: app.redeem(app.code(ADA), code_verifier="short"), NO_VERIFIER),
        (lambda app: app.refresh(""), "The parameter 'refresh_token' is missing."),
        (lambda app: app.refresh("unknown"), NO_GRANT),
        (
            lambda app: app.token(grant_type="client_credentials"),
            "The client may not ask for tokens in this way.",
        ),
        (
            lambda app: app.token(grant_type="password"),
            "There are authorization_code, refresh_token and client_credentials.",
        ),
        (lambda app: app.post("/oauth/revoke"), "The parameter 'token' is missing."),
        (lambda app: app.post("/oauth/introspect"), "The parameter 'token' is missing."),
        (lambda app: Program(app.service, UNKNOWN, "secret").redeem("unknown"), NO_CLIENT),
        (lambda app: Program(app.service, app.id, "wrong").post("/oauth/revoke", token="unknown"), NO_CLIENT),
    ],
)
def test_a_program_is_told_what_is_wrong(
    app: Program, ask: Callable[[Program], TestResponse], said: str
) -> None:
    assert ask(app).get_json()["error_description"] == said


def test_a_machine_may_not_ask_anybody(service: Service) -> None:
    page = unescape(machine_of(service).page().text)

    assert ELSEWHERE in page
