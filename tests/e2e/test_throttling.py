"""Guesses through the gateway: aliases and other requests are counted, and who is logged in stays so."""

import uuid

import pytest

from tests.e2e.client import Client, new_customer

ME = "{ me { email } }"
WAIT = "__typename ... on RateLimitedError { code retryAfterSeconds }"
GUESS = f"mutation ($input: LoginInput!) {{ login(input: $input) {{ {WAIT} }} }}"
FIVE_GUESSES = f"mutation ($input: LoginInput!) {{ {' '.join(f'g{n}: login(input: $input) {{ {WAIT} }}' for n in range(5))} }}"


@pytest.mark.parametrize("is_known", [True, False])
def test_guesses_under_aliases_are_counted_one_by_one(anonymous: Client, is_known: bool) -> None:  # noqa: FBT001
    email, customer = new_customer(anonymous.url)
    guessed = email if is_known else f"{uuid.uuid4().hex}@example.com"
    wrong = {"email": guessed, "password": "a wrong password"}

    outcomes = [
        result["__typename"] for _ in range(3) for result in anonymous.get(FIVE_GUESSES, input=wrong).values()
    ]
    right = anonymous.get(GUESS, input={"email": guessed, "password": "a-long-enough-password"})["login"]

    assert outcomes == ["InvalidCredentialsError"] * 10 + ["RateLimitedError"] * 5
    assert right["code"] == "RATE_LIMITED"
    assert 840 < right["retryAfterSeconds"] <= 900
    assert customer.get(ME) == {"me": {"email": email}}
    assert new_customer(anonymous.url)
