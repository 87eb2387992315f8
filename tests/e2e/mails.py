"""The mails of a running system, as whoever runs it finds them: on the terminal, and in their folder."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import pairwise

from tests.e2e.client import Client, eventually, new_customer
from tests.e2e.running_system import RunningSystem

VERIFY = "mutation ($mailed: String!) { verifyEmail(token: $mailed) { __typename } }"


def confirmed_customer(system: RunningSystem) -> tuple[str, Client]:
    """A new one, who has confirmed the address: nobody else may add a second factor."""
    email, customer = new_customer(f"{system.gateway_url}/graphql")
    confirm_address(system, email)
    return email, customer


def confirm_address(system: RunningSystem, email: str, already_seen: int = 0) -> None:
    """With the next mail that comes there."""
    token = mailed_link(system, email, already_seen).partition("#token=")[2]
    done = Client(f"{system.gateway_url}/graphql").get(VERIFY, mailed=token)
    assert done == {"verifyEmail": {"__typename": "AcceptedSuccess"}}


def mailed_links(system: RunningSystem, recipient: str) -> list[str]:
    """The links that were mailed to somebody, the oldest first."""
    lines = list(system.later.lines)
    to_them = (below for mail, below in pairwise(lines) if mail.startswith(f"Mail to {recipient}: "))
    return [below.strip() for below in to_them if below.startswith("  http")]


def mailed_link(system: RunningSystem, recipient: str, already_seen: int = 0) -> str:
    """The link of their next mail, once it has come."""
    return eventually(lambda: mailed_links(system, recipient), lambda links: len(links) > already_seen)[-1]


def mails_to(system: RunningSystem, recipient: str) -> list[EmailMessage]:
    """As they lie in the folder, in no order."""
    files = (system.data_dir / "mails").glob("*.eml")
    mails = [message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=default) for file in files]
    return [mail for mail in mails if mail["To"] == recipient]
