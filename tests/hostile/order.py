"""Whether an answer is in order, whatever was asked: well-formed, with our codes, and silent about what it was made with."""

import json
import re
from functools import cache
from typing import Any

from launcher.settings import ROOT
from tests.hostile.exchange import Answer

_GRAPHQL = ("application/json", "application/graphql-response+json")
_LEAKS = re.compile(
    rb"Traceback|File \"|site-packages|\.py\""
    rb"|\b(graphql[-_.]core|graphene|strawberry|fastapi|starlette|uvicorn|waitress|werkzeug|flask|sqlalchemy|sqlite3"
    rb"|psycopg|pydantic|asyncio|httpx|httptools|h11|joserfc|argon2)\b",
    re.IGNORECASE,
)
_BUSY = {"OVERLOADED", "PLANNING_DELAYED"}


@cache
def _codes() -> frozenset[str]:
    """Those that clients are told of. `INTERNAL_SERVER_ERROR` is one, but no answer to anything in order."""
    documented = json.loads((ROOT / "schema" / "error_codes.json").read_text())
    return frozenset(documented) - {"INTERNAL_SERVER_ERROR"}


def complaint_about(answer: Answer, method: str, sent: bytes) -> str | None:
    """What is wrong with *answer*, or None. Words that the request itself brought are no leak."""
    leak = _LEAKS.search(answer.body) or _LEAKS.search(repr(answer.headers).encode())
    if leak and leak[0].lower() not in sent.lower():
        return f"it says {leak[0].decode()!r}"
    if method == "HEAD":
        return None if answer.status < 500 else f"status {answer.status}"
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if media_type == "text/event-stream" and answer.status == 200:
        return None
    if method == "OPTIONS" and answer.status < 300 and not answer.body:
        return None  # it says which methods there are
    if media_type in _GRAPHQL:
        return _complaint_about_json(answer)
    return None if 400 <= answer.status < 500 else f"status {answer.status} with {media_type or 'no type'}"


def _complaint_about_json(answer: Answer) -> str | None:
    try:
        whole = json.loads(answer.body)
    except ValueError:
        return "the body is not JSON"
    if not isinstance(whole, dict) or not whole.keys() & {"data", "errors"}:
        return "the body is no answer of GraphQL"
    codes = [_code(error) for error in whole.get("errors", ())]
    if unknown := set(codes) - _codes():
        return f"the code {unknown.pop()}"
    if answer.status >= 500 and not (answer.status == 503 and _BUSY.issuperset(codes)):
        return f"status {answer.status}"
    return None


def _code(error: Any) -> str:
    well_formed = isinstance(error, dict) and isinstance(error.get("message"), str)
    return str(error["extensions"].get("code")) if well_formed and "extensions" in error else "(none)"
