"""One request of somebody who means harm, as bytes on the wire."""

import json
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

JSON = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class HostileRequest:
    name: str
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = JSON
    """Sent beside those that HTTP itself needs. Characters beyond ASCII go out as Latin-1."""
    body: bytes = b""
    query_string: str = ""
    """Appended to the endpoint's address behind `?`, already percent-encoded, or badly so."""

    @property
    def wire(self) -> Hashable:
        """All that the server sees of it."""
        return self.method, self.headers, self.body, self.query_string


def posted(
    name: str,
    query: Any,
    variables: Any = None,
    operation_name: Any = None,
    headers: tuple[tuple[str, str], ...] = JSON,
) -> HostileRequest:
    """A well-formed POST of whatever *query* and *variables* are."""
    body = {"query": query, "variables": variables, "operationName": operation_name}
    given = {key: value for key, value in body.items() if value is not None}
    # As escapes: a half of a surrogate pair can be written in no other way.
    return HostileRequest(name, headers=headers, body=json.dumps(given).encode())


def posted_bytes(
    name: str, body: bytes, *, method: str = "POST", headers: tuple[tuple[str, str], ...] = JSON
) -> HostileRequest:
    """These bytes as they are."""
    return HostileRequest(name, method, headers, body)
