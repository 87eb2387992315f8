"""What a stranger can ask about an address is the same work whether it has an account.

How long it takes is measured by `make bench-logins`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from tests.user_subgraph.service import LOGIN, PASSWORD, Service
from tests.user_subgraph.third_party import ADA, app_of
from user_subgraph.user import Role

NOBODY = "eve@example.com"
WRONG = "a wrong password"
Ask = Callable[[Service, str], Any]


def log_in(service: Service, email: str) -> None:
    assert service.data(LOGIN, input={"email": email, "password": WRONG})["code"] == "INVALID_CREDENTIALS"


def be_refused(service: Service, email: str) -> None:
    assert service.data(LOGIN, input={"email": email, "password": WRONG})["code"] == "RATE_LIMITED"


def consent(service: Service, email: str) -> None:
    assert app_of(service).let_in(email, WRONG).status_code == 400


def register(service: Service, email: str) -> None:
    query = "mutation ($input: RegisterUserInput!) { registerUser(input: $input) { __typename } }"
    given = {"email": email, "password": PASSWORD}
    assert service.data(query, input=given) == {"__typename": "RegisterUserSuccess"}


def ask_for_reset(service: Service, email: str) -> None:
    query = "mutation ($email: EmailAddress!) { requestPasswordReset(email: $email) { __typename } }"
    assert service.data(query, email=email) == {"__typename": "AcceptedSuccess"}


def ask_for_verification(service: Service, email: str) -> None:
    query = "mutation ($email: EmailAddress!) { resendVerificationEmail(email: $email) { __typename } }"
    assert service.data(query, email=email) == {"__typename": "AcceptedSuccess"}


@contextmanager
def work_of(service: Service) -> Iterator[list[str]]:
    """The statements sent inside the block, and each object that was made of a row: either takes time."""
    with service.statements() as done:

        def note(_session: Session, made: object) -> None:
            done.append(f"made {type(made).__name__}")

        event.listen(Session, "loaded_as_persistent", note)
        try:
            yield done
        finally:
            event.remove(Session, "loaded_as_persistent", note)


@pytest.mark.parametrize(
    ("ask", "guesses"),
    [
        (log_in, 0),
        (be_refused, 10),
        (be_refused, 11),
        (consent, 0),
        (register, 0),
        (ask_for_reset, 0),
        (ask_for_verification, 0),
    ],
    ids=["login", "first refusal", "later refusal", "consent", "register", "reset", "verification"],
)
def test_an_unknown_address_is_the_same_work_as_a_known_one(service: Service, ask: Ask, guesses: int) -> None:
    service.add_user(ADA, Role.ADMIN, Role.SUPPORT)
    work = []
    for email in (ADA, NOBODY):
        for _ in range(guesses):
            service.data(LOGIN, input={"email": email, "password": WRONG})
        with work_of(service) as done:
            ask(service, email)
        work.append(done)

    assert work[0] == work[1]
