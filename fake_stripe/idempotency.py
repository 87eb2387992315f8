"""Idempotency keys: the first answer is kept and given again.

Keys belong to the account, not to an endpoint. Answers are kept only once the endpoint has begun, whatever they
are; keys are forgotten after 24 hours of the fake's clock.

Source: https://docs.stripe.com/api/idempotent_requests
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fake_stripe.api_errors import KeyInUse, KeyMismatch, ValidationError
from fake_stripe.form_encoding import RawHash
from fake_stripe.store import Store

KEPT_S = 86_400
_LONGEST = 255


@dataclass(frozen=True)
class Keyed:
    """A request under an idempotency key: what must be equal for it to be the same request."""

    key: str
    method: str
    path: str
    parameters: str

    @classmethod
    def of(cls, key: str, method: str, path: str, parameters: RawHash) -> "Keyed":
        """Parameters are compared by value; their order does not matter."""
        if len(key) > _LONGEST:
            raise ValidationError(f"Idempotency keys can be at most {_LONGEST} characters long.")
        return cls(key, method, path, json.dumps(parameters, sort_keys=True))


@dataclass(frozen=True)
class KeptAnswer:
    """The first answer given under a key."""

    status: int
    body: dict[str, Any]
    request_id: str


class KeysInUse:
    """The keys whose first request is still running. In memory: a restart ends every request."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Hold the key while its request runs, or raise KeyInUse."""
        if key in self._keys:
            raise KeyInUse(key)
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.remove(key)


def recall(store: Store, keyed: Keyed, now: float) -> KeptAnswer | None:
    """The answer kept under this key; None for a new or forgotten key; KeyMismatch for another request's."""
    row = store.row("SELECT * FROM idempotency_keys WHERE key = ? AND created > ?", keyed.key, now - KEPT_S)
    if row is None:
        return None
    if (row["method"], row["path"]) != (keyed.method, keyed.path):
        endpoints = f"for the same endpoint they were first used for ('{row['path']}' vs '{keyed.path}')"
        raise KeyMismatch(keyed.key, endpoints)
    if row["parameters"] != keyed.parameters:
        raise KeyMismatch(keyed.key, "with the same parameters they were first used with")
    return KeptAnswer(row["status"], json.loads(row["body"]), row["request_id"])


def keep(store: Store, keyed: Keyed, answer: KeptAnswer, now: float) -> None:
    """Keep the first answer, and forget what is too old."""
    store.rows("DELETE FROM idempotency_keys WHERE created <= ?", now - KEPT_S)
    store.rows(
        "INSERT INTO idempotency_keys (key, method, path, parameters, request_id, created, status, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        keyed.key, keyed.method, keyed.path, keyed.parameters,
        answer.request_id, now, answer.status, json.dumps(answer.body),
    )  # fmt: skip
