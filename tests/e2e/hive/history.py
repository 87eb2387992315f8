"""Something to ask about: two customers and what they paid, settled before anyone looks."""

from dataclasses import dataclass

from tests.e2e.client import Client, eventually, new_customer

REFUNDS = "query ($id: ID!) { payment(id: $id) { refunds { nodes { status } } } }"


@dataclass(frozen=True)
class History:
    customer: Client
    customer_id: str
    """Of the user behind `customer`."""
    refunded: str
    """Id of a payment of theirs, half of it refunded. The other ids are payments as well."""
    declined: str
    of_another: str
    staff: Client


def made_history(url: str) -> History:
    """Pay, be declined, get a refund: through the gateway at *url*."""
    _, customer = new_customer(url)
    _, another = new_customer(url)
    finance = Client(url).logged_in("finance@example.com")
    refunded = customer.pay()["payment"]["id"]
    customer.pay(paymentMethodId="pm_card_chargeDeclined")
    [declined] = _payments(customer) - {refunded}
    of_another = another.pay(amount={"amount": "1200", "currency": "JPY"})["payment"]["id"]
    finance.refund(refunded, amount={"amount": "5.00", "currency": "EUR"})
    eventually(lambda: _refunds(customer, refunded), lambda statuses: statuses == ["SUCCEEDED"])
    customer_id = customer.get("{ me { id } }")["me"]["id"]
    return History(customer, customer_id, refunded, declined, of_another, finance)


def _payments(customer: Client) -> set[str]:
    nodes = customer.get("{ me { payments(first: 10) { nodes { id } } } }")["me"]["payments"]["nodes"]
    return {payment["id"] for payment in nodes}


def _refunds(customer: Client, payment_id: str) -> list[str]:
    nodes = customer.get(REFUNDS, id=payment_id)["payment"]["refunds"]["nodes"]
    return [refund["status"] for refund in nodes]
