"""GraphQL over HTTP: what a request may look like, and which status its answer has.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from gateway.errors import BadRequest
from gateway.event_stream import EVENT_STREAM
from gateway.headers import Headers, RequestHeaders
from gateway.operations.answer import Answer
from gateway.operations.request import Request

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"

KNOWN_HEADER_VALUES = 256
"""Clients send few different ones, so what each of them means is remembered."""

LONGEST_HEADER_VALUE = 1_000
"""Of the headers that are understood here; none that means well is longer."""

VARIABLE_VALUES = 10_000
VARIABLE_DEPTH = 100
"""What goes on to the subgraphs must still be JSON to them and to us: parsers and writers end at some depth."""


class UnsupportedMediaType(BadRequest):
    """Also refuses what a browser form can send to another site's server: it cannot send JSON unasked."""

    status = 415


class Compressed(UnsupportedMediaType):
    """A body that is small when it is measured and large when it is read is refused altogether: hardly any client of
    GraphQL compresses what it sends, since none can know whether the server would take it."""


class NotAcceptable(BadRequest):
    status = 406


def response_type(headers: RequestHeaders) -> str:
    """The media type to answer in. Raises NotAcceptable when the client takes none of ours."""
    accept = headers.get(b"accept")
    media = _acceptable(accept) if len(accept) <= LONGEST_HEADER_VALUE else None
    if media is None:
        raise NotAcceptable(f"This address answers in {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}.")
    return media


@lru_cache(KNOWN_HEADER_VALUES)
def _acceptable(accept: str) -> str | None:
    if not accept:
        return JSON
    ranges = [_media_range(each) for each in accept.lower().split(",")]
    offers = [(q, -place, media) for place, (media, q) in enumerate(ranges) if q > 0]
    for _, _, media in sorted(offers, reverse=True):
        if media in {GRAPHQL_RESPONSE, JSON, EVENT_STREAM}:
            return media
        if media in {"*/*", "application/*"}:
            return JSON
    return None


def takes_events(headers: RequestHeaders) -> bool:
    """Whether an event stream would do, even if an answer in one piece would be better."""
    return _includes_events(headers.get(b"accept")[:LONGEST_HEADER_VALUE])


@lru_cache(KNOWN_HEADER_VALUES)
def _includes_events(accept: str) -> bool:
    ranges = (_media_range(each) for each in accept.lower().split(","))
    return any(media == EVENT_STREAM and q > 0 for media, q in ranges)


def _media_range(text: str) -> tuple[str, float]:
    media, *parameters = (each.strip() for each in text.split(";"))
    named = dict(each.partition("=")[::2] for each in parameters)
    if named.get("charset", "utf-8").strip('"') not in {"utf-8", "utf8"}:
        return media, 0.0
    try:
        return media, float(named.get("q", "1"))
    except ValueError:
        return media, 0.0


def check_content_type(headers: RequestHeaders) -> None:
    """Raises UnsupportedMediaType for anything but JSON in UTF-8."""
    content_type = headers.get(b"content-type")
    if len(content_type) > LONGEST_HEADER_VALUE or not _is_json_type(content_type):
        raise UnsupportedMediaType(f"The body must be {JSON}, encoded in UTF-8.")
    if headers.get(b"content-encoding").lower() not in {"", "identity"}:
        raise Compressed("The body must not be compressed.")


@lru_cache(KNOWN_HEADER_VALUES)
def _is_json_type(content_type: str) -> bool:
    media, *parameters = (each.strip().lower() for each in content_type.split(";"))
    charsets = [each.partition("=")[2].strip('"') for each in parameters if each.startswith("charset=")]
    return media == JSON and all(charset in {"utf-8", "utf8"} for charset in charsets)


class Told(NamedTuple):
    """What the headers tell about a request, whatever it asks."""

    forwarded: Headers
    """Those that go down to the subgraphs."""
    authorization: tuple[bytes, ...] = ()
    wants_plan: bool = False
    request_id: str = ""
    for_mutations: Headers = ()
    """Those that go down besides, to subgraphs whose mutations want them."""


def authorization(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    """The values of the Authorization headers: one, if the client means well."""
    return tuple(value for name, value in headers if name == b"authorization")


def read_body(body: bytes, told: Told) -> Request:
    """A POST's request. Raises BadRequest."""
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The body is not JSON.") from error
    if not isinstance(parameters, dict):
        raise BadRequest("The body must be a JSON object; batches are not served.")
    return read_parameters(parameters, told)


def read_query_string(query_string: bytes, told: Told) -> Request:
    """A GET's request. Raises BadRequest."""
    try:
        given = dict(parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise BadRequest("The query string is not URL-encoded UTF-8.") from error
    parameters: dict[str, Any] = dict(given)
    for name in ("variables", "extensions"):
        if name in given:
            parameters[name] = _json_parameter(name, given[name])
    return read_parameters(parameters, told, may_mutate=False)


def _json_parameter(name: str, text: str) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The parameter '{name}' is not JSON.") from error


def read_parameters(parameters: Mapping[str, Any], told: Told, *, may_mutate: bool = True) -> Request:
    """`query`, `variables`, `operationName` and `extensions`, wherever they came from. Raises BadRequest."""
    query, name = parameters.get("query"), parameters.get("operationName")
    variables, extensions = parameters.get("variables"), parameters.get("extensions")
    document_id = None
    if not isinstance(query, str) or not query:
        query, document_id = "", _document_id(parameters)
    if name is not None and not isinstance(name, str):
        raise BadRequest("The parameter 'operationName' must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("The parameter 'variables' must be an object.")
    if variables:
        _check_size(variables)
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("The parameter 'extensions' must be an object.")
    return Request(
        query,
        variables or {},
        name or None,
        told.forwarded,
        told.authorization,
        may_mutate=may_mutate,
        wants_plan=told.wants_plan,
        document_id=document_id,
        request_id=told.request_id,
        mutation_headers=told.for_mutations,
    )


def _document_id(parameters: Mapping[str, Any]) -> str:
    """What stands for the text: `documentId` as GraphQL over HTTP has it, or Apollo's `persistedQuery`."""
    extensions = parameters.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    by_hash = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    document_id = parameters.get("documentId") or by_hash
    if parameters.get("query") or not isinstance(document_id, str) or not document_id:
        raise BadRequest("The parameter 'query' is missing or not a string.")
    return document_id


def _check_size(variables: Mapping[str, Any]) -> None:
    """Raises BadRequest."""
    layer: list[Any] = [variables]
    left, levels = VARIABLE_VALUES, VARIABLE_DEPTH
    while layer:
        if levels < 0:
            raise BadRequest(f"The parameter 'variables' is nested more than {VARIABLE_DEPTH} levels deep.")
        layer = list(islice(chain.from_iterable(map(_inside, layer)), left + 1))
        left -= len(layer)
        levels -= 1
        if left < 0:
            raise BadRequest(f"The parameter 'variables' holds more than {VARIABLE_VALUES} values.")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def status_of(answer: Answer, media: str) -> int:
    """`application/json` says 200 for every well-formed request; the newer type tells refused ones apart."""
    if answer.status is not None:
        return answer.status
    return answer.refused_status if answer.is_refused and media == GRAPHQL_RESPONSE else 200
