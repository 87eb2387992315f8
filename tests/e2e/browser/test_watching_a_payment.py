"""A payment in GraphiQL that changes while it is looked at."""

from tests.e2e.browser.graphiql_page import GraphiqlPage
from tests.e2e.client import Client, new_customer


def test_a_payment_is_seen_to_change_while_it_is_paid_and_refunded_elsewhere(
    page: GraphiqlPage, anonymous: Client, finance: Client
) -> None:
    email, customer = new_customer(anonymous.url)
    payment = customer.pay(confirm=False, paymentMethodId=None)["payment"]
    page.open()
    page.paste_token(customer.token or "")
    page.go_to_tab("Watch")
    page.write_variables({"paymentId": payment["id"]})

    def shown(**expected: str) -> bool:
        seen = ((page.response() or {}).get("data") or {}).get("paymentUpdated") or {}
        return bool(seen.items() >= expected.items())

    page.start()
    page.wait_for(lambda: shown(status="REQUIRES_PAYMENT_METHOD"))
    customer.confirm(payment["id"])
    page.wait_for(lambda: shown(status="SUCCEEDED", financialStatus="PAID", pendingOperations=[]))
    finance.refund(payment["id"])
    page.wait_for(lambda: shown(financialStatus="REFUNDED", pendingOperations=[]))

    answer = page.response()
    assert answer is not None
    assert "errors" not in answer
    assert answer["data"]["paymentUpdated"]["user"]["email"] == email
    assert page.is_running()
    page.stop()
    page.wait_for(lambda: page.event_count().endswith("; ended"))
