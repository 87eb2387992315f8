"""What the README promises, done as it says."""

import json
import os
import re
import shutil
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from launcher.settings import ROOT
from tests.e2e.client import REFUND_PAYMENT, Client, eventually, new_customer
from tests.e2e.mails import mailed_link
from tests.e2e.readme import README, blocks, operation, with_ids_left_open
from tests.e2e.running_system import RunningSystem, environment_of


def test_the_printed_mutations_do_what_is_said_of_them(anonymous: Client, ada: Client) -> None:
    login, pay = operation("login("), operation("createPayment(")

    assert anonymous.get(login)["login"]["tokens"]["expiresIn"] == 600
    first, second = ada.get(pay)["createPayment"], ada.get(pay)["createPayment"]
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["payment"] == second["payment"]


def test_who_registers_finds_the_mail_where_it_says(anonymous: Client, system: RunningSystem) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    [printed] = [block for block in blocks("text") if "Mail to" in block]
    registered = anonymous.get(operation("registerUser(").replace("zoe@example.com", email))

    link = mailed_link(system, email)

    shown = "".join(system.later.lines)
    expected = printed.replace("http://127.0.0.1:8000", system.gateway_url).replace("zoe@example.com", email)
    assert registered == {"registerUser": {"requiresVerification": False}}
    assert expected.replace("…", link.partition("#token=")[2]) in shown


def test_the_pages_it_names_are_there(system: RunningSystem) -> None:
    pages = re.findall(r"<http://127.0.0.1:8000(/\S+)>", README)

    assert {"/graphiql", "/account/reset-password"} <= set(pages)
    for page in pages:
        assert httpx.get(f"{system.gateway_url}{page}", trust_env=False, timeout=60).status_code == 200


def another_order(printed: str, instead: str) -> str:
    """The printed mutation with a key of its own, and something *instead* of what is *printed*."""
    mutation = operation("createPayment(")
    assert printed in mutation
    return mutation.replace("my-first-order", uuid.uuid4().hex).replace(printed, instead)


def test_a_customer_who_is_wanted_at_the_bank_is_shown_the_way(
    anonymous: Client, system: RunningSystem
) -> None:
    _, customer = new_customer(anonymous.url)
    answer = customer.ask(another_order("pm_card_visa", "pm_card_threeDSecure2Required"))
    payment = answer["data"]["createPayment"]["payment"]
    bank_page = payment["nextAction"]["redirectUrl"]

    page = httpx.get(bank_page, trust_env=False, timeout=60)
    sent_back = httpx.post(bank_page, data={"outcome": "complete"}, trust_env=False, timeout=60)

    assert bank_page.startswith(f"{system.fake_stripe_url}/")
    payment["nextAction"]["redirectUrl"] = "http://127.0.0.1:8003/…"
    assert with_ids_left_open(answer) == json.loads(blocks("json")[1])
    assert ">Complete<" in page.text
    assert sent_back.headers["location"].startswith("http://127.0.0.1:8000/graphiql?")
    paid = {"status": "SUCCEEDED", "nextAction": None, "lastError": None}
    eventually(
        lambda: customer.get(operation("payment(id: $id)"), id=payment["id"])["payment"],
        lambda seen: seen == paid,
    )


def test_a_card_that_is_kept_stands_beside_its_user(anonymous: Client) -> None:
    email, customer = new_customer(anonymous.url)
    customer.get(another_order("confirm: true", "confirm: true, savePaymentMethod: true"))

    seen = eventually(
        lambda: customer.get(operation("paymentMethods"))["me"], lambda user: bool(user["paymentMethods"])
    )

    assert (seen["email"], seen["paymentMethods"][0]["last4"]) == (email, "4242")


def test_the_printed_mutation_tells_declines_and_wrong_fields(anonymous: Client) -> None:
    _, customer = new_customer(anonymous.url)
    declined, without_money, wrong = (
        customer.get(another_order(printed, instead))["createPayment"]
        for printed, instead in (
            ("pm_card_visa", "pm_card_visa_chargeDeclined"),
            ("pm_card_visa", "pm_card_visa_chargeDeclinedInsufficientFunds"),
            ("25.00", "25.001"),
        )
    )

    assert (declined["__typename"], declined["declineCode"]) == ("PaymentDeclinedError", "generic_decline")
    assert without_money["declineCode"] == "insufficient_funds"
    assert wrong["__typename"] == "ValidationError"
    assert [field["path"] for field in wrong["fields"]] == [["input", "amount", "amount"]]


needs_curl = pytest.mark.skipif(
    not (shutil.which("curl") or os.environ.get("CI")), reason="needs curl: install the package of that name"
)


def run(system: RunningSystem, commands: str, **environment: str) -> str:
    """What printed shell commands print, done at the system that runs."""
    for port, url in {"8000": system.gateway_url, "8001": system.users_url}.items():
        commands = commands.replace(f"http://127.0.0.1:{port}", url)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        env=os.environ | environment_of(system.ports, system.data_dir) | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def printed_facts(lines: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines.splitlines())


@needs_curl
def test_the_shell_commands_answer(system: RunningSystem) -> None:
    [commands] = [block for block in blocks("sh") if "mutation { login" in block]

    assert json.loads(run(system, commands))["data"]["me"]["email"] == "ada@example.com"


@needs_curl
def test_a_machine_reads_the_report(system: RunningSystem) -> None:
    [adding] = [block for block in blocks("sh") if "add-machine" in block]
    [asking] = [block for block in blocks("sh") if "client_credentials" in block]

    added = printed_facts(run(system, adding))
    program = {"CLIENT_ID": added["client_id"], "CLIENT_SECRET": added["client_secret"]}
    answer = json.loads(run(system, asking, **program))

    assert "errors" not in answer
    assert {row["currency"] for row in answer["data"]["paymentReport"]} >= {"EUR"}


@needs_curl
def test_an_app_is_let_in_by_the_printed_address_and_changes_its_code(system: RunningSystem) -> None:
    [adding] = [block for block in blocks("sh") if "add-app" in block]
    [asking] = [block for block in blocks("sh") if "CHALLENGE=" in block]
    [redeeming] = [block for block in blocks("sh") if "grant_type=authorization_code" in block]

    app = printed_facts(run(system, adding))["client_id"]
    address, verifier = run(system, f'{asking}\necho "$VERIFIER"', CLIENT_ID=app).splitlines()
    form = {"email": "ada@example.com", "password": "correct-horse-demo", "decision": "allow"}
    back = httpx.post(address, data=form, trust_env=False, timeout=60).headers["location"]
    code = httpx.URL(back).params["code"]
    tokens = json.loads(run(system, redeeming, CLIENT_ID=app, CODE=code, VERIFIER=verifier))

    assert re.sub(r"(code|iss)=[^&]*", r"\1=…", back) == "http://127.0.0.1:4000/back?code=…&state=mine&iss=…"
    assert back.startswith(re.findall(r"`(http\S+/back\?code=)", README)[0])
    assert tokens["scope"] == "payments:read profile:read"
    me = Client(f"{system.gateway_url}/graphql", tokens["access_token"]).get("{ me { email } }")["me"]
    assert me == {"email": "ada@example.com"}


def test_people_see_the_apps_they_have_let_in(ada: Client) -> None:
    sessions = ada.get(operation("appName"))["me"]["sessions"]

    assert [one["appName"] for one in sessions if one["current"]] == [None]


def test_a_part_is_given_back_and_the_report_tells_of_it(anonymous: Client, finance: Client) -> None:
    _, customer = new_customer(anonymous.url)
    paid = customer.get(another_order("25.00", "15.00"))["createPayment"]["payment"]

    def refund() -> dict[str, Any]:
        asked = {"payment": paid["id"], "key": uuid.uuid4().hex}
        answer: dict[str, Any] = finance.get(operation("refundPayment("), **asked)["refundPayment"]
        return answer

    def refunded() -> Decimal:
        """In euros, by the report of these days."""
        today = datetime.now(UTC)
        span = {
            "from": (today - timedelta(days=1)).isoformat(),
            "to": (today + timedelta(days=1)).isoformat(),
        }
        rows = finance.get(operation("paymentReport("), **span)["paymentReport"]
        return sum(
            (Decimal(row["refunded"]["amount"]) for row in rows if row["currency"] == "EUR"), Decimal(0)
        )

    before = refunded()
    given, refused = refund(), refund()

    assert (given["__typename"], given["payment"]["financialStatus"]) == (
        "RefundSuccess",
        "PARTIALLY_REFUNDED",
    )
    assert refused["refundable"] == {"amount": "5.00", "currency": "EUR"}
    assert refunded() - before == 10


def test_a_dispute_comes_as_it_says(anonymous: Client, finance: Client, system: RunningSystem) -> None:
    _, customer = new_customer(anonymous.url)
    paid = customer.get(another_order("pm_card_visa", "pm_card_createDispute"))["createPayment"]["payment"]

    def seen() -> dict[str, Any] | None:
        nodes = finance.get(operation("disputes("))["disputes"]["nodes"]
        return next((node for node in nodes if node["payment"]["id"] == paid["id"]), None)

    opened = eventually(seen, lambda found: found is not None)
    refused = finance.get(REFUND_PAYMENT, input={"idempotencyKey": uuid.uuid4().hex, "paymentId": paid["id"]})
    payment_id = opened["payment"]["id"] if opened else ""
    (bank,) = [block for block in blocks("sh") if "/_fake/" in block]
    address = re.findall(r"http://127.0.0.1:8003(/_fake/disputes/\S+)", bank)[0].replace("pay_…", payment_id)
    httpx.post(f"{system.fake_stripe_url}{address}", json={}, trust_env=False, timeout=60).raise_for_status()

    assert opened is not None
    assert opened["payment"]["financialStatus"] == "DISPUTED"
    assert opened["fundsWithdrawn"]
    assert refused["refundPayment"]["__typename"] == "PaymentDisputedError"
    won = eventually(seen, lambda found: found is not None and found["status"] == "WON")
    assert won is not None
    assert (won["fundsWithdrawn"], won["payment"]["financialStatus"]) == (False, "PAID")


def test_every_linked_place_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
