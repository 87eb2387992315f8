"""What is mailed: the kinds of mails, their texts, and when a mail that could not be sent is tried again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Template

from email_validator import EmailNotValidError, validate_email

from user_subgraph.errors import MailNotCarried
from user_subgraph.one_time_token import Purpose
from user_subgraph.user import UserId

TEMPLATES = Path(__file__).with_name("mail_templates")
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_LINE = 998
# A mail server that is away for longer is no interruption any more.
GIVEN_UP_AFTER = timedelta(days=3)


class MailKind(StrEnum):
    """The name of the template, too."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - the name of a mail
    CLAIM_ACCOUNT = "CLAIM_ACCOUNT"
    INVITATION = "INVITATION"
    CHANGE_EMAIL = "CHANGE_EMAIL"
    ADDRESS_IN_USE = "ADDRESS_IN_USE"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - the name of a mail
    SECOND_FACTOR_ENABLED = "SECOND_FACTOR_ENABLED"
    SECOND_FACTOR_DISABLED = "SECOND_FACTOR_DISABLED"
    AUTHENTICATOR_REMOVED = "AUTHENTICATOR_REMOVED"  # and passkeys stay
    PASSKEY_ADDED = "PASSKEY_ADDED"
    PASSKEY_REMOVED = "PASSKEY_REMOVED"  # and there is another factor
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    SECOND_FACTOR_TAKEN = "SECOND_FACTOR_TAKEN"  # by the operator
    DATA_EXPORT_READY = "DATA_EXPORT_READY"
    LOGIN_ENDED = "LOGIN_ENDED"  # an old refresh token came back

    @property
    def purpose(self) -> Purpose | None:
        """What the mail's token is good for; `None`: there is none in it."""
        return _PURPOSES.get(self)

    @property
    def is_notice(self) -> bool:
        """Whether it tells the owner of an account what was done to it."""
        return self in _NOTICES


_PURPOSES = {
    MailKind.VERIFY_EMAIL: Purpose.VERIFY_EMAIL,
    MailKind.RESET_PASSWORD: Purpose.RESET_PASSWORD,
    MailKind.CLAIM_ACCOUNT: Purpose.RESET_PASSWORD,
    MailKind.INVITATION: Purpose.INVITATION,
    MailKind.CHANGE_EMAIL: Purpose.CHANGE_EMAIL,
}
_NOTICES = frozenset(
    {
        MailKind.EMAIL_CHANGED,
        MailKind.PASSWORD_CHANGED,
        MailKind.SECOND_FACTOR_ENABLED,
        MailKind.SECOND_FACTOR_DISABLED,
        MailKind.AUTHENTICATOR_REMOVED,
        MailKind.PASSKEY_ADDED,
        MailKind.PASSKEY_REMOVED,
        MailKind.RECOVERY_CODE_USED,
        MailKind.SECOND_FACTOR_TAKEN,
        MailKind.DATA_EXPORT_READY,
        MailKind.LOGIN_ENDED,
    }
)
_LIVES = {
    MailKind.VERIFY_EMAIL: timedelta(days=1),
    MailKind.RESET_PASSWORD: timedelta(hours=1),
    MailKind.CLAIM_ACCOUNT: timedelta(hours=1),
    MailKind.INVITATION: timedelta(days=7),
    MailKind.CHANGE_EMAIL: timedelta(days=1),
}
# A page a kind, not a purpose: who was invited wants to read something else than who forgot a password.
_PAGES = {
    MailKind.VERIFY_EMAIL: "verify-email",
    MailKind.RESET_PASSWORD: "reset-password",
    MailKind.CLAIM_ACCOUNT: "claim-account",
    MailKind.INVITATION: "accept-invitation",
    MailKind.CHANGE_EMAIL: "confirm-email-change",
    MailKind.DATA_EXPORT_READY: "download-data",
}
_MUTATIONS = {
    Purpose.VERIFY_EMAIL: "verifyEmail",
    Purpose.RESET_PASSWORD: "resetPassword",
    Purpose.INVITATION: "resetPassword",
    Purpose.CHANGE_EMAIL: "confirmEmailChange",
}
_NOT_NAMED = "(its name was not noted)"
_QUERY_OF_EXPORT = "{ dataExport { downloadUrl } }"


@dataclass(frozen=True)
class OutgoingMail:
    """A mail that was asked for. *recipient* need not be anybody's address: who asks must not find out.

    *about*: whose account it is about; `None`: that of the recipient, if there is one. *what*: what of that account a
    notice is about, such as the name of a passkey; `None` where its kind says all.
    """

    id: str
    kind: MailKind
    recipient: str
    about: UserId | None
    attempts: int
    created_at: datetime
    what: str | None = None

    def next_attempt_at(self, now: datetime) -> datetime | None:
        """After a failed one; `None` gives up."""
        if now - self.created_at >= GIVEN_UP_AFTER:
            return None
        pause = FIRST_PAUSE * (1 << min(self.attempts, 12))
        return now + min(pause, LONGEST_PAUSE)


def token_life(kind: MailKind) -> timedelta:
    return _LIVES[kind]


@dataclass(frozen=True)
class Letterhead:
    """What all mails have in common. *link_base*: where the pages of the links are; `None`: there are none."""

    sender: str
    link_base: str | None

    def message(self, mail: OutgoingMail, token: str | None, now: datetime) -> EmailMessage:
        """Every attempt has the same Message-ID, so that who gets two of them can tell.

        Raises `MailNotCarried` for an address that mails cannot be sent to.
        """
        subject, text = _template(mail.kind)
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = _mailbox(mail.recipient)
        message["Subject"] = subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{mail.id}@{_mailbox(self.sender).rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers by machines
        whole = Template(text).substitute(how=self._how(mail.kind, token), what=mail.what or _NOT_NAMED)
        message.set_content(whole, cte=_encoding(whole))
        return message

    def _how(self, kind: MailKind, token: str | None) -> str:
        if kind not in _PAGES:
            return ""
        if self.link_base is None:
            return _how_without_pages(kind, token)
        # A fragment: browsers send it to no server, so it is in no log on the way.
        fragment = "" if token is None else f"#token={token}"
        return f"Open this link:\n\n  {self.link_base}/{_PAGES[kind]}{fragment}"


def _how_without_pages(kind: MailKind, token: str | None) -> str:
    if kind.purpose is None:
        return f"Ask for its address with the query:\n\n  {_QUERY_OF_EXPORT}"
    return f"Send this token with the mutation {_MUTATIONS[kind.purpose]}:\n\n  {token}"


@cache
def _template(kind: MailKind) -> tuple[str, str]:
    """Subject and text."""
    first, _, text = (TEMPLATES / f"{kind.value}.txt").read_text(encoding="utf-8").partition("\n\n")
    return first.removeprefix("Subject: "), text


def _encoding(text: str) -> str | None:
    """As it is, where RFC 5322 (2.1.1) lets it: quoted-printable cuts a link in two, which then cannot be opened in a mail's file.

    `None`: the library chooses.
    """
    longest = max(map(len, text.splitlines()))
    return "7bit" if text.isascii() and longest <= LONGEST_LINE else None


def _mailbox(address: str) -> str:
    """Accounts have the Unicode form; mail servers are sure to know the ASCII one, where there is one."""
    try:
        parts = validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        raise MailNotCarried("the address is none") from error
    return parts.ascii_email or parts.normalized
