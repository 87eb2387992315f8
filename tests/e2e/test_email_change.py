"""Somebody gets another address: asked for through the gateway, confirmed with what was mailed, told to the old one."""

from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.mails import mails_to
from tests.e2e.running_system import RunningSystem

PASSWORD = "a-long-enough-password"
REQUEST = """mutation ($new: EmailAddress!, $password: String!) {
  requestEmailChange(newEmail: $new, currentPassword: $password) { __typename ... on Error { code } } }"""
CONFIRM = (
    "mutation ($mailed: String!) { confirmEmailChange(token: $mailed) { __typename ... on Error { code } } }"
)


def mailed_token(system: RunningSystem, recipient: str) -> str:
    (mail,) = eventually(lambda: mails_to(system, recipient), lambda mails: len(mails) == 1)
    assert mail["Subject"] == "Confirm your new e-mail address"
    (line,) = [line for line in mail.get_content().splitlines() if line.startswith("  ")]
    return str(line.rpartition("#token=")[2])


def test_an_address_changes_with_what_was_mailed_to_the_new_one_and_the_old_one_is_told(
    anonymous: Client, system: RunningSystem
) -> None:
    old, customer = new_customer(anonymous.url)
    new = f"new-{old}"
    assert customer.get(REQUEST, new=new, password=PASSWORD)["requestEmailChange"] == {
        "__typename": "AcceptedSuccess"
    }
    token = mailed_token(system, new)
    stranger = new_customer(anonymous.url)[1].get(CONFIRM, mailed=token)["confirmEmailChange"]

    confirmed = customer.get(CONFIRM, mailed=token)["confirmEmailChange"]

    assert stranger == {"__typename": "InvalidTokenError", "code": "INVALID_TOKEN"}
    assert confirmed == {"__typename": "AcceptedSuccess"}
    assert anonymous.logged_in(new, PASSWORD).get("{ me { email emailVerified } }")["me"] == {
        "email": new,
        "emailVerified": True,
    }
    eventually(
        lambda: {mail["Subject"] for mail in mails_to(system, old)},
        lambda subjects: "The e-mail address of your account was changed" in subjects,
    )
