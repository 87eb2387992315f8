"""The address of a PostgreSQL server, with how long one that does not answer is waited for."""

from typing import Final

from sqlalchemy.engine import URL

_DRIVER: Final = "postgresql+psycopg"
_PATIENCE: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""In seconds, the last in milliseconds. A server whose machine is gone says no goodbye, so the kernel asks; of itself it would
wait for two hours, or a quarter of an hour where something was sent.

Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""


def postgres_url(url: URL) -> URL:
    """*url* for our driver. What it says itself of these waits stays."""
    return url.set(drivername=_DRIVER, query={**_PATIENCE, **url.query})


def conninfo(url: URL) -> str:
    """The same for the driver alone, with the password in it."""
    return postgres_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
