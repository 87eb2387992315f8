"""Customers and what they paid, held by two subgraphs: the shape of our own schema."""

from collections.abc import Mapping
from typing import Any

from bench.federation import Federation, Object

USERS = 60
PAYMENTS_EACH = 12
GIVEN_NAMES = ("Ines", "Jonas", "Katya", "Luis", "Maeve", "Nadir", "Olga", "Pavel", "Quinn", "Rosa")
FAMILY_NAMES = ("Abara", "Brandt", "Castellano", "Dubois", "Eriksen", "Farkas")
CURRENCIES = ("EUR", "USD", "JPY", "GBP")
STATUSES = ("SUCCEEDED", "SUCCEEDED", "REFUNDED", "FAILED", "PENDING")


def customers() -> Federation:
    users = [_user(number) for number in range(1, USERS + 1)]
    by_id = {each["id"]: each for each in users}
    payments = {each["id"]: each for user in users for each in user["held"]}

    def entity(_subgraph: str, representation: Mapping[str, Any]) -> Object | None:
        known = payments if representation["__typename"] == "Payment" else by_id
        return known.get(representation["id"])

    def page(_info: Any, first: int, after: str | None = None) -> list[Object]:
        start = users.index(by_id[after]) + 1 if after else 0
        return users[start : start + first]

    roots = {
        "me": users[0],
        "user": lambda _info, id: by_id.get(id),  # noqa: A006 - the argument's name in the schema
        "users": page,
        "payment": lambda _info, id: payments.get(id),  # noqa: A006
    }
    return Federation("customers", roots, entity)


def _user(number: int) -> Object:
    given, family = GIVEN_NAMES[number % len(GIVEN_NAMES)], FAMILY_NAMES[number % len(FAMILY_NAMES)]
    held = [_payment(number, each) for each in range(1, PAYMENTS_EACH + 1)]
    return {
        "__typename": "User",
        "id": f"usr_{number:04}",
        "name": f"{given} {family}",
        "email": f"{given}.{family}.{number}@example.com".lower(),
        "held": held,
        "payments": lambda _info, first, after=None: _connection(held, first, after),
    }


def _payment(user: int, number: int) -> Object:
    return {
        "__typename": "Payment",
        "id": f"pay_{user:04}{number:04}",
        "amount": 490 + (user * 7919 + number * 104_729) % 250_000,
        "currency": CURRENCIES[(user + number) % len(CURRENCIES)],
        "status": STATUSES[(user * 3 + number) % len(STATUSES)],
        "createdAt": f"2026-{number:02}-{user % 28 + 1:02}T10:{number + 10}:00Z",
    }


def _connection(held: list[Object], first: int, after: str | None) -> Object:
    start = next((place for place, each in enumerate(held, 1) if each["id"] == after), 0)
    nodes = held[start : start + first]
    return {
        "edges": [{"cursor": each["id"], "node": each} for each in nodes],
        "pageInfo": {
            "hasNextPage": start + first < len(held),
            "endCursor": nodes[-1]["id"] if nodes else None,
        },
        "totalCount": len(held),
    }
