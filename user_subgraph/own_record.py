"""What this service has stored about a person, as a document for them.

Of others it tells nothing: who else acted is "somebody else", and where they acted from stays out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from user_subgraph.audit import AuditEvent
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.audit_repository import audit_page
from user_subgraph.login_session import LoginSession
from user_subgraph.passkey import Passkey
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.second_factor_repository import SecondFactorRepository
from user_subgraph.session_repository import SessionRepository
from user_subgraph.user import User, UserId
from user_subgraph.user_page import MAX_PAGE_SIZE

Document = Mapping[str, Any]


def own_record(session: Session, user: User) -> Document:
    return {
        "profile": _profile(user),
        "secondFactor": _second_factor(session, user),
        "passkeys": [_passkey(passkey) for passkey in PasskeyRepository(session).of(user.id)],
        "sessions": [_login(login) for login in SessionRepository(session).kept_of(user.id)],
        "events": [_event(event, user.id) for event in _events(session, user.id)],
    }


def _profile(user: User) -> Document:
    return {
        "id": user.id,
        "email": user.email,
        "emailVerified": user.email_verified,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "displayName": user.display_name,
        "phone": user.phone,
        "locale": user.locale,
        "status": user.status.value,
        "roles": sorted(role.value for role in user.roles),
        "createdAt": _moment(user.created_at),
        "updatedAt": _moment(user.updated_at),
        "lastLoginAt": _moment(user.last_login_at),
    }


def _second_factor(session: Session, user: User) -> Document:
    left = SecondFactorRepository(session).recovery_codes_left(user.id)
    return {"enabled": user.mfa_enabled, "recoveryCodesLeft": left}


def _passkey(passkey: Passkey) -> Document:
    return {
        "id": passkey.id,
        "name": passkey.name,
        "createdAt": _moment(passkey.created_at),
        "lastUsedAt": _moment(passkey.last_used_at),
    }


def _login(login: LoginSession) -> Document:
    return {
        "id": login.id,
        "createdAt": _moment(login.created_at),
        "lastUsedAt": _moment(login.last_used_at),
        "expiresAt": _moment(login.expires_at),
        "revokedAt": _moment(login.revoked_at),
        "provedBy": login.amr.split(),
        "ipAddress": login.ip_address,
        "userAgent": login.user_agent,
        "appName": login.client_name,
    }


def _events(session: Session, user_id: UserId) -> Iterator[AuditEvent]:
    """Newest first, a page at a time."""
    after = None
    while True:
        page = audit_page(session, AuditFilter(user_id), AuditPageRequest(MAX_PAGE_SIZE, after))
        yield from page.items
        if not page.has_more:
            return
        after = page.items[-1].id


def _event(event: AuditEvent, user_id: UserId) -> Document:
    from_elsewhere = event.actor_id not in {None, user_id}
    return {
        "id": event.id,
        "action": event.action,
        "at": _moment(event.created_at),
        "by": _who(event.actor_id, user_id),
        "about": _who(event.subject_id, user_id),
        "changes": [{"field": one.field, "from": one.before, "to": one.after} for one in event.changes],
        "ipAddress": None if from_elsewhere else event.ip_address,
        "requestId": None if from_elsewhere else event.request_id,
    }


def _who(somebody: UserId | None, user_id: UserId) -> str | None:
    if somebody is None:
        return None
    return "you" if somebody == user_id else "somebody else"


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
