# ruff: noqa: ARG002 - the methods of a TypeDecorator have the arguments that SQLAlchemy gives
"""What a column holds: times, words, owners, and small value objects as JSON, the same on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import DateTime, Dialect, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON

from payment_subgraph.operation import Rejection, RejectionKind
from payment_subgraph.payment import Failure, MethodDetails, MethodType

ID: Final = String(40)
PLAIN_JSON: Final = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times in and out; SQLite would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Word(TypeDecorator[StrEnum]):
    """An enum by its value in a short VARCHAR: adding a word needs no migration."""

    impl = String(32)
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


class Owner(TypeDecorator[str]):
    """A user's id. Nobody is the empty text, which no user's id is: so the column can stay NOT NULL."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        return value or ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return value or None


class Record(TypeDecorator[Any]):
    """A small value object as JSON, written and read by the two functions given."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, write: Callable[[Any], Any], read: Callable[[Any], Any]) -> None:
        super().__init__()
        self.write, self.read = write, read

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        wanted = JSONB(none_as_null=True) if dialect.name == "postgresql" else self.impl
        return dialect.type_descriptor(wanted)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.write(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.read(value)


def _write_method(method: MethodDetails) -> dict[str, Any]:
    return {name: getattr(method, name) for name in MethodDetails.__slots__}


def _read_method(value: dict[str, Any]) -> MethodDetails:
    return MethodDetails(**{**value, "type": MethodType(value["type"])})


def _write_failure(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "decline_code": failure.decline_code,
        "occurred_at": failure.occurred_at.isoformat(),
        "attempt_id": failure.attempt_id,
    }


def _read_failure(value: dict[str, Any]) -> Failure:
    occurred_at = datetime.fromisoformat(value["occurred_at"])
    return Failure(value["code"], value["decline_code"], occurred_at, value.get("attempt_id"))


def _write_rejection(rejection: Rejection) -> dict[str, Any]:
    return {name: getattr(rejection, name) for name in Rejection.__slots__}


def _read_rejection(value: dict[str, Any]) -> Rejection:
    return Rejection(**{**value, "kind": RejectionKind(value["kind"])})


def _write_pairs(pairs: tuple[tuple[str, str], ...]) -> list[list[str]]:
    return [list(pair) for pair in pairs]


def _read_pairs(value: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((key, entry) for key, entry in value)


METHOD: Final = Record(_write_method, _read_method)
FAILURE: Final = Record(_write_failure, _read_failure)
REJECTION: Final = Record(_write_rejection, _read_rejection)
PAIRS: Final = Record(_write_pairs, _read_pairs)
