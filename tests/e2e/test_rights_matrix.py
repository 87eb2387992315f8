"""Each caller asks for each root field by each way, and gets what tests/contract/rights.toml says."""

import os
import signal
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from schema.__main__ import HERE
from tests.contract.rights import RULES
from tests.e2e.client import eventually
from tests.e2e.mails import confirmed_customer
from tests.e2e.rights_callers import Caller
from tests.e2e.rights_documents import (
    OF_THE_ESTATE,
    WAYS,
    Asked,
    asked,
    documents,
    harmful,
    harmless,
    root_fields,
)
from tests.e2e.rights_estate import Estate
from tests.e2e.running_system import RunningSystem
from tests.e2e.stored_rows import stored_rows

REFUSALS = {"UNAUTHORIZED_FIELD_OR_TYPE", "FORBIDDEN", "UNAUTHENTICATED"}
USERS = (HERE / "users.graphql").read_text()
# There would be no session for the next cell, or nothing left to do. The last test does them.
ONLY_ONCE = {"Mutation.logout", "Mutation.setupPaymentMethod", "Mutation.requestDataExport"}
# What was never mailed, and what no device has answered, leaves all as it is.
NEEDS_AN_ANSWER = {"Mutation.confirmEmailChange", "Mutation.confirmPasskey"}
# It ends the account, or the others have guessed too many codes by now.
NEEDS_SOMEBODY_NEW = {"Mutation.deleteMyAccount", "Mutation.confirmTotp", "Mutation.disableTotp"}


@dataclass(frozen=True)
class Place:
    """Where one can ask; *knows* only the fields of its schema."""

    name: str
    url: str
    subgraph: str | None = None

    def knows(self, field: str) -> bool:
        return self.subgraph is None or self.subgraph == subgraph_of(field)


def subgraph_of(field: str) -> str:
    kind, name = field.split(".")
    of_users = USERS.split(f"type {kind} {{")[1].split("\n}")[0]
    return "users" if f"\n  {name}" in of_users else "payments"


def places(system: RunningSystem) -> list[Place]:
    return [
        Place("the gateway", system.gateway_url),
        Place("the user subgraph", system.users_url, "users"),
        Place("the payment subgraph", system.payments_url, "payments"),
    ]


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        yield client


@dataclass(frozen=True)
class Told:
    """What was answered at one field."""

    value: Any
    codes: set[str]

    @property
    def is_refused(self) -> bool:
        return bool(self.codes & REFUSALS)

    @property
    def shows_something(self) -> bool:
        return self.value is not None and not (
            isinstance(self.value, dict) and self.value.get("code") == "NOT_FOUND"
        )


def ask(http: httpx.Client, place: Place, caller: Caller, document: str) -> dict[str, Any]:
    answer = http.post(f"{place.url}/graphql", json={"query": document}, headers=caller.headers)
    whole: dict[str, Any] = answer.json()
    return whole


def told(answer: dict[str, Any], key: str) -> Told:
    """An error without a path is about all that was asked."""
    errors = [each for each in answer.get("errors", ()) if each.get("path", [key])[0] == key]
    return Told((answer.get("data") or {}).get(key), {each["extensions"]["code"] for each in errors})


class Matrix:
    """Asks for cells and notes those that are wrong."""

    def __init__(self, system: RunningSystem, http: httpx.Client) -> None:
        self.places, self._http = places(system), http
        self.cells, self.wrong = 0, list[str]()

    def ask(self, caller: Caller, fields: dict[str, str], *, may: bool, ways: tuple[str, ...] = WAYS) -> None:
        """*fields*: each with its arguments. None of them is given to a caller who *may* not have it."""
        for place in self.places:
            for way in ways:
                by_kind = defaultdict[str, list[Asked]](list)
                for field, arguments in fields.items():
                    if place.knows(field):
                        by_kind[field.split(".")[0]].append(asked(field, way, arguments))
                for kind, cells in by_kind.items():
                    for document, some in documents(kind, way, cells):
                        self._judge(
                            caller, place, way, some, ask(self._http, place, caller, document), may=may
                        )

    def _judge(
        self, caller: Caller, place: Place, way: str, some: list[Asked], answer: dict[str, Any], *, may: bool
    ) -> None:
        for cell in some:
            self.cells += 1
            said = told(answer, cell.key)
            if not (_allowed_well if may else _denied_well)(caller, cell.field, said):
                self.wrong.append(
                    f"{cell.field} for {caller.name} by {place.name}, {way}, may={may}: {said} {answer}"
                )


def _denied_well(caller: Caller, field: str, said: Told) -> bool:
    """Who may not ask hears so; who may, but not for this, hears no more than that there is nothing."""
    return not said.shows_something and (said.is_refused or caller.may_ask(field))


def _allowed_well(caller: Caller, field: str, said: Told) -> bool:
    must_show = field.startswith("Query.") and touches(caller, field)
    return said.codes <= {"BAD_USER_INPUT"} and (said.shows_something or not must_show)


def touches(caller: Caller, field: str) -> bool:
    return field in OF_THE_ESTATE and caller.may_touch_the_estate(field)


def guarded_fields() -> list[str]:
    return [field for field in root_fields() if RULES[field] != "anybody"]


def is_denied(caller: Caller, field: str) -> bool:
    return not (caller.may_touch_the_estate(field) if field in OF_THE_ESTATE else caller.may_ask(field))


@contextmanager
def nothing_stirs(system: RunningSystem) -> Iterator[None]:
    """Inside the block nothing is written but for requests: all is delivered, and the payment worker stands still."""
    eventually(lambda: _on_its_way(system), lambda waiting: not waiting)
    worker = system.pids()["payment_worker"]
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def _on_its_way(system: RunningSystem) -> list[object]:
    """Webhooks that Stripe has not delivered, or nobody has worked on; mails that were not sent."""
    state = httpx.get(
        f"{system.fake_stripe_url}/_fake/webhook_deliveries", trust_env=False, timeout=60
    ).json()
    pending = [each for each in state["deliveries"] if each["state"] == "pending"]
    waiting = _rows(system, "payments", "SELECT id FROM provider_events WHERE state = 'RECEIVED'")
    return [*pending, *waiting, *_mails_to_send(system)]


def _mails_to_send(system: RunningSystem) -> list[object]:
    return _rows(system, "users", "SELECT id FROM outgoing_mails")


def _rows(system: RunningSystem, database: str, query: str) -> list[object]:
    with closing(sqlite3.connect(system.data_dir / f"{database}.sqlite3", timeout=60)) as connection:
        return connection.execute(query).fetchall()


def test_what_is_denied_is_neither_shown_nor_done(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    """With arguments that would show or change something. No row of either database is another one afterwards."""
    matrix = Matrix(own_system, http)
    with nothing_stirs(own_system):
        before = stored_rows(own_system)
        for caller in callers:
            denied = [field for field in guarded_fields() if is_denied(caller, field)]
            matrix.ask(caller, {field: harmful(field, estate.ids) for field in denied}, may=False)
        after = stored_rows(own_system)

    print(matrix.cells, "cells")
    assert not matrix.wrong, "\n".join(matrix.wrong)
    assert [table for table in before if before[table] != after[table]] == []


def test_what_is_allowed_is_not_refused(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    """Queries for what is there; mutations of what is not, so that one cell does not spoil the next, and by one way only."""
    matrix = Matrix(own_system, http)
    for caller in callers:
        allowed = {field for field in guarded_fields() if not is_denied(caller, field)} - ONLY_ONCE
        fields = {field: _allowed_arguments(caller, field, estate) for field in sorted(allowed)}
        for kind, ways in (("Query.", WAYS), ("Mutation.", WAYS[:1])):
            some = {field: given for field, given in fields.items() if field.startswith(kind)}
            matrix.ask(caller, some, may=True, ways=ways)

    print(matrix.cells, "cells")
    assert not matrix.wrong, "\n".join(matrix.wrong)


def test_what_anybody_may_ask_nobody_is_refused(
    own_system: RunningSystem, http: httpx.Client, callers: list[Caller]
) -> None:
    """Once each, for there is nothing to get round, and most of it hashes a password. A stale token is no hindrance."""
    matrix = Matrix(own_system, http)
    for_anybody = {field: harmless(field) for field in root_fields() if RULES[field] == "anybody"}
    for caller in callers:
        matrix.ask(caller, for_anybody, may=True, ways=WAYS[:1])

    print(matrix.cells, "cells")
    assert not matrix.wrong, "\n".join(matrix.wrong)


def _allowed_arguments(caller: Caller, field: str, estate: Estate) -> str:
    shows = field.startswith("Query.") and touches(caller, field)
    return harmful(field, estate.ids) if shows else harmless(field)


def test_each_denied_mutation_would_have_changed_something(
    own_system: RunningSystem, http: httpx.Client, estate: Estate, callers: list[Caller]
) -> None:
    """Else it would prove nothing that rows stayed as they were. The last test: little is left of the estate."""
    gateway, by_name = places(own_system)[0], {caller.name: caller for caller in callers}
    guarded = {field for field in guarded_fields() if field.startswith("Mutation.")} - NEEDS_AN_ANSWER
    idle = []
    with nothing_stirs(own_system):
        for field in sorted(sorted(guarded), key=_ends_something):
            caller = _who_may(own_system, field, by_name)
            before = stored_rows(own_system)
            [(document, _)] = documents(
                "Mutation", "plain", [asked(field, "plain", harmful(field, estate.ids))]
            )
            answer = ask(http, gateway, caller, document)
            if stored_rows(own_system) == before:
                idle.append((field, answer))

    assert not idle


def _ends_something(field: str) -> int:
    """Where it comes in the order: what is needed by another ends last."""
    last = [
        f"Mutation.{name}"
        for name in ("removePaymentMethod", "changePassword", "logout", "deleteMyAccount", "deleteUser")
    ]
    return last.index(field) + 1 if field in last else 0


def _who_may(system: RunningSystem, field: str, callers: dict[str, Caller]) -> Caller:
    if field in NEEDS_SOMEBODY_NEW:
        _, new = confirmed_customer(system)
        eventually(lambda: _mails_to_send(system), lambda mails: not mails)
        return Caller("somebody new", new.token, scopes=None)
    return callers["owner"] if callers["owner"].may_touch_the_estate(field) else callers["admin"]
