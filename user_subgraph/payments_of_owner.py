"""Asking the payment service, in a person's name, for all that this person may see there (ADR 29)."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from user_subgraph.errors import OtherServiceSilent

TIMEOUT_S = 30
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_AT_ONCE = 25
_MONEY = "{ amount currency }"
_REFUNDS = f"""pageInfo {{ hasNextPage endCursor }}
  nodes {{ id amount {_MONEY} status reason note failureReason createdAt updatedAt }}"""
_METHOD = "{ id type brand last4 expMonth expYear isDefault }"
PAYMENTS = f"""query DataExportPayments($who: [_Any!]!, $after: String) {{
  _entities(representations: $who) {{ ... on User {{ payments(first: {_AT_ONCE}, after: $after) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ id reference description source status financialStatus captureMethod createdAt updatedAt
      succeededAt canceledAt amount {_MONEY} amountCaptured {_MONEY} amountRefunded {_MONEY}
      amountDisputed {_MONEY} metadata {{ key value }} lastError {{ code declineCode message occurredAt }}
      paymentMethod {_METHOD} refunds(first: 50) {{ {_REFUNDS} }}
      disputes {{ id amount {_MONEY} status reason fundsWithdrawn createdAt updatedAt }} }} }} }} }} }}"""
REFUNDS = f"""query DataExportRefunds($id: ID!, $after: String) {{
  payment(id: $id) {{ refunds(first: 50, after: $after) {{ {_REFUNDS} }} }} }}"""
METHODS = f"""query DataExportMethods($who: [_Any!]!) {{
  _entities(representations: $who) {{ ... on User {{ paymentMethods {_METHOD} }} }} }}"""


@dataclass(frozen=True)
class PaymentService:
    """Its GraphQL endpoint. Redirects are not followed: who is asked is a setting."""

    url: str = field(repr=False)

    def record_of(self, user_id: str, token: Callable[[], str]) -> Mapping[str, Any]:
        """Payments with refunds and disputes, newest first, and kept payment methods.

        *token*: the person's, made anew for each question, since the whole may take longer than one lasts. Raises
        `OtherServiceSilent`.
        """
        try:
            return self._record([{"__typename": "User", "id": user_id}], token)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OtherServiceSilent("not the answer that was asked for") from error

    def _record(self, who: list[Any], token: Callable[[], str]) -> Mapping[str, Any]:
        (methods,) = self._asked(METHODS, token(), who=who)["_entities"]
        return {
            "payments": list(self._payments(who, token)),
            "paymentMethods": list(methods["paymentMethods"]),
        }

    def _payments(self, who: list[Any], token: Callable[[], str]) -> Iterator[Any]:
        after = None
        while True:
            (user,) = self._asked(PAYMENTS, token(), who=who, after=after)["_entities"]
            for payment in user["payments"]["nodes"]:
                yield {**payment, "refunds": list(self._refunds(payment, token))}
            if not user["payments"]["pageInfo"]["hasNextPage"]:
                return
            after = user["payments"]["pageInfo"]["endCursor"]

    def _refunds(self, payment: Mapping[str, Any], token: Callable[[], str]) -> Iterator[Any]:
        page = payment["refunds"]
        yield from page["nodes"]
        while page["pageInfo"]["hasNextPage"]:
            after = page["pageInfo"]["endCursor"]
            page = self._asked(REFUNDS, token(), id=payment["id"], after=after)["payment"]["refunds"]
            yield from page["nodes"]

    def _asked(self, query: str, token: str, **variables: Any) -> Mapping[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        whole = json.loads(self._posted(body, token))
        if whole.get("errors"):
            raise OtherServiceSilent(str(whole["errors"][0]["extensions"]["code"]))
        data: Mapping[str, Any] = whole["data"]
        return data

    def _posted(self, body: bytes, token: str) -> bytes:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        try:
            connection.request("POST", parts.path or "/", body, headers)
            response = connection.getresponse()
            answer = response.read(MAX_ANSWER_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise OtherServiceSilent(type(error).__name__) from error
        finally:
            connection.close()
        if response.status != 200 or len(answer) > MAX_ANSWER_BYTES:
            raise OtherServiceSilent(f"status {response.status}, {len(answer)} bytes")
        return answer
