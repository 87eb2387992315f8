"""Users by the million, made by the database itself; from few to many, the same one has the same number."""

from typing import Final

from sqlalchemy import Connection, text

from user_subgraph.database import Database
from user_subgraph.search_keys import search_keys_of

SUSPENDED: Final = 50
"""So many, the oldest of all: who lists the newest first meets them last."""

# 1 in 20 waits for verification, 1 in 100 is deleted, 3 in 10 have never logged in; 1 in 1000 is of support, five are
# administrators. One user a minute, the last of them on 2026-11-29. A family name is that of a thousandth of all.
_NUMBERS: Final = {
    "postgresql": "SELECT n FROM generate_series(0, CAST(:count AS bigint) - 1) AS n",
    "sqlite": "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count - 1) SELECT n FROM numbers",
}
_ID: Final = {
    "postgresql": "'usr_' || lpad(CAST(n AS text), 26, '0')",
    "sqlite": "'usr_' || printf('%026d', n)",
}
_CREATED: Final = {
    "postgresql": "timestamptz '2026-11-29T00:00:00Z' - make_interval(mins => CAST(:count - n AS int))",
    "sqlite": "strftime('%Y-%m-%d %H:%M:00.000000', '2026-11-29 00:00:00', (n - :count) || ' minutes')",
}
_LOGGED_IN: Final = {
    "postgresql": "timestamptz '2026-11-29T00:00:00Z' - make_interval(secs => (n * 7919) % 90000000)",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-11-29 00:00:00', '-' || ((n * 7919) % 90000000) || ' seconds')",
}
_USERS: Final = """
INSERT INTO users (id, email, email_verified, password_hash, first_name, last_name, display_name, status, created_at,
    updated_at, last_login_at, deleted_at, mfa_enabled, version)
SELECT {id}, 'person' || ((n * 611953) % 1000003) || '@mail' || (n % 50) || '.example', true, NULL,
    'Given' || (n % 300), 'Family' || (n % 1000), NULL,
    CASE WHEN n < {suspended} THEN 'SUSPENDED' WHEN n % 100 = 3 THEN 'DELETED' WHEN n % 20 = 9 THEN 'PENDING_VERIFICATION'
        ELSE 'ACTIVE' END,
    {created}, {created}, CASE WHEN n % 10 < 7 THEN {logged_in} END, NULL, false, 1
FROM ({numbers}) AS numbered
"""
_ROLES: Final = """
INSERT INTO user_roles (user_id, role)
SELECT {id}, CASE WHEN n BETWEEN 100 AND 104 THEN 'ADMIN' WHEN n % 1000 = 1 THEN 'SUPPORT' ELSE 'CUSTOMER' END
FROM ({numbers}) AS numbered
"""


def store(database: Database, count: int) -> None:
    """*count* users, and no others; statistics are as they become by themselves, or by the operator's care."""
    with database.engine.execution_options(writing=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in ("DELETE FROM user_search_keys", "DELETE FROM user_roles", "DELETE FROM users"):
            connection.execute(text(statement))
        for statement in (_USERS, _ROLES):
            connection.execute(text(_written(connection, statement)), {"count": count})
        _make_findable(connection)
    _analyze(database)


def _make_findable(connection: Connection) -> None:
    """As the service does with each user that it writes."""
    query = text("SELECT id, email, first_name, last_name FROM users").execution_options(yield_per=10_000)
    users = connection.execute(query)
    for some in users.partitions():
        rows = [{"key": key, "user_id": id_} for id_, *texts in some for key in search_keys_of(texts)]
        connection.execute(text("INSERT INTO user_search_keys (key, user_id) VALUES (:key, :user_id)"), rows)


def _written(connection: Connection, statement: str) -> str:
    name = connection.dialect.name
    words = {"id": _ID[name], "created": _CREATED[name], "logged_in": _LOGGED_IN[name]}
    return statement.format(**words, numbers=_NUMBERS[name], suspended=SUSPENDED)


def _analyze(database: Database) -> None:
    """PostgreSQL's autovacuum does so; SQLite's planner has to do without."""
    if database.engine.dialect.name == "postgresql":
        with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("VACUUM ANALYZE"))
