"""What a client gets for a request, freed of HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.errors import BadRequest, FormattedError, RequestError, Unavailable
from gateway.operations.operation import Operation


@dataclass(slots=True)
class Answer:
    """`data` and `errors`; a refused request has no data at all."""

    errors: list[FormattedError]
    data: dict[str, Any] | None = None
    """May hold msgspec structs and raw JSON."""
    is_refused: bool = False
    extensions: Mapping[str, Any] | None = None
    status: int | None = None
    """The HTTP status where the answer dictates one."""
    refused_status: int = 400
    """The HTTP status of a refused request in a media type that has statuses for that."""
    retry_after_s: int | None = None
    operation: Operation | None = None
    """None of a request that was refused."""
    is_plan_known: bool | None = None
    """Whether the plan was in the cache; None where none was needed."""

    def encoded(self) -> bytes:
        """The JSON a client gets."""
        body: dict[str, Any] = {} if self.is_refused else {"data": self.data}
        if self.errors:
            body["errors"] = self.errors
        if self.extensions:
            body["extensions"] = self.extensions
        return msgspec.json.encode(body)


def refusal(error: RequestError) -> Answer:
    """What is wrong besides the operation has its status whatever the media type; a bad operation only in the newer one."""
    has_own_status = isinstance(error, BadRequest | Unavailable)
    return Answer(
        error.formatted(),
        is_refused=True,
        status=error.status if has_own_status else None,
        refused_status=error.status,
        retry_after_s=error.retry_after_s if isinstance(error, Unavailable) else None,
    )
