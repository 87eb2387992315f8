"""Sending the mails that are due, beside the requests: no answer waits for a mail server, or tells of one."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from user_subgraph.bounds import Throttled
from user_subgraph.clock import Clock
from user_subgraph.database import Database
from user_subgraph.errors import MailNotCarried
from user_subgraph.mail import Letterhead, MailKind, OutgoingMail, token_life
from user_subgraph.mail_carriers import MailCarrier
from user_subgraph.one_time_token import (
    OneTimeToken,
    may_be_mailed,
)
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.outgoing_mails import OutgoingMails
from user_subgraph.random_secret import new_secret, secret_hash
from user_subgraph.throttling import Throttling
from user_subgraph.user import User, UserStatus
from user_subgraph.user_repository import UserRepository

logger = logging.getLogger(__name__)

# Longer than any conversation with a server that answers at all.
TAKEN_FOR = timedelta(minutes=10)
# A mail server that makes us wait must not make mails that are not sent hold up the others.
LONGEST_WAIT_S = 2


@dataclass
class Pace:
    """How long a mail takes; one that is not sent is to take as long as the last one that was.

    Else the mail that comes next would come sooner after one to an address that nobody has, and who asked for both
    could tell. *seconds*: a clock; *wait*: lets so many of them pass.
    """

    seconds: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = time.sleep
    last: float = 0

    @contextmanager
    def of_a_mail(self) -> Iterator[None]:
        began = self.seconds()
        try:
            yield
        finally:
            self.last = min(self.seconds() - began, LONGEST_WAIT_S)

    def keep(self) -> None:
        self.wait(self.last)


@dataclass(frozen=True)
class _Envelope:
    mail: OutgoingMail
    token: str | None
    is_wanted: bool


@dataclass(frozen=True)
class MailDelivery:
    """At least once: who dies between sending a mail and noting so sends it again."""

    database: Database
    carrier: MailCarrier
    letterhead: Letterhead
    clock: Clock
    throttling: Throttling
    pace: Pace = field(default_factory=Pace)

    def deliver_all_due(self) -> int:
        """Gives how many were tried."""
        tried = 0
        while (envelope := self._taken()) is not None:
            self._deliver(envelope)
            tried += 1
        return tried

    def _taken(self) -> _Envelope | None:
        """No transaction is open while a server is talked to."""
        now = self.clock()
        with self.database.writing() as session:
            mail = OutgoingMails(session).taken(now, now + TAKEN_FOR)
        if mail is None:
            return None
        # In a transaction of its own: who erases an account locks it before its mails.
        with self.database.writing() as session:
            return _sealed(session, mail, now)

    def _deliver(self, envelope: _Envelope) -> None:
        mail = envelope.mail
        if envelope.is_wanted and self._has_room(mail):
            try:
                with self.pace.of_a_mail():
                    self.carrier.carry(self.letterhead.message(mail, envelope.token, self.clock()))
            except MailNotCarried as error:
                return self._put_off(mail, error.reason)
            except Exception as fault:
                logger.exception("mail could not be made or carried", extra={"mail": mail.id})
                return self._put_off(mail, type(fault).__name__)
            logger.info("mail sent", extra={"mail": mail.id, "kind": mail.kind.value})
        else:
            self.pace.keep()
        with self.database.writing() as session:
            OutgoingMails(session).forget(mail)
        return None

    def _has_room(self, mail: OutgoingMail) -> bool:
        """Of each kind of notice for itself: many of one kind must not hide one of another."""
        if not mail.kind.is_notice or mail.attempts > 1:
            return True
        has_room = self.throttling.has_room(Throttled.NOTICE, f"{mail.kind.value} {mail.recipient}")
        if not has_room:
            logger.warning("notice left out", extra={"mail": mail.id, "kind": mail.kind.value})
        return has_room

    def _put_off(self, mail: OutgoingMail, reason: str) -> None:
        again_at = mail.next_attempt_at(self.clock())
        with self.database.writing() as session:
            if again_at is None:
                OutgoingMails(session).forget(mail)
            else:
                OutgoingMails(session).put_off(mail, again_at)
        outcome = "mail given up" if again_at is None else "mail not sent yet"
        facts = {"mail": mail.id, "kind": mail.kind.value, "attempts": mail.attempts, "reason": reason}
        logger.warning(outcome, extra=facts)


def _sealed(session: Session, mail: OutgoingMail, now: datetime) -> _Envelope:
    users = UserRepository(session)
    user = _owner(users, mail.recipient) if mail.about is None else users.locked(mail.about)
    if user is None or not _concerns(mail, user) or not OutgoingMails(session).waits(mail):
        return _Envelope(mail, None, is_wanted=False)
    if mail.kind is MailKind.CHANGE_EMAIL and (other := users.id_of(mail.recipient)):
        mail = replace(mail, kind=MailKind.ADDRESS_IN_USE)
        return _Envelope(mail, None, is_wanted=may_be_mailed(users.by_ids([other])[other]))
    mail = _fitting(mail, user)
    if mail.kind.purpose is None:
        return _Envelope(mail, None, is_wanted=True)
    token = new_secret()
    for_whom = OneTimeToken(user.id, mail.recipient)
    expires_at = now + token_life(mail.kind)
    OneTimeTokens(session).add(for_whom, mail.kind.purpose, secret_hash(token), mail.id, expires_at)
    return _Envelope(mail, token, is_wanted=True)


def _fitting(mail: OutgoingMail, user: User) -> OutgoingMail:
    """Who first gave an address that is not confirmed need not be its owner: who comes later can make the account theirs."""
    unconfirmed = mail.kind is MailKind.ALREADY_REGISTERED and not user.email_verified
    return replace(mail, kind=MailKind.CLAIM_ACCOUNT) if unconfirmed else mail


def _owner(users: UserRepository, address: str) -> User | None:
    """Locked, so that nobody who is being erased is left a token."""
    owner = users.id_of(address)
    user = None if owner is None else users.locked(owner)
    return user if user is not None and user.email == address else None


def _concerns(mail: OutgoingMail, user: User) -> bool:
    """Whether it is to be sent, as the account is now."""
    match mail.kind:
        case MailKind.VERIFY_EMAIL:
            return may_be_mailed(user) and not user.email_verified
        case MailKind.CHANGE_EMAIL:
            return user.is_active and user.email != mail.recipient
        case kind if kind.is_notice:
            return user.status is not UserStatus.DELETED
        case _:
            return may_be_mailed(user)
