"""A dead service costs only the fields it owns."""

from tests.e2e.client import ONE_QUERY, Client
from tests.e2e.recording_proxy import RecordingProxy


def test_without_payments_the_user_still_answers(ada: Client, payments_proxy: RecordingProxy) -> None:
    with payments_proxy.down():
        answer = ada.ask(ONE_QUERY)

    assert answer["data"] == {"me": {"email": "ada@example.com", "payments": None}}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["me", "payments"], "SUBGRAPH_UNAVAILABLE")
    ]


def test_without_users_a_payment_still_answers(finance: Client, users_proxy: RecordingProxy) -> None:
    with users_proxy.down():
        answer = finance.ask("{ payments(first: 1) { nodes { id user { id email } } } }")

    (payment,) = answer["data"]["payments"]["nodes"]
    assert payment["id"].startswith("pay_")
    assert payment["user"] is None or payment["user"]["email"] is None
    assert answer["errors"][0]["path"][:4] == ["payments", "nodes", 0, "user"]


def test_it_answers_again_when_the_service_is_back(ada: Client, payments_proxy: RecordingProxy) -> None:
    with payments_proxy.down():
        ada.ask(ONE_QUERY)

    assert ada.get(ONE_QUERY)["me"]["payments"]["nodes"]
