"""What could cost the account needs a login of just now, with the second factor if the account has one."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from user_subgraph.errors import ReauthenticationRequiredError, Unauthenticated
from user_subgraph.mfa import is_fresh
from user_subgraph.session_repository import SessionRepository
from user_subgraph.tokens import Viewer
from user_subgraph.user import User
from user_subgraph.user_repository import UserRepository


def require_fresh_login(
    session: Session, viewer: Viewer, user: User, now: datetime, within: timedelta
) -> None:
    """Raises `ReauthenticationRequiredError`: the client has to log in anew, and use the new tokens."""
    login = SessionRepository(session).running_one(viewer.session_id, now)
    if login is None or not is_fresh(login, user, now, within):
        raise ReauthenticationRequiredError


def account_to_prove(
    session: Session, viewer: Viewer, now: datetime, within: timedelta
) -> tuple[User, str | None]:
    """The viewer and their password hash, for what the current password is asked for.

    Raises `Unauthenticated`, or `ReauthenticationRequiredError` where there is a second factor and it was not proved of
    late: whoever has found out the password shall not get by on that.
    """
    users = UserRepository(session)
    user = users.logged_in(viewer.user_id, viewer.session_id, now)
    if user is None:
        raise Unauthenticated
    if user.mfa_enabled:
        require_fresh_login(session, viewer, user, now, within)
    return user, users.password_hash_of(user.id)
