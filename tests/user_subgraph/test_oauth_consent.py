"""The page where people let apps in, and the requests that do not get there."""

import base64
import hashlib
import html
import re
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.user_subgraph.passkey_holder import with_passkey
from tests.user_subgraph.service import PASSWORD, Service
from tests.user_subgraph.test_second_factor import claims, code_of, enabled
from tests.user_subgraph.third_party import (
    ADA,
    CALLBACK,
    ISSUER,
    Program,
    app_of,
    challenge_in,
    machine_of,
    sent_back,
)

ME = "{ me { email sessions { appName current userAgent } } }"


def test_who_lets_an_app_in_is_asked_about_by_it(service: Service, any_app: Program) -> None:
    page = any_app.page()
    back = sent_back(any_app.let_in(ADA))
    tokens = any_app.redeem(back.pop("code")).get_json()

    assert page.status_code == 200
    assert "Budget" in page.text
    assert "see your payments" in page.text
    assert "give money back" not in page.text
    assert back == {"state": "xyz", "iss": ISSUER}
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    assert tokens["scope"] == "payments:read profile:read"
    assert claims(tokens["access_token"])["client_id"] == any_app.id
    me = service.data(ME, tokens["access_token"])
    assert me == {
        "email": ADA,
        "sessions": [{"appName": "Budget", "current": True, "userAgent": me["sessions"][0]["userAgent"]}],
    }


def test_the_page_is_kept_by_nobody_and_shown_in_no_frame(app: Program) -> None:
    page = app.page()

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example;" in policy


def test_the_form_may_lead_to_an_address_that_no_policy_can_name(service: Service) -> None:
    app = app_of(service, secret=None, redirect_uris=("http://[::1]/callback",))

    page = app.page(redirect_uri="http://[::1]:51004/callback")

    assert "form-action 'self' http:;" in page.headers["Content-Security-Policy"]
    assert "http://[::1]:51004" in page.text


def test_names_and_addresses_are_text_on_the_page(service: Service, app: Program) -> None:
    rude = app_of(service, name="<script>alert(1)</script>")
    page = rude.decide({"email": '"><b>', "password": "wrong", "decision": "allow"})

    assert "<script>" not in page.text
    assert "<b>" not in page.text


def test_a_wrong_password_is_told_on_the_page_and_counted(service: Service, app: Program) -> None:
    pages = [app.let_in(ADA, "wrong") for _ in range(10)]
    last = app.let_in(ADA)

    assert {page.status_code for page in pages} == {400}
    assert "The e-mail address or the password is wrong." in pages[0].text
    assert 'wrong"' not in pages[0].text
    assert last.status_code == 429
    assert int(last.headers["Retry-After"]) > 0
    assert service.rows("SELECT * FROM authorization_codes") == []


def test_an_unknown_address_is_told_alike(app: Program) -> None:
    known, unknown = app.let_in(ADA, "wrong"), app.let_in("nobody@example.com", "wrong")

    assert known.text.replace(ADA, "") == unknown.text.replace("nobody@example.com", "")


def test_the_second_factor_is_asked_for_on_the_page(service: Service) -> None:
    secret, _codes = enabled(service, ADA)
    app = app_of(service)
    service.clock.move(60)

    asked = app.let_in(ADA)
    wrong = app.decide({"challenge": challenge_in(asked), "code": "000000", "decision": "allow"})
    right = app.decide(
        {"challenge": challenge_in(wrong), "code": code_of(service, secret), "decision": "allow"}
    )
    tokens = app.redeem(sent_back(right)["code"]).get_json()

    assert "authenticator" in asked.text
    assert "The code is wrong" in wrong.text
    assert claims(tokens["access_token"])["amr"] == ["pwd", "otp", "mfa"]


def test_a_passkey_is_asked_for_on_the_page(service: Service) -> None:
    device, app = with_passkey(service, ADA), app_of(service)

    asked = app.let_in(ADA)
    wrong = app.decide(
        {"challenge": challenge_in(asked), "passkey": options_in(asked), "code": "{}", "decision": "allow"}
    )
    answer = device.get(options_in(wrong))
    right = app.decide({"challenge": challenge_in(wrong), "code": answer, "decision": "allow"})
    tokens = app.redeem(sent_back(right)["code"]).get_json()

    assert "This passkey is not known here any more" in wrong.text
    assert claims(tokens["access_token"])["amr"] == ["pwd", "swk", "user", "mfa"]


def test_who_has_a_passkey_may_have_no_authenticator(service: Service) -> None:
    with_passkey(service, ADA)
    enabled(service, "grace@example.com")
    app = app_of(service)

    asked, with_app = app.let_in(ADA), app.let_in("grace@example.com")
    wrong = app.decide(
        {"challenge": challenge_in(asked), "passkey": options_in(asked), "code": "0", "decision": "allow"}
    )

    assert "Code from your authenticator app, if you have one, or a recovery code" in asked.text
    assert "Code from your authenticator app, if you have one, or a recovery code" in wrong.text
    assert "Code from your authenticator app, or a recovery code" in with_app.text


def test_the_only_script_is_the_one_for_passkeys_and_only_where_there_is_one(service: Service) -> None:
    with_passkey(service, ADA)
    enabled(service, "grace@example.com")
    app = app_of(service)

    with_script, without = app.let_in(ADA), app.let_in("grace@example.com")

    (script,) = re.findall(r"<script>(.*?)</script>", with_script.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in with_script.headers["Content-Security-Policy"]
    assert "<script" not in without.text


def options_in(page: TestResponse) -> str:
    found = re.search(r'name="passkey" value="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


def test_a_challenge_that_waited_too_long_begins_anew(service: Service) -> None:
    enabled(service, ADA)
    app = app_of(service)
    asked = app.let_in(ADA)
    service.clock.move(301)

    late = app.decide({"challenge": challenge_in(asked), "code": "000000", "decision": "allow"})

    assert "took too long" in late.text
    assert 'name="password"' in late.text


def test_who_refuses_needs_no_password(service: Service, app: Program) -> None:
    back = sent_back(app.decide({"decision": "deny"}))

    assert back == {
        "error": "access_denied",
        "error_description": "The person has refused.",
        "state": "xyz",
        "iss": ISSUER,
    }
    assert service.rows("SELECT * FROM authorization_codes") == []


@pytest.mark.parametrize("decision", [{}, {"decision": ""}, {"decision": "yes"}], ids=str)
def test_who_says_neither_yes_nor_no_is_asked_again(
    service: Service, app: Program, decision: dict[str, str]
) -> None:
    before = service.everything()

    response = app.decide({"email": ADA, "password": PASSWORD, **decision})

    assert response.status_code == 400
    assert "Press one of the two buttons" in response.text
    assert "Location" not in response.headers
    assert service.everything() == before


def test_another_sites_form_is_not_taken(service: Service, app: Program) -> None:
    address = f"/oauth/authorize?{urlencode(app.asking())}"
    form = {"email": ADA, "password": PASSWORD, "decision": "allow"}

    response = service.http.post(address, data=form, headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 400
    assert service.rows("SELECT * FROM authorization_codes") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "cli_00000000000000000000000000"},
        {"client_id": "\x00"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{CALLBACK}/more"},
        {"redirect_uri": f"{CALLBACK}?more=1"},
        {"redirect_uri": 'https://app.example/"><script>'},
        {"redirect_uri": "http://app.example/callback"},
        {"redirect_uri": "https://app.example@evil.example/callback"},
        {"redirect_uri": "ü"},
        {"state": "x" * 2001},
    ],
    ids=str,
)
def test_a_request_that_cannot_be_answered_to_the_app_is_told_to_the_person(
    app: Program, changes: dict[str, str | None]
) -> None:
    for response in (app.page(**changes), app.let_in(ADA, **changes)):
        assert response.status_code == 400
        assert "This link does not work" in response.text
        assert "Location" not in response.headers
        assert "<script>" not in response.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "profile:read refunds:write"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "c" * 44}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
    ],
    ids=str,
)
def test_any_other_mistake_is_told_to_the_app(
    service: Service, app: Program, changes: dict[str, str | None], error: str
) -> None:
    for response in (app.page(**changes), app.let_in(ADA, **changes)):
        back = sent_back(response)
        assert back["error"] == error
        assert (back["state"], back["iss"]) == ("xyz", ISSUER)
    assert service.rows("SELECT * FROM authorization_codes") == []


def test_a_parameter_that_is_there_twice_is_refused(service: Service, app: Program) -> None:
    twice = f"/oauth/authorize?{urlencode(app.asking())}&scope=payments:read"

    assert service.http.get(twice).status_code == 400


def test_parameters_that_nobody_here_knows_are_not_looked_at(service: Service, app: Program) -> None:
    address = f"/oauth/authorize?{urlencode({**app.asking(), 'login_hint': 'jürgen'})}&resource=a&resource=b"

    assert service.http.get(address).status_code == 200
    assert app.redeem(app.code(ADA), claims='{"a": 1}').status_code == 200


def test_a_machine_asks_nobody(service: Service) -> None:
    machine = machine_of(service)

    assert machine.page().status_code == 400


def test_an_app_on_a_device_may_listen_on_any_port(service: Service) -> None:
    service.add_user(ADA)
    app = app_of(service, secret=None, redirect_uris=("http://127.0.0.1/callback",))
    here = "http://127.0.0.1:51004/callback"

    response = app.let_in(ADA, redirect_uri=here)

    assert response.headers["Location"].startswith(f"{here}?code=")
    assert app.page(redirect_uri="http://127.0.0.1:51004/other").status_code == 400
    assert app.page(redirect_uri="http://localhost:51004/callback").status_code == 400
    assert app.page(redirect_uri="http://127.0.0.1:51004@evil.example/callback").status_code == 400
