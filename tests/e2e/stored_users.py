"""Users who are there already, written by the user subgraph's own code and run with its interpreter:

    DATA_DIR=… user_subgraph/.venv/bin/python -m tests.e2e.stored_users 100

Prints their ids as a JSON list, the oldest first. Nobody can log in as one of them.
"""

import json
import os
import sys
from datetime import timedelta

from ulid import ULID

from user_subgraph.clock import utc_now
from user_subgraph.database import Database
from user_subgraph.settings import Settings
from user_subgraph.user import Role, User, UserId, UserStatus
from user_subgraph.user_repository import UserRepository


def stored(database: Database, count: int) -> list[UserId]:
    users = [_user(number) for number in range(count)]
    with database.writing() as session:
        for user in users:
            UserRepository(session).add(user, None)
    return [user.id for user in users]


def _user(number: int) -> User:
    now = utc_now() + timedelta(milliseconds=number)
    return User(
        id=UserId(f"usr_{ULID()}".lower()),
        email=f"stored{number}@example.com",
        email_verified=True,
        first_name=None,
        last_name=None,
        display_name=None,
        phone=None,
        locale=None,
        status=UserStatus.ACTIVE,
        roles=frozenset({Role.CUSTOMER}),
        created_at=now,
        updated_at=now,
        last_login_at=None,
        deleted_at=None,
        version=1,
        mfa_enabled=False,
    )


if __name__ == "__main__":
    database = Database(Settings.from_environment(os.environ).database_url)
    print(json.dumps(stored(database, int(sys.argv[1]))))
    database.close()
