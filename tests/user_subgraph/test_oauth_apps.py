"""Apps act for people who have let them in: consent, code and PKCE, tokens, refreshing, giving back."""

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.user_subgraph.service import PASSWORD, REFRESH, Service
from tests.user_subgraph.test_second_factor import claims, code_of, enabled
from tests.user_subgraph.third_party import (
    CALLBACK,
    READ,
    Program,
    app_of,
    basic,
    challenge_in,
    machine_of,
    refused_as,
    sent_back,
)
from user_subgraph.user import Role

ADA, GRACE = "ada@example.com", "grace@example.com"
ISSUER = "http://127.0.0.1:8001"
ME = "{ me { email sessions { appName current userAgent } } }"
CHANGE = (
    'mutation { changePassword(input: {currentPassword: "correct-horse-demo", newPassword: "another-good-one"}) '
    "{ __typename } }"
)
ACTIONS = "SELECT action FROM audit_events ORDER BY id"


@pytest.fixture
def app(service: Service) -> Program:
    service.add_user(ADA)
    return app_of(service)


@pytest.fixture(params=["with a secret", "public"])
def any_app(service: Service, request: pytest.FixtureRequest) -> Program:
    service.add_user(ADA)
    return app_of(service, secret=None) if request.param == "public" else app_of(service)


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


def test_a_suspended_account_lets_nobody_in(service: Service, app: Program) -> None:
    admin = service.token_of("root@example.com", Role.ADMIN)
    ada = service.rows("SELECT id FROM users WHERE email = 'ada@example.com'")[0]["id"]
    code = app.code(ADA)
    suspend = "mutation ($id: ID!) { updateUser(id: $id, input: {status: SUSPENDED}) { __typename } }"
    assert service.data(suspend, admin, id=ada)["__typename"] == "UserSuccess"

    assert "disabled" in app.let_in(ADA).text
    assert refused_as(app.redeem(code)) == (400, "invalid_grant")


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


def test_the_scopes_are_those_that_the_person_has_too(service: Service) -> None:
    service.add_user(ADA)
    app = app_of(service, scopes="payments:read refunds:write")

    tokens = app.tokens(ADA, scope=None)

    assert tokens["scope"] == "payments:read"


def test_a_code_is_good_once_and_the_second_time_ends_the_session(service: Service, app: Program) -> None:
    code = app.code(ADA)
    tokens = app.redeem(code).get_json()

    again = app.redeem(code)

    assert refused_as(again) == (400, "invalid_grant")
    assert refused_as(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert service.refusal(ME, tokens["access_token"])["code"] == "UNAUTHENTICATED"
    assert "authorization_code.reused" in [row["action"] for row in service.rows(ACTIONS)]
    assert service.rows("SELECT kind, recipient FROM outgoing_mails") == [
        {"kind": "LOGIN_ENDED", "recipient": ADA}
    ]


@pytest.mark.parametrize("verifier", ["w" * 43, ""])
def test_who_has_but_seen_the_used_code_of_an_app_without_secret_ends_nothing(
    service: Service, verifier: str
) -> None:
    service.add_user(ADA)
    app = app_of(service, secret=None)
    code = app.code(ADA)
    tokens = app.redeem(code).get_json()
    before = service.everything()

    stranger = app.redeem(code, code_verifier=verifier)

    assert stranger.status_code == 400
    assert service.everything() == before
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_who_has_the_verifier_too_has_copied_them_and_ends_the_session(
    service: Service, any_app: Program
) -> None:
    code = any_app.code(ADA)
    tokens = any_app.redeem(code).get_json()

    assert refused_as(any_app.redeem(code)) == (400, "invalid_grant")

    assert refused_as(any_app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_an_app_that_has_proved_itself_ends_the_session_of_a_used_code_whatever_the_verifier(
    app: Program,
) -> None:
    code = app.code(ADA)
    tokens = app.redeem(code).get_json()

    assert refused_as(app.redeem(code, code_verifier="w" * 43)) == (400, "invalid_grant")

    assert refused_as(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


def test_a_code_that_is_brought_for_ever_is_recorded_once(service: Service, app: Program) -> None:
    code = app.code(ADA)

    statuses = [app.redeem(code).status_code for _ in range(4)]

    assert statuses == [200, 400, 400, 400]
    assert [row["action"] for row in service.rows(ACTIONS)].count("authorization_code.reused") == 1


def test_a_code_brought_many_times_at_once_opens_one_session(service: Service, app: Program) -> None:
    code = app.code(ADA)

    def redeem(_number: int) -> int:
        own = Program(service.with_own_client(), app.id, app.secret)
        return own.redeem(code).status_code

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(redeem, range(8)))

    assert statuses == [200] + [400] * 7
    assert len(service.rows("SELECT id FROM sessions WHERE client_id IS NOT NULL")) == 1


def test_a_code_lasts_a_minute(service: Service, app: Program) -> None:
    code = app.code(ADA)
    service.clock.move(60)

    assert refused_as(app.redeem(code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"code_verifier": "short"},
        {"redirect_uri": "https://app.example/other"},
        {"redirect_uri": ""},
        {"code": "unknown"},
        {"code": ""},
    ],
    ids=str,
)
def test_a_code_needs_its_verifier_and_its_address(app: Program, changes: dict[str, str]) -> None:
    response = app.redeem(app.code(ADA), **changes)

    assert response.status_code == 400
    assert response.get_json()["error"] in {"invalid_grant", "invalid_request"}
    assert "access_token" not in response.text


def test_a_code_is_good_for_the_app_it_was_given_to(service: Service, app: Program) -> None:
    other = app_of(service)
    code = app.code(ADA)

    assert refused_as(other.redeem(code)) == (400, "invalid_grant")
    assert app.redeem(code).status_code == 200


def test_what_ends_all_sessions_ends_codes_too(service: Service, app: Program) -> None:
    code = app.code(ADA)
    access = service.log_in(ADA).access
    assert service.data("mutation { logout(scope: ALL_SESSIONS) { revokedSessions } }", access)

    assert refused_as(app.redeem(code)) == (400, "invalid_grant")


def test_a_refresh_gives_new_tokens_and_an_old_one_ends_the_session(service: Service, app: Program) -> None:
    first = app.tokens(ADA)
    second = app.refresh(first["refresh_token"]).get_json()
    third = app.refresh(second["refresh_token"]).get_json()
    service.clock.move(10)

    replayed = app.refresh(first["refresh_token"])

    assert claims(third["access_token"])["client_id"] == app.id
    assert refused_as(replayed) == (400, "invalid_grant")
    assert refused_as(app.refresh(third["refresh_token"])) == (400, "invalid_grant")
    assert "refresh_token.reused" in [row["action"] for row in service.rows(ACTIONS)]


def test_a_refresh_may_ask_for_less_but_not_for_more(app: Program) -> None:
    tokens = app.tokens(ADA)

    less = app.refresh(tokens["refresh_token"], scope="payments:read").get_json()
    more = app.refresh(less["refresh_token"], scope="payments:read payments:write")
    all_again = app.refresh(less["refresh_token"]).get_json()

    assert less["scope"] == "payments:read"
    assert refused_as(more) == (400, "invalid_scope")
    assert all_again["scope"] == "payments:read profile:read"


def test_a_refresh_token_is_good_for_who_it_was_given_to(service: Service, app: Program) -> None:
    other, own = app_of(service), service.log_in(ADA)
    tokens = app.tokens(ADA)

    assert refused_as(other.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert refused_as(app.refresh(own.refresh)) == (400, "invalid_grant")
    assert service.data(REFRESH, refresh=tokens["refresh_token"])["__typename"] == "InvalidTokenError"
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert service.refresh(own.refresh)["__typename"] == "LoginSuccess"


def test_an_app_cannot_take_the_account_over(service: Service, app: Program) -> None:
    access = app.tokens(ADA)["access_token"]
    service.log_in(ADA)

    assert service.refusal(CHANGE, access)["code"] == "FORBIDDEN"
    for scope in ("OTHER_SESSIONS", "ALL_SESSIONS"):
        log_out = f"mutation {{ logout(scope: {scope}) {{ revokedSessions }} }}"
        assert service.refusal(log_out, access)["code"] == "FORBIDDEN"
    assert service.data("mutation { logout { revokedSessions } }", access) == {"revokedSessions": 1}


@pytest.mark.parametrize(
    "field", ["email", "firstName", "lastLoginAt", "roles", "mfaEnabled", "sessions { id }"]
)
def test_an_app_that_was_not_let_see_the_profile_knows_the_id_alone(
    service: Service, app: Program, field: str
) -> None:
    tokens = app.tokens(ADA, scope="payments:read")
    access = tokens["access_token"]

    assert service.data("{ me { id } }", access) == {"id": claims(access)["sub"]}
    answer = service.answer(f"{{ me {{ {field} }} }}", access)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert not any((answer["data"]["me"] or {}).values())


def test_a_login_of_an_app_is_never_fresh(service: Service) -> None:
    """Even of an app that had been given the scope."""
    service.add_user(ADA)
    app = app_of(service, scopes="profile:write")
    access = app.tokens(ADA, scope=None)["access_token"]

    enroll = "mutation { enrollTotp { __typename } }"
    assert service.data(enroll, access) == {"__typename": "ReauthenticationRequiredError"}


def test_people_see_their_apps_and_send_them_away(service: Service, app: Program) -> None:
    tokens, own = app.tokens(ADA), service.log_in(ADA).access
    found = service.data("{ me { sessions { id appName } } }", own)["sessions"]
    (of_app,) = [one for one in found if one["appName"] == "Budget"]

    revoke = f'mutation {{ revokeSession(id: "{of_app["id"]}") {{ __typename }} }}'
    assert service.data(revoke, own) == {"__typename": "LogoutSuccess"}

    assert [one["appName"] for one in found].count(None) == 1
    assert refused_as(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_an_app_gives_a_token_back(service: Service, any_app: Program, kind: str) -> None:
    tokens = any_app.tokens(ADA)

    given_back = any_app.post("/oauth/revoke", token=tokens[kind], token_type_hint="no such kind")

    assert given_back.status_code == 200
    assert refused_as(any_app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert service.refusal(ME, tokens["access_token"])["code"] == "UNAUTHENTICATED"
    assert any_app.post("/oauth/revoke", token=tokens[kind]).status_code == 200


def test_an_old_refresh_token_that_is_given_back_ends_the_session_too(app: Program) -> None:
    old = app.tokens(ADA)["refresh_token"]
    middle = app.refresh(old).get_json()["refresh_token"]
    newest = app.refresh(middle).get_json()["refresh_token"]
    app.service.clock.move(10)

    assert app.post("/oauth/revoke", token=old).status_code == 200

    assert refused_as(app.refresh(newest)) == (400, "invalid_grant")


def test_only_ones_own_tokens_can_be_given_back(service: Service, app: Program) -> None:
    other, tokens, own = app_of(service), app.tokens(ADA), service.log_in(ADA)

    for token in (tokens["refresh_token"], tokens["access_token"], own.refresh, own.access):
        assert refused_as(other.post("/oauth/revoke", token=token)) == (400, "invalid_grant")
    assert other.post("/oauth/revoke", token="unknown").status_code == 200
    assert refused_as(other.post("/oauth/revoke")) == (400, "invalid_request")
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_introspection_says_what_a_token_is_worth(service: Service, app: Program) -> None:
    tokens, machine = app.tokens(ADA), machine_of(service)
    ada = claims(tokens["access_token"])["sub"]

    of_access = machine.introspect(tokens["access_token"])
    of_refresh = app.introspect(tokens["refresh_token"])

    assert of_access["active"] is True
    assert (of_access["sub"], of_access["client_id"], of_access["iss"]) == (ada, app.id, ISSUER)
    assert of_access["scope"] == "payments:read profile:read"
    assert of_access["exp"] - of_access["iat"] == 600
    assert of_refresh["active"] is True
    assert of_refresh["scope"] == "payments:read profile:read"
    assert of_refresh["exp"] - of_refresh["iat"] == 30 * 24 * 3600
    app.post("/oauth/revoke", token=tokens["refresh_token"])
    assert machine.introspect(tokens["access_token"]) == {"active": False}
    assert app.introspect(tokens["refresh_token"]) == {"active": False}


def test_a_refresh_token_is_worth_what_a_refresh_would_give(service: Service) -> None:
    service.add_user(ADA)
    idle, wide = (
        app_of(service, scopes="refunds:write"),
        app_of(service, scopes="payments:read refunds:write"),
    )
    nothing, more_than_she_may = idle.tokens(ADA, scope=None), wide.tokens(ADA, scope=None)

    assert idle.introspect(nothing["refresh_token"])["scope"] == ""
    assert wide.introspect(more_than_she_may["refresh_token"])["scope"] == "payments:read"


def test_introspection_tells_an_app_nothing_of_others(service: Service, app: Program) -> None:
    other, tokens, own = app_of(service), app.tokens(ADA), service.log_in(ADA)

    for token in (tokens["access_token"], tokens["refresh_token"], own.access, own.refresh, "unknown"):
        assert other.introspect(token) == {"active": False}
    public = app_of(service, secret=None)
    assert refused_as(public.post("/oauth/introspect", token=tokens["access_token"])) == (
        401,
        "invalid_client",
    )


def test_an_expired_token_is_not_active(service: Service, app: Program) -> None:
    tokens = app.tokens(ADA)
    service.clock.move(631)

    assert app.introspect(tokens["access_token"]) == {"active": False}
    assert app.introspect(tokens["refresh_token"])["active"] is True


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


def test_an_app_on_a_device_may_listen_on_any_port(service: Service) -> None:
    service.add_user(ADA)
    app = app_of(service, secret=None, redirect_uris=("http://127.0.0.1/callback",))
    here = "http://127.0.0.1:51004/callback"

    response = app.let_in(ADA, redirect_uri=here)

    assert response.headers["Location"].startswith(f"{here}?code=")
    assert app.page(redirect_uri="http://127.0.0.1:51004/other").status_code == 400
    assert app.page(redirect_uri="http://localhost:51004/callback").status_code == 400
    assert app.page(redirect_uri="http://127.0.0.1:51004@evil.example/callback").status_code == 400


def test_who_has_one_address_need_not_name_it(app: Program) -> None:
    code = app.code(ADA, redirect_uri=None)
    unnamed = app.token(grant_type="authorization_code", code=code, code_verifier="v" * 43)

    assert unnamed.status_code == 200


def test_an_app_in_a_browser_may_read_the_answers(app: Program) -> None:
    answers = [app.redeem("unknown"), app.post("/oauth/revoke", token="unknown")]

    assert {answer.headers["Access-Control-Allow-Origin"] for answer in answers} == {"*"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_erasing_takes_consents_along(service: Service, app: Program) -> None:
    app.code(ADA)
    app.tokens(ADA)
    admin = service.token_of("root@example.com", Role.ADMIN)
    ada = service.rows("SELECT id FROM users WHERE email = 'ada@example.com'")[0]["id"]
    erase = "mutation ($id: ID!) { deleteUser(id: $id, mode: ERASE) { __typename } }"

    assert service.data(erase, admin, id=ada)["__typename"] == "DeleteUserSuccess"

    assert service.rows("SELECT * FROM authorization_codes") == []
    assert service.rows("SELECT * FROM sessions WHERE client_id IS NOT NULL") == []


def test_neither_codes_nor_secrets_can_be_read_where_they_are_stored(service: Service, app: Program) -> None:
    code = app.code(ADA)
    tokens = app.tokens(ADA)
    stored = json.dumps(service.everything(), default=str)

    for secret in (code, tokens["access_token"], tokens["refresh_token"], str(app.secret), PASSWORD):
        assert secret not in stored


def test_what_was_consented_to_is_recorded(service: Service, app: Program) -> None:
    app.tokens(ADA)

    rows = service.rows(
        "SELECT action, subject_id, changes FROM audit_events WHERE action IN ('app.authorized', 'login.succeeded')"
    )
    changes = {row["action"]: str(row["changes"]) for row in rows}

    assert set(changes) == {"app.authorized", "login.succeeded"}
    assert app.id in changes["app.authorized"]
    assert READ.split()[1] in changes["app.authorized"]
    assert app.id in changes["login.succeeded"]
