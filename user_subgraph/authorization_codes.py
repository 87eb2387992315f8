"""Authorization codes in the database, by their hashes. Used ones stay until they expire, so that a second use is noticed."""

from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session

from user_subgraph.authorization_code import AuthorizationCode
from user_subgraph.session_repository import UNSYNCHRONISED
from user_subgraph.tables import AuthorizationCodeRow
from user_subgraph.user import UserId


class AuthorizationCodes:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, code: AuthorizationCode, code_hash: str) -> None:
        row = {
            "code_hash": code_hash,
            "client_id": code.client_id,
            "user_id": code.user_id,
            "redirect_uri": code.redirect_uri,
            "scopes": " ".join(sorted(code.scopes)),
            "code_challenge": code.code_challenge,
            "amr": code.amr,
            "expires_at": code.expires_at,
        }
        self._session.execute(insert(AuthorizationCodeRow).values(row))

    def of_client(self, code_hash: str, client_id: str) -> AuthorizationCode | None:
        """The code, if it was given to that client, whether it is still good or not."""
        return self._one(_of_client(code_hash, client_id))

    def locked(self, code_hash: str, client_id: str) -> AuthorizationCode | None:
        """The same, and nobody else can use it until this transaction ends."""
        return self._one(_of_client(code_hash, client_id).with_for_update())

    def note_session(self, code_hash: str, session_id: str) -> None:
        """It is used up."""
        one = update(AuthorizationCodeRow).where(AuthorizationCodeRow.code_hash == code_hash)
        self._session.execute(one.values(session_id=session_id), **UNSYNCHRONISED)

    def _one(self, statement: Select[AuthorizationCodeRow]) -> AuthorizationCode | None:
        row = self._session.scalar(statement.execution_options(populate_existing=True))
        return None if row is None else _code(row)


def _of_client(code_hash: str, client_id: str) -> Select[AuthorizationCodeRow]:
    given = AuthorizationCodeRow.code_hash == code_hash, AuthorizationCodeRow.client_id == client_id
    return select(AuthorizationCodeRow).where(*given)


def _code(row: AuthorizationCodeRow) -> AuthorizationCode:
    return AuthorizationCode(
        client_id=row.client_id,
        user_id=UserId(row.user_id),
        redirect_uri=row.redirect_uri,
        scopes=frozenset(row.scopes.split()),
        code_challenge=row.code_challenge,
        amr=row.amr,
        expires_at=row.expires_at,
        session_id=row.session_id,
    )
