"""Values that a schema's types may not mean to take, at one place for each type; and floods of variables."""

from collections.abc import Iterator
from typing import Any

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.request import HostileRequest, posted, posted_bytes


def hostile_values(schema: AttackedSchema) -> Iterator[HostileRequest]:
    for place in schema.places():
        for name, value in _values():
            yield posted(f"value: {name} as {place.name}", place.query, {"value": place.around(value)})
    yield from _floods(schema)


def _values() -> Iterator[tuple[str, Any]]:
    yield "null", None
    yield "nothing", ""
    yield "a list", []
    yield "an object", {}
    yield "true", True
    yield "a huge integer", 10**4_000
    yield "a negative integer", -(2**63) - 1
    yield "a huge fraction", 1e308
    yield "a long text", "x" * 100_000
    yield "many digits", "9" * 50_000
    yield "a huge exponent", "1e999999999"
    yield "a tiny exponent", "1E-999999999"
    yield "not a number", "NaN"
    yield "the null character", "a\0b"
    yield "half a pair", "\ud800"
    yield "right to left", "\u202eevil"
    yield "many combining marks", "e" + "\u0301" * 5_000
    yield "other digits", "\u0661\u0662\u0663"
    yield "a letter that grows in capitals", "\u0390" * 10_000
    yield "line breaks", "a\r\nSet-Cookie: b=c"
    yield "SQL", "' OR '1'='1'; DROP TABLE users; --"
    yield "a wild card", "%" * 2_000
    yield "a path", "../../../../etc/passwd"
    yield "a template", "{{7*7}}${7*7}#{7*7}"
    yield "an address inside", "http://169.254.169.254/latest/meta-data"
    yield "a script", "javascript:alert(1)"
    yield "an address to backtrack on", "a@" + "a." * 20_000 + "!"
    yield "many words to backtrack on", "a " * 20_000 + "!"
    yield "a date out of time", "999999999-99-99T99:99:99Z"
    yield "a list in lists", _nested_list(300)
    yield "an object in objects", _nested_object(300)
    yield "a long list", ["x"] * 10_000
    yield "an object of many keys", {f"key{number}": number for number in range(3_000)}
    yield "the keys of objects elsewhere", {"__proto__": {"admin": True}, "constructor": {"prototype": {}}}


def _nested_list(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def _nested_object(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


def _floods(schema: AttackedSchema) -> Iterator[HostileRequest]:
    plain = f"{{ {schema.field(schema.leaf)} }}"
    for count in (1_000, 12_000):
        yield posted(f"value: {count} variables nobody asked for", plain, {f"v{n}": n for n in range(count)})
        yield posted(f"value: a list of {count} nobody asked for", plain, {"v": [{}] * count})
    yield posted("value: a long name of a variable", plain, {"v" * 150_000: 1})
    yield posted("value: variables for a name with a dollar", "query ($v: Int) { __typename }", {"$v": 1})
    for depth in (500, 5_000, 90_000):
        for kind, opened, closed in (("lists", b"[", b"]"), ("objects", b'{"a":', b"}")):
            nested = opened * depth + b"1" + closed * depth
            if len(nested) < 190_000:
                body = b'{"query": "query ($v: ID) { __typename }", "variables": {"v": ' + nested + b"}}"
                yield posted_bytes(f"value: {depth} {kind} in one another", body)
