"""What could cost the account needs a login of just now, with the second factor if the account has one."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from user_subgraph.errors import ReauthenticationRequiredError
from user_subgraph.mfa import is_fresh
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.user import User


def require_fresh_login(
    session: Session, viewer: Viewer, user: User, now: datetime, within: timedelta
) -> None:
    """Raises `ReauthenticationRequiredError`: the client has to log in anew, and use the new tokens."""
    login = SessionRepository(session).running_one(viewer.session_id, now)
    if login is None or not is_fresh(login, user, now, within):
        raise ReauthenticationRequiredError
