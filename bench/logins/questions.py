"""What strangers can ask with an address, without the right password: the answer is the same whether it has an account."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bench.logins.accounts import APP_ID, CALLBACK

PASSWORD: Final = "not the right password"  # noqa: S105 - nobody's
Send = Callable[[FlaskClient, str], TestResponse]

_NEVER_REACHED: Final = "100000 per 1 second"
_OPEN: Final = {
    f"THROTTLE_{name}": _NEVER_REACHED
    for name in ("LOGIN_PER_ACCOUNT", "REGISTRATION_PER_ACCOUNT", "MAIL_PER_ACCOUNT", "MAIL_IN_ALL")
}
_ONE_GUESS: Final = {**_OPEN, "THROTTLE_LOGIN_PER_ACCOUNT": "1 per 24 hours"}

_LOGIN: Final = "mutation ($input: LoginInput!) { login(input: $input) { __typename } }"
_REGISTER: Final = "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
_RESET: Final = "mutation ($email: EmailAddress!) { requestPasswordReset(email: $email) { __typename } }"
_CHALLENGE: Final = "0123456789012345678901234567890123456789012"
_CONSENT: Final = "/oauth/authorize?" + urlencode(
    {
        "response_type": "code",
        "client_id": APP_ID,
        "redirect_uri": CALLBACK,
        "scope": "profile:read",
        "code_challenge": _CHALLENGE,
        "code_challenge_method": "S256",
    }
)


@dataclass(frozen=True)
class Question:
    """*answer* is what stands in each. *guesses*: how many went before at each address, of *bounds* that allow one.

    *again*: about two addresses only, the same ones each time. Otherwise each address is asked about once.
    """

    name: str
    send: Send
    answer: str
    guesses: int = 0
    again: bool = False

    @property
    def bounds(self) -> Mapping[str, str]:
        return _ONE_GUESS if self.guesses else _OPEN


def _log_in(client: FlaskClient, email: str) -> TestResponse:
    return _post(client, _LOGIN, input={"email": email, "password": PASSWORD})


def _register(client: FlaskClient, email: str) -> TestResponse:
    return _post(client, _REGISTER, input={"email": email, "password": PASSWORD})


def _ask_for_reset(client: FlaskClient, email: str) -> TestResponse:
    return _post(client, _RESET, email=email)


def _consent(client: FlaskClient, email: str) -> TestResponse:
    return client.post(_CONSENT, data={"email": email, "password": PASSWORD, "decision": "allow"})


def _post(client: FlaskClient, query: str, **variables: object) -> TestResponse:
    return client.post("/graphql", json={"query": query, "variables": variables})


_WRONG, _REFUSED = "InvalidCredentialsError", "RateLimitedError"
QUESTIONS: Final = (
    Question("login, wrong password", _log_in, _WRONG),
    Question("login, wrong password, again", _log_in, _WRONG, again=True),
    Question("login, refused for the first time", _log_in, _REFUSED, guesses=1),
    Question("login, refused once more", _log_in, _REFUSED, guesses=2),
    Question("login, refused, again", _log_in, _REFUSED, guesses=2, again=True),
    Question("registerUser", _register, "RegisterUserSuccess"),
    Question("requestPasswordReset", _ask_for_reset, "AcceptedSuccess"),
    Question("requestPasswordReset, again", _ask_for_reset, "AcceptedSuccess", again=True),
    Question("consent page, wrong password", _consent, "the password is wrong"),
    Question("consent page, wrong password, again", _consent, "the password is wrong", again=True),
)
