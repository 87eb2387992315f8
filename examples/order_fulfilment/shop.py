"""The shop's orders, and what the messages about payments do to them."""

import sqlite3
from contextlib import closing
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    reference TEXT PRIMARY KEY, amount_minor TEXT NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL, payment_id TEXT
);
CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY);
"""


class Shop:
    """Orders are OPEN, then TO_SHIP; CANCELED if the money went back before; HELD for a person to look at."""

    def __init__(self, path: str) -> None:
        self._path = path
        with closing(self._connect()) as connection:
            connection.executescript(_TABLES)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path)

    def order(self, reference: str, amount_minor: int, currency: str) -> None:
        with closing(self._connect()) as connection, connection:
            row = (reference, str(amount_minor), currency)
            connection.execute("INSERT INTO orders VALUES (?, ?, ?, 'OPEN', NULL)", row)

    def state_of(self, reference: str) -> str:
        with closing(self._connect()) as connection:
            found = connection.execute("SELECT state FROM orders WHERE reference = ?", (reference,))
            return str(found.fetchone()[0])

    def take(self, message_id: str, message: dict[str, Any]) -> bool:
        """Act on *message*; False if that was done before.

        The id is noted in the transaction that acts: a message that comes again finds both, or neither.
        """
        with closing(self._connect()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            noted = connection.execute("INSERT OR IGNORE INTO messages VALUES (?)", (message_id,))
            if noted.rowcount == 0:
                return False
            self._act(connection, message["type"], message["data"]["payment"])
            return True

    def _act(self, connection: sqlite3.Connection, kind: str, payment: dict[str, Any]) -> None:
        """Types we do not know are none of our business: new ones may come any time."""
        if kind == "payment.succeeded":
            self._paid(connection, payment)
        elif kind == "refund.succeeded" and payment["financialStatus"] == "REFUNDED":
            self._change(connection, payment, "TO_SHIP", "CANCELED")
        elif kind in ("payment.frozen", "dispute.opened"):
            self._change(connection, payment, "TO_SHIP", "HELD")

    def _paid(self, connection: sqlite3.Connection, payment: dict[str, Any]) -> None:
        """A payment names its order itself: whoever pays one cent for it has not paid for it."""
        found = connection.execute(
            "SELECT amount_minor, currency FROM orders WHERE reference = ? AND state = 'OPEN'",
            (payment["reference"],),
        ).fetchone()
        if found is None:
            return
        captured = payment["amountCaptured"]
        paid = (captured["amountMinor"], captured["currency"]) == found
        good = paid and payment["financialStatus"] == "PAID"
        connection.execute(
            "UPDATE orders SET state = ?, payment_id = ? WHERE reference = ?",
            ("TO_SHIP" if good else "HELD", payment["id"], payment["reference"]),
        )

    def _change(self, connection: sqlite3.Connection, payment: dict[str, Any], old: str, new: str) -> None:
        connection.execute(
            "UPDATE orders SET state = ? WHERE payment_id = ? AND state = ?", (new, payment["id"], old)
        )
