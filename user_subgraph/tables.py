"""The tables, as SQLAlchemy sees them. Rows stay inside the repositories."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases: SQLite drops the zone, so it is taken off and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UserRow(Base):
    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(
            "status IN ('PENDING_VERIFICATION', 'ACTIVE', 'SUSPENDED', 'DELETED')", name="status"
        ),
        CheckConstraint("version > 0", name="version"),
        # For user_listing.py: each order, of each status by itself.
        Index(None, "status", "created_at", "id"),
        Index(None, "status", "email", "id"),
        Index(None, "status", "last_login_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    # Normalised by user_input.email_address, so plain uniqueness is case-insensitive uniqueness.
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    email_verified: Mapped[bool]
    # Null: nobody can log in as this user (yet).
    password_hash: Mapped[str | None] = mapped_column(String(255))
    first_name: Mapped[str | None] = mapped_column(String(100))
    last_name: Mapped[str | None] = mapped_column(String(100))
    display_name: Mapped[str | None] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(16))
    locale: Mapped[str | None] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(24))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mfa_enabled: Mapped[bool] = mapped_column(server_default=false())
    # When somebody last tried to register this address. Written on every try, known address or not, so
    # that both cost one committed write and the clock does not tell them apart.
    registration_tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int]

    roles: Mapped[list["UserRoleRow"]] = relationship(lazy="raise", cascade="all, delete-orphan")


class UserRoleRow(Base):
    __tablename__ = "user_roles"
    __table_args__ = (
        CheckConstraint("role IN ('CUSTOMER', 'SUPPORT', 'FINANCE', 'ADMIN')", name="role"),
        Index(None, "role"),
    )

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(24), primary_key=True)


class UserSearchKeyRow(Base):
    """What a user is found by (search_keys.py). Compared byte by byte, so that a beginning is a range."""

    __tablename__ = "user_search_keys"
    __table_args__ = (Index(None, "user_id"), {"sqlite_with_rowid": False})

    key: Mapped[str] = mapped_column(
        String(100).with_variant(String(100, collation="C"), "postgresql"), primary_key=True
    )
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)


class SessionRow(Base):
    """One login; all refresh tokens that descend from it form its family and die with it."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"), Index(None, "client_id"))

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # The scopes the client asked for at login, space-separated; null: all that the roles allow.
    asked_scopes: Mapped[str | None] = mapped_column(Text)
    # How the person proved who they are: RFC 8176's words, space-separated.
    amr: Mapped[str] = mapped_column(String(40), server_default="pwd")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The newest generation of its refresh tokens. The default is for SQLite, which adds no column without one.
    generation: Mapped[int] = mapped_column(server_default=text("1"))
    # Whence and with what it was last used. Personal data: who erases a person empties both.
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(256))
    # The app that the user has let in; null: they have logged in themselves. SQLite adds no foreign key to a table that
    # is there, so whoever removes an app removes its sessions.
    client_id: Mapped[str | None] = mapped_column(String(30))

    client: Mapped["OAuthClientRow | None"] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin=lambda: foreign(SessionRow.client_id) == OAuthClientRow.id,
    )


class OAuthClientRow(Base):
    """A program that may ask for tokens by OAuth 2."""

    __tablename__ = "oauth_clients"

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    # SHA-256, hexadecimal, of 256 random bits. Null: an app that can keep no secret.
    secret_hash: Mapped[str | None] = mapped_column(String(64))
    # Empty: a machine, which nobody is sent back to.
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    # The most it may have, space-separated.
    scopes: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuthorizationCodeRow(Base):
    """A consent, until the app has changed it for tokens, and then until it expires: a second use has to be noticed."""

    __tablename__ = "authorization_codes"
    __table_args__ = (Index(None, "user_id"), Index(None, "client_id"))

    # SHA-256, hexadecimal, of 256 random bits.
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_clients.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    redirect_uri: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[str] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(String(43))
    amr: Mapped[str] = mapped_column(String(40))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # No foreign key: the session may be gone before the code is.
    session_id: Mapped[str | None] = mapped_column(String(30))


class RefreshTokenRow(Base):
    """Never changed: how good a token is follows from its generation and the session's (login_session.py).

    So whoever has locked the session knows all of its tokens as they are.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id", "generation"),)

    # SHA-256, hexadecimal. The token is 256 random bits, so a slow hash would add nothing.
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TotpRow(Base):
    """A user's authenticator, and how often codes were guessed, also of who has none.

    The secrets are readable: codes are made from them (RFC 6238), as a hash could not.
    """

    __tablename__ = "totp"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    # Base32. Null: none is enabled (yet).
    secret: Mapped[str | None] = mapped_column(String(64))
    # The one of an enrolment that no code has confirmed yet; the old one is good until then.
    pending_secret: Mapped[str | None] = mapped_column(String(64))
    # The newest time step of which a code was taken.
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    guesses: Mapped[int]
    guessing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCodeRow(Base):
    __tablename__ = "recovery_codes"
    __table_args__ = (Index(None, "user_id"),)

    # SHA-256, hexadecimal, of 80 random bits.
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasskeyRow(Base):
    """Nothing in it is secret: the private half of the key never leaves the device."""

    __tablename__ = "passkeys"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    # COSE (RFC 9052).
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    # Space-separated.
    transports: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PasskeyEnrolmentRow(Base):
    """What the device of a user who wants to add a passkey has to sign."""

    __tablename__ = "passkey_enrolments"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MfaChallengeRow(Base):
    """A login whose password was right, and which waits for its second factor; or one that waits for a passkey alone."""

    __tablename__ = "mfa_challenges"
    __table_args__ = (Index(None, "user_id", "expires_at"),)

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Null: whoever the passkey says.
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    asked_scopes: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UserEventRow(Base):
    """What other services are told of a user, until each has been told. Never personal data: only whom it is about."""

    __tablename__ = "user_events"
    __table_args__ = (Index(None, "delivered_at", "next_attempt_at"),)

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[str] = mapped_column(String(30))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DataExportRow(Base):
    """A copy of a person's data that they asked for: of each person the newest, its document until it expires."""

    __tablename__ = "data_exports"
    __table_args__ = (
        CheckConstraint("status IN ('PENDING', 'READY', 'FAILED')", name="status"),
        Index(None, "status", "next_attempt_at"),
    )

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    status: Mapped[str] = mapped_column(String(8))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    document: Mapped[str | None] = mapped_column(Text)


class OneTimeTokenRow(Base):
    """A token that was mailed and not used yet."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (Index(None, "user_id"),)

    # SHA-256, hexadecimal, as of refresh tokens.
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(24))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # Where it was sent; the user may have another one by now.
    address: Mapped[str] = mapped_column(String(320))
    # Attempts at one mail have a token each.
    mail_id: Mapped[str] = mapped_column(String(31))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OutgoingMailRow(Base):
    """A mail to be sent; gone once it is. The text, with its token, is made when it is sent and never kept."""

    __tablename__ = "outgoing_mails"
    __table_args__ = (Index(None, "next_attempt_at"), Index(None, "recipient"), Index(None, "user_id"))

    id: Mapped[str] = mapped_column(String(31), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    # As it was asked for, so possibly nobody's: looking it up is for the sender, else the time would tell.
    recipient: Mapped[str] = mapped_column(String(320))
    # Whose account it is about, where that is known when it is asked for; null: that of the recipient, if any.
    # No foreign key: it would lock the user after a session, which others do the other way round.
    user_id: Mapped[str | None] = mapped_column(String(30))
    # What of the account a notice is about: the name of a passkey, say.
    what: Mapped[str | None] = mapped_column(String(200))
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditEventRow(Base):
    """Append-only: triggers refuse all but INSERT (migration 0002). No foreign keys: an event outlives its users."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "actor_id", "id"),
        Index(None, "subject_id", "id"),
        Index(None, "action", "id"),
        # Ids grow with time, so rows lie in the order they are read; and a row has no second name to replace it by.
        {"sqlite_with_rowid": False},
    )

    id: Mapped[str] = mapped_column(String(30), primary_key=True)
    action: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[str | None] = mapped_column(String(30))
    subject_id: Mapped[str | None] = mapped_column(String(30))
    # A list of {"field", "from", "to"}.
    changes: Mapped[list[dict[str, str | None]]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    origin: Mapped["AuditOriginRow | None"] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin=lambda: AuditEventRow.id == foreign(AuditOriginRow.event_id),
    )


class AuditOriginRow(Base):
    """Where a recorded act came from. A trigger refuses to change a row (migration 0005); it may be deleted.

    No foreign keys: a row is personal data, and nothing may stand in the way of its deletion.
    """

    __tablename__ = "audit_origins"
    __table_args__ = (Index(None, "owner_id"), {"sqlite_with_rowid": False})

    event_id: Mapped[str] = mapped_column(String(30), primary_key=True)
    # Whose address it is: who acted, or whose account was acted upon by somebody unknown.
    owner_id: Mapped[str | None] = mapped_column(String(30))
    ip_address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(64))
