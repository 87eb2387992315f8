"""A GraphQL request, freed of HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.headers import Headers


@dataclass(slots=True)
class Request:
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    headers: Headers = ()
    """Those that go down to the subgraphs."""
    authorization: tuple[bytes, ...] = ()
    """The values of the client's Authorization headers, whether they go down or not."""
    may_mutate: bool = True
    wants_plan: bool = False
    document_id: str | None = None
    """What the text is known by, where it was not sent itself."""
    request_id: str = ""
    """What it is called in logs."""
    mutation_headers: Headers = ()
    """Those that go down to some subgraphs too, with mutations."""
