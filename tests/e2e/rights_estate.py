"""What one customer has, so that everybody else can be kept from it."""

from dataclasses import dataclass
from typing import Any

from tests.e2e.client import Client, eventually
from tests.e2e.mails import confirmed_customer
from tests.e2e.passkeys import added_passkey, log_in_with
from tests.e2e.running_system import RunningSystem

OWNERS_PASSWORD = "a-long-enough-password"  # of `new_customer`
MINE = """{ me { id passkeys { id } sessions { id current } paymentMethods { id isDefault } } }"""
EVENTS = "{ webhookEvents(first: 1, state: [PROCESSED]) { nodes { id } } outboxMessages(first: 1) { nodes { id } } }"
DISPUTES = "query ($id: ID!) { payment(id: $id) { disputes { id } providerPaymentId } }"


@dataclass(frozen=True)
class Estate:
    """`ids` of everything, by the names that documents use for them."""

    owner: Client
    refresh_token: str
    recovery_code: str
    ids: dict[str, str]


def new_estate(system: RunningSystem) -> Estate:
    """Payments in each state that something can be done to, a refund, a dispute, kept cards, a passkey, a second session."""
    url = f"{system.gateway_url}/graphql"
    email, first_session = confirmed_customer(system)
    device, recovery_codes = added_passkey(first_session, system.users_url)
    login = log_in_with(Client(url), device)
    owner = Client(url, login["tokens"]["accessToken"])
    staff = {role: Client(url).logged_in(f"{role}@example.com") for role in ("finance", "admin")}
    ids = {"email": email, "password": OWNERS_PASSWORD}
    ids |= _payments(owner, staff["finance"])
    ids |= _kept(owner)
    ids |= _handed_on(staff["admin"])
    return Estate(owner, login["tokens"]["refreshToken"], recovery_codes[0], ids)


def _payments(owner: Client, finance: Client) -> dict[str, str]:
    for card in ("pm_card_visa", "pm_card_mastercard"):
        owner.pay(savePaymentMethod=True, paymentMethodId=card)
    # Of a first attempt that failed, the timeline tells the reason.
    paid = owner.pay(paymentMethodId="pm_card_visa_chargeDeclined")["payment"]["id"]
    owner.confirm(paid)
    disputed = owner.pay(paymentMethodId="pm_card_createDispute")["payment"]["id"]
    [dispute] = eventually(lambda: finance.get(DISPUTES, id=disputed)["payment"]["disputes"], bool)
    return {
        "payment": paid,
        "refund": finance.refund(paid, amount={"amount": "1.00", "currency": "EUR"})["refund"]["id"],
        "authorized": owner.pay(captureMethod="MANUAL")["payment"]["id"],
        "open": owner.pay(confirm=False, paymentMethodId=None)["payment"]["id"],
        "dispute": dispute["id"],
    }


def _kept(owner: Client) -> dict[str, str]:
    """The user's own id, their passkey, a session that is not in use, and the card that is not the default one."""
    me: dict[str, Any] = eventually(
        lambda: owner.get(MINE)["me"], lambda user: len(user["paymentMethods"]) == 2
    )
    [session] = [each["id"] for each in me["sessions"] if not each["current"]]
    [method] = [each["id"] for each in me["paymentMethods"] if not each["isDefault"]]
    [passkey] = [each["id"] for each in me["passkeys"]]
    return {"user": me["id"], "session": session, "method": method, "passkey": passkey}


def _handed_on(admin: Client) -> dict[str, str]:
    found = eventually(lambda: admin.get(EVENTS), lambda seen: all(each["nodes"] for each in seen.values()))
    [event], [message] = (found[each]["nodes"] for each in ("webhookEvents", "outboxMessages"))
    return {"event": event["id"], "message": message["id"]}
