"""One-time tokens in the database."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from user_subgraph.one_time_token import OneTimeToken, Purpose
from user_subgraph.tables import OneTimeTokenRow
from user_subgraph.user import UserId


class OneTimeTokens:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self, token: OneTimeToken, purpose: Purpose, token_hash: str, mail_id: str, expires_at: datetime
    ) -> None:
        """Takes the place of those of other mails with the same purpose. Those of earlier attempts at the same mail stay: it may have come."""
        others = OneTimeTokenRow.user_id == token.user_id, OneTimeTokenRow.purpose == purpose.value
        self._session.execute(
            delete(OneTimeTokenRow).where(*others, OneTimeTokenRow.mail_id != mail_id), **_UNSYNCHRONISED
        )
        row = {
            "token_hash": token_hash,
            "purpose": purpose.value,
            "user_id": token.user_id,
            "address": token.address,
            "mail_id": mail_id,
            "expires_at": expires_at,
        }
        self._session.execute(insert(OneTimeTokenRow).values(row))

    def valid(self, token_hash: str, purposes: Collection[Purpose], now: datetime) -> OneTimeToken | None:
        row = self._session.scalar(
            select(OneTimeTokenRow)
            .where(OneTimeTokenRow.token_hash == token_hash)
            .where(OneTimeTokenRow.purpose.in_([purpose.value for purpose in purposes]))
            .where(OneTimeTokenRow.expires_at > now)
            .execution_options(populate_existing=True)
        )
        return None if row is None else OneTimeToken(UserId(row.user_id), row.address)

    def forget(self, user_id: UserId, *purposes: Purpose) -> None:
        """The user's tokens for *purposes*, used or not."""
        whose = OneTimeTokenRow.user_id == user_id
        values = [purpose.value for purpose in purposes]
        self._session.execute(
            delete(OneTimeTokenRow).where(whose, OneTimeTokenRow.purpose.in_(values)), **_UNSYNCHRONISED
        )


# No row of this session is looked at after a bulk statement, so none needs to be brought up to date.
_UNSYNCHRONISED: Mapping[str, Any] = {"execution_options": {"synchronize_session": False}}
