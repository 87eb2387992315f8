"""Bodies that are no GraphQL request, or no JSON, or no text."""

import gzip
import zlib
from collections.abc import Iterator

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.request import JSON, HostileRequest, posted_bytes

GOOD = b'{"query": "{ __typename }"}'


def hostile_bodies(_schema: AttackedSchema) -> Iterator[HostileRequest]:
    for bodies in (_other_json, _wrong_members, _no_json, _no_utf8, _large):
        for name, body in bodies():
            yield posted_bytes(f"body: {name}", body)
    yield from _encoded()


def _other_json() -> Iterator[tuple[str, bytes]]:
    for body in (
        b"",
        b" ",
        b"null",
        b"true",
        b"123",
        b"1.5",
        b'"text"',
        b"[]",
        b"[[]]",
        b"{}",
        b"[null]",
        b"[1]",
    ):
        yield f"the JSON {body.decode()}", body
    for count in (1, 2, 10, 3_000):
        yield f"a batch of {count}", b"[" + b", ".join([GOOD] * count) + b"]"


def _wrong_members() -> Iterator[tuple[str, bytes]]:
    for member in ("query", "variables", "operationName", "extensions"):
        for wrong in ("null", "1", "true", '""', '" "', '"text"', "[]", "{}", "[1]", '{"a": 1}'):
            others = "" if member == "query" else '"query": "{ __typename }", '
            yield f"{wrong} for {member}", f'{{{others}"{member}": {wrong}}}'.encode()
    yield "the query twice", b'{"query": "{ __typename }", "query": "{ a }"}'
    yield "a member in capitals", b'{"Query": "{ __typename }"}'
    yield "a member in other letters", '{"que\u0433y": "{ __typename }"}'.encode()
    yield (
        "many members",
        b"{" + b", ".join(b'"m%d": 1' % n for n in range(12_000)) + b', "query": "{ __typename }"}',
    )
    yield "many equal members", b"{" + b'"m": 1, ' * 15_000 + GOOD[1:]
    yield "a long member", b'{"' + b"m" * 150_000 + b'": 1, ' + GOOD[1:]
    yield (
        "persisted queries",
        b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "' + b"0" * 64 + b'"}}}',
    )
    yield (
        "a hash that is not the query's",
        (
            b'{"query": "{ __typename }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}'
        ),
    )


def _no_json() -> Iterator[tuple[str, bytes]]:
    given = b'{"query": "{ __typename }", "variables": {"v": %s}}'
    for value in (
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"01",
        b"+1",
        b"'x'",
        b"undefined",
        b"0x10",
        b"1,",
        b"/**/1",
    ):
        yield f"{value.decode()} in the JSON", given % value
    for digits in (4_000, 5_000, 150_000):
        yield f"a number of {digits} digits", given % (b"9" * digits)
        yield f"an exponent of {digits} digits", given % (b"1e" + b"9" * digits)
    for escape in (
        b"\\u0000",
        b"\\ud800",
        b"\\udc00\\ud800",
        b"\\ud83d\\ude00",
        b"\\x",
        b"\\u12",
        b"\0",
        b"\n",
    ):
        yield f"{escape!r} in a text", given % (b'"' + escape + b'"')
        yield f"{escape!r} in the query", b'{"query": "{ __typename } #' + escape + b'"}'
        yield f"{escape!r} in a member", b'{"query": "{ __typename }", "x' + escape + b'": 1}'
    yield from (
        ("cut off", GOOD[:-3]),
        ("with a tail", GOOD + GOOD),
        ("a trailing comma", b'{"query": "{ __typename }",}'),
        ("no quotes", b"{query: 1}"),
        ("a form", b"query=%7B__typename%7D"),
        ("GraphQL", b"{ __typename }"),
        ("XML", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
        ("a pickle", b"\x80\x04cos\nsystem\n(S'true'\ntR."),
        ("only line breaks", b"\r\n" * 10_000),
    )
    for depth in (900, 10_000, 90_000):
        yield f"{depth} open lists", b"[" * depth
        yield f"{depth} closed lists", b"[" * depth + b"]" * depth
        yield f"{depth} open objects", b'{"a":' * min(depth, 35_000)


def _no_utf8() -> Iterator[tuple[str, bytes]]:
    text = GOOD.decode()
    yield from (
        ("a byte that is none", b'{"query": "{ __typename } #\xff"}'),
        ("a letter too long", b'{"query": "{ __typename } #\xc0\x80"}'),
        ("half a pair as bytes", b'{"query": "{ __typename } #\xed\xa0\x80"}'),
        ("a letter cut off", b'{"query": "{ __typename } #\xf0\x9f\x98"}'),
        ("a letter beyond the last", b'{"query": "{ __typename } #\xf5\x80\x80\x80"}'),
        ("UTF-8 with a mark", b"\xef\xbb\xbf" + GOOD),
        ("UTF-16", text.encode("utf-16")),
        ("UTF-16 without a mark", text.encode("utf-16-be")),
        ("UTF-32", text.encode("utf-32-le")),
        ("UTF-7", text.encode("utf-7")),
        ("EBCDIC", text.encode("cp500")),
        ("random bytes", bytes(range(256)) * 20),
        ("zeros", bytes(100_000)),
    )


def _large() -> Iterator[tuple[str, bytes]]:
    for size in (190_000, 250_000, 400_000, 1_100_000, 6_000_000):
        yield f"{size} blanks before it", b" " * size + GOOD
        yield f"{size} characters of query", b'{"query": "{ __typename } #' + b"x" * size + b'"}'
    for size in (150_000, 1_100_000):
        yield (
            f"{size} characters of variables",
            b'{"query": "{ __typename }", "variables": {"v": "' + b"x" * size + b'"}}',
        )
        yield f"{size} escaped letters", b'{"query": "{ __typename } #' + b"\\u0041" * (size // 6) + b'"}'
        yield (
            f"{size} empty objects",
            b'{"query": "{ __typename }", "variables": {"v": [' + b"{}," * (size // 3) + b"{}]}}",
        )


def _encoded() -> Iterator[HostileRequest]:
    """Small on the wire and large when unpacked; or not what the header says."""
    for size in (1_000, 1_000_000, 20_000_000):
        large = b'{"query": "{ __typename } #' + b"x" * size + b'"}'
        yield _as(f"{size} bytes packed by gzip", gzip.compress(large, 6), "gzip")
        yield _as(f"{size} bytes packed by deflate", zlib.compress(large, 6), "deflate")
    yield _as("gzip in gzip", gzip.compress(gzip.compress(GOOD)), "gzip, gzip")
    yield _as("gzip cut off", gzip.compress(GOOD)[:-9], "gzip")
    yield _as("gzip with a tail", gzip.compress(GOOD) + b"x" * 1_000, "gzip")
    yield _as("ten gzip members", gzip.compress(GOOD) * 10, "gzip")
    yield _as("called gzip", GOOD, "gzip")
    yield _as("called br", GOOD, "br")
    yield _as("called zstd", GOOD, "zstd")
    yield _as("called nothing known", GOOD, "x-nothing")
    yield _as("called many things", GOOD, ", ".join(["gzip"] * 1_000))


def _as(name: str, body: bytes, encoding: str) -> HostileRequest:
    return posted_bytes(f"body: {name}", body, headers=(*JSON, ("content-encoding", encoding)))
