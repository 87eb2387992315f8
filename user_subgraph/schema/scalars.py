# mypy: allow-subclassing-any
# mypy: disable-error-code="import-untyped"
# Graphene ships no types.
"""DateTime, EmailAddress and the federation's `_Any`."""

import re
from datetime import UTC, datetime
from typing import Any

import graphene
from graphql import GraphQLError, StringValueNode, ValueNode, value_from_ast_untyped

_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


class DateTime(graphene.Scalar):
    class Meta:
        description = "RFC 3339 timestamp, always UTC, e.g. 2026-11-23T10:15:00Z."

    @staticmethod
    def serialize(value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")

    @staticmethod
    def parse_value(value: Any) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise GraphQLError("DateTime must be an RFC 3339 timestamp, e.g. 2026-11-23T10:15:00Z.")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise GraphQLError("DateTime must be a moment that exists.") from error

    @classmethod
    def parse_literal(cls, node: ValueNode, _variables: object = None) -> datetime:
        return cls.parse_value(node.value if isinstance(node, StringValueNode) else None)


class EmailAddress(graphene.Scalar):
    """Any string passes here: a malformed address is a `ValidationError`, not a refused request."""

    class Meta:
        description = "RFC 5321 address; compared case-insensitively, stored normalised."

    @staticmethod
    def serialize(value: str) -> str:
        return value

    @staticmethod
    def parse_value(value: Any) -> str:
        if not isinstance(value, str):
            raise GraphQLError("EmailAddress must be a string.")
        return value

    @classmethod
    def parse_literal(cls, node: ValueNode, _variables: object = None) -> str:
        return cls.parse_value(node.value if isinstance(node, StringValueNode) else None)


class AnyRepresentation(graphene.Scalar):
    """Whatever the gateway sends; `federation.py` judges each one by itself."""

    class Meta:
        name = "_Any"
        description = None

    @staticmethod
    def parse_value(value: Any) -> Any:
        return value

    @staticmethod
    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        return value_from_ast_untyped(node, variables)
