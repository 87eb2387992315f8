"""OAuth 2 clients in the database."""

from collections.abc import Sequence

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.orm import Session

from user_subgraph.oauth_client import OAuthClient, is_client_id
from user_subgraph.session_repository import UNSYNCHRONISED
from user_subgraph.tables import OAuthClientRow, SessionRow


class OAuthClients:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, client: OAuthClient) -> None:
        row = {
            "id": client.id,
            "name": client.name,
            "secret_hash": client.secret_hash,
            "redirect_uris": list(client.redirect_uris),
            "scopes": " ".join(sorted(client.scopes)),
            "created_at": client.created_at,
        }
        self._session.execute(insert(OAuthClientRow).values(row))

    def by_id(self, client_id: str) -> OAuthClient | None:
        row = self._session.get(OAuthClientRow, client_id) if is_client_id(client_id) else None
        return None if row is None else _client(row)

    def all(self) -> Sequence[OAuthClient]:
        """The oldest first."""
        return [
            _client(row) for row in self._session.scalars(select(OAuthClientRow).order_by(OAuthClientRow.id))
        ]

    def set_secret(self, client_id: str, secret_hash: str) -> None:
        one = update(OAuthClientRow).where(OAuthClientRow.id == client_id)
        self._session.execute(one.values(secret_hash=secret_hash), **UNSYNCHRONISED)

    def remove(self, client_id: str) -> bool:
        """With its codes and its sessions and their refresh tokens (foreign keys cascade). Whether it was there.

        The client first: that waits for whoever changes one of its codes for a session, which then is there to be removed.
        """
        result = self._session.execute(
            delete(OAuthClientRow).where(OAuthClientRow.id == client_id), **UNSYNCHRONISED
        )
        self._session.execute(delete(SessionRow).where(SessionRow.client_id == client_id), **UNSYNCHRONISED)
        assert isinstance(result, CursorResult)  # noqa: S101 - tells the type checker what a DELETE gives
        return result.rowcount > 0


def _client(row: OAuthClientRow) -> OAuthClient:
    return OAuthClient(
        id=row.id,
        name=row.name,
        secret_hash=row.secret_hash,
        redirect_uris=tuple(row.redirect_uris),
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
    )
