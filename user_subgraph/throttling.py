"""Counting what may be done only so often, and refusing the rest.

Counted is before the work: a guess before its password is hashed, so that guesses in one request or at one moment
are as many as they are. What is refused is not counted and costs next to nothing.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from user_subgraph.audit import Action, Caller, noted
from user_subgraph.audit_repository import AuditLog
from user_subgraph.bounds import Bound, Bounds, Throttled
from user_subgraph.client_address import client_network
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import DomainError, InvalidCredentialsError, RateLimitedError
from user_subgraph.moving_windows import Key, MovingWindows, Place
from user_subgraph.user_input import FieldProblem, email_address
from user_subgraph.user_repository import UserRepository

_RECORDED_AS = {
    Throttled.LOGIN: Action.LOGIN_THROTTLED,
    Throttled.REAUTHENTICATION: Action.REAUTHENTICATION_THROTTLED,
    Throttled.REGISTRATION: Action.REGISTRATION_THROTTLED,
    Throttled.PASSKEY_LOGIN: Action.PASSKEY_LOGIN_THROTTLED,
    Throttled.MAIL: Action.MAIL_THROTTLED,
    Throttled.EMAIL_CHANGE: Action.EMAIL_CHANGE_THROTTLED,
    Throttled.REFRESH_TOKEN: Action.REFRESH_TOKEN_THROTTLED,
}


@dataclass(frozen=True)
class _Counter:
    """One bound of one account or client, or of all together. *whose*: `account`, `client` or `all`."""

    whose: str
    key: Key
    bound: Bound


@dataclass(frozen=True)
class Throttling:
    """`tells_clients_apart`: the network addresses that requests come from are those of the clients.

    If they may all be the gateway's, nothing is counted by them: one guesser would lock out everybody.
    """

    bounds: Mapping[Throttled, Bounds]
    windows: MovingWindows
    database: Database
    clock: Clock
    tells_clients_apart: bool

    @contextmanager
    def guess(self, what: Throttled, email: str, caller: Caller) -> Iterator[None]:
        """Around the judging of a password: a wrong one stays counted (`InvalidCredentialsError`, or any fault).

        Raises `RateLimitedError` instead of running the block. No transaction may be open: the refusal is recorded.
        Every other `DomainError` is told after the right password, or without a look at it. A right one gives back its
        own place only, so that a login wipes out nobody's guesses, not even those at the same account.
        """
        places = self._taken(what, email, caller)
        try:
            yield
        except InvalidCredentialsError:
            raise
        except DomainError:
            _give_back(places)
            raise
        _give_back(places)

    @contextmanager
    def attempt(self, what: Throttled, email: str, caller: Caller) -> Iterator[None]:
        """Around what counts however it ends, unless it could not even begin (`RateLimitedError`)."""
        places = self._taken(what, email, caller)
        try:
            yield
        except RateLimitedError:
            _give_back(places)
            raise

    def count(self, what: Throttled, email: str | None, caller: Caller) -> None:
        """What has happened already; raises `RateLimitedError`. No transaction may be open."""
        self._taken(what, email, caller)

    def has_room(self, what: Throttled, name: str) -> bool:
        """Takes a place of the account *name*, if one is left. Nobody is refused anything, so nothing is recorded."""
        bound = self.bounds[what].per_account
        if bound is None:
            return True
        return self.windows.take(_counter(what, "account", name, bound).key, bound) is not None

    def _taken(self, what: Throttled, email: str | None, caller: Caller) -> list[Place]:
        places: list[Place] = []
        for counter in self._counters(what, email, caller):
            place = self.windows.take(counter.key, counter.bound)
            if place is None:
                _give_back(places)
                raise self._refusal(what, counter, email, caller)
            places.append(place)
        return places

    def _counters(self, what: Throttled, email: str | None, caller: Caller) -> Iterator[_Counter]:
        """The client's first, the account's last: who is over one of the others takes no place of an account."""
        bounds = self.bounds[what]
        if bounds.per_client and caller.ip_address and self.tells_clients_apart:
            yield _counter(what, "client", client_network(caller.ip_address), bounds.per_client)
        if bounds.in_all:
            yield _counter(what, "all", "", bounds.in_all)
        if bounds.per_account and email is not None:
            yield _counter(what, "account", _address(email) or email, bounds.per_account)

    def _refusal(
        self, what: Throttled, counter: _Counter, email: str | None, caller: Caller
    ) -> RateLimitedError:
        wait_s = self.windows.wait_s(counter.key, counter.bound)
        once = Bound(1, counter.bound.window_s)
        if self.windows.take(replace(counter.key, kind=f"recorded:{counter.key.kind}"), once):
            self._record(what, counter, email, caller)
        return RateLimitedError(retry_after_seconds=max(1, math.ceil(wait_s)))

    def _record(self, what: Throttled, counter: _Counter, email: str | None, caller: Caller) -> None:
        """The same statements for known and unknown addresses: the time they take must not tell them apart."""
        address = None if email is None else _address(email)
        with self.database.writing() as session:
            subject = None if address is None else UserRepository(session).id_of(address)
            facts = noted(bound=counter.whose)
            AuditLog(session, caller).record(_RECORDED_AS[what], self.clock(), subject=subject, changes=facts)


def _counter(what: Throttled, whose: str, name: str, bound: Bound) -> _Counter:
    """Names of keys are all of one length, and show nobody's address to who looks into Redis."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return _Counter(whose, Key(f"{what.value}:{whose}", digest), bound)


def _address(email: str) -> str | None:
    """As accounts are found by it; `None` if it is none, and so nobody's."""
    try:
        return email_address(email)
    except FieldProblem:
        return None


def _give_back(places: list[Place]) -> None:
    for place in places:
        place.give_back()
