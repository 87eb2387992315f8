"""Requests whose method, address or headers are the attack."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.bodies import GOOD
from tests.hostile.request import JSON, HostileRequest, posted_bytes


def hostile_headers(schema: AttackedSchema) -> Iterator[HostileRequest]:
    yield from _methods()
    yield from _content_types()
    for name, header in (*_accepted(), *_authorizations(), *_others()):
        yield posted_bytes(f"header: {name}", GOOD, headers=(*JSON, header))
    yield posted_bytes("header: very many", GOOD, headers=(*JSON, *((f"x-h{n}", "x") for n in range(90))))
    yield posted_bytes("header: two content types", GOOD, headers=(*JSON, ("content-type", "text/plain")))
    yield from _addresses(schema)


def _methods() -> Iterator[HostileRequest]:
    for method in (
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "PROPFIND",
        "post",
        "NOTHING",
        "P" * 5_000,
    ):
        yield posted_bytes(f"method: {method[:20]} with a body", GOOD, method=method)


def _content_types() -> Iterator[HostileRequest]:
    for content_type in (
        "",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "b" * 3_000,
        "application/graphql",
        "application/json5",
        "application/jsonp",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=" + "x" * 3_000,
        "application/json; charset=\xff",
        "application/json" + "; a=b" * 1_000,
        "application/json;;;;",
        'application/json; a="',
        "APPLICATION/JSON",
        "application /json",
        "*/*",
        "/",
    ):
        name = f"content type: {content_type[:60]} ({len(content_type)})"
        yield posted_bytes(name, GOOD, headers=(("content-type", content_type),))
    yield posted_bytes("content type: none", GOOD, headers=())
    form = b'--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n' + GOOD + b"\r\n--b--\r\n"
    for headers in ((("content-type", "multipart/form-data; boundary=b"),),):
        yield posted_bytes("content type: a form with an operation", form, headers=headers)


def _accepted() -> Iterator[tuple[str, tuple[str, str]]]:
    for accept in (
        "",
        "nothing",
        "*",
        "/",
        "*/*;q=0",
        "application/json;q=nothing",
        "application/json;q=-1",
        "application/json;q=1e999",
        "application/json;q=" + "9" * 1_000,
        "text/html",
        "multipart/mixed",
        "text/event-stream",
        "application/graphql-response+json;q=0.1, application/json;q=0.2",
        ",".join(["application/json"] * 300),
        ",".join(f"a/{n};q=0.{n}" for n in range(500)),
        "a" * 7_000,
        ";" * 5_000,
        "application/json" + ";a" * 3_000,
        '"' * 3_000,
    ):
        yield f"accept {accept[:40]} ({len(accept)})", ("accept", accept)


def _authorizations() -> Iterator[tuple[str, tuple[str, str]]]:
    def token(header: object, claims: object, signature: str = "AAAA") -> str:
        parts = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in (header, claims)
        )
        return "Bearer " + ".".join((*parts, signature))

    claims = {"sub": "1", "scope": "users:write payments:refund", "exp": 9_999_999_999}
    nested = "Bearer " + base64.urlsafe_b64encode(b"[" * 5_000).decode() + ".e30.AAAA"
    for name, value in (
        ("nothing", ""),
        ("a scheme alone", "Bearer"),
        ("a scheme and a blank", "Bearer "),
        ("another scheme", "Basic YWRtaW46YWRtaW4="),
        ("no token", "Bearer x"),
        ("three parts of nothing", "Bearer .."),
        ("three parts of nonsense", "Bearer a.b.c"),
        ("five parts", "Bearer a.b.c.d.e"),
        ("many parts", "Bearer " + "." * 7_000),
        ("a long token", "Bearer " + "a" * 7_500),
        ("a token in Latin-1", "Bearer \xe9.\xe9.\xe9"),
        ("two tokens", "Bearer a.b.c, Bearer a.b.c"),
        ("nested lists in a token", nested),
        ("no signature", token({"alg": "none"}, claims, "")),
        ("no algorithm", token({}, claims)),
        ("another algorithm", token({"alg": "HS256"}, claims)),
        ("an algorithm that is a list", token({"alg": ["ES256"]}, claims)),
        ("a key of a path", token({"alg": "ES256", "kid": "../../../../dev/null"}, claims)),
        ("a key of SQL", token({"alg": "ES256", "kid": "' OR 1=1"}, claims)),
        ("a key that is an object", token({"alg": "ES256", "kid": {"a": 1}}, claims)),
        ("a key of its own", token({"alg": "ES256", "jwk": {"kty": "oct", "k": "AAAA"}}, claims)),
        ("keys from elsewhere", token({"alg": "ES256", "jku": "http://169.254.169.254/"}, claims)),
        ("something critical", token({"alg": "ES256", "crit": ["exp"]}, claims)),
        ("claims that are a list", token({"alg": "ES256"}, [])),
        ("a huge number in the claims", token({"alg": "ES256"}, {"exp": 10**4_000})),
    ):
        yield f"authorization: {name}", ("authorization", value)


def _others() -> Iterator[tuple[str, tuple[str, str]]]:
    for name, value in (
        ("x-request-id", "x" * 5_000),
        ("x-request-id", "\xff\xfe"),
        ("x-request-id", '{"a": 1}'),
        ("x-request-id", "${jndi:ldap://x}"),
        ("traceparent", "00-" + "f" * 32 + "-" + "f" * 16 + "-ff"),
        ("traceparent", "00-" + "0" * 4_000),
        ("tracestate", "a=b," * 1_500),
        ("baggage", "a=b," * 1_500),
        ("cookie", "a=b; " * 1_400),
        ("x-forwarded-for", "127.0.0.1, " * 600),
        ("x-forwarded-host", "evil.example"),
        ("x-http-method-override", "DELETE"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("host", "evil.example"),
        ("host", ""),
        ("range", "bytes=" + "0-," * 2_000),
        ("if-none-match", "*"),
        ("expect", "nothing"),
        ("upgrade", "websocket"),
        ("upgrade", "h2c"),
        ("accept-encoding", "gzip;q=x, " * 500),
        ("x-long", "x" * 30_000),
        ("x-very-long", "x" * 90_000),
    ):
        yield f"{name} {value[:20]} ({len(value)})", (name, value)


def _addresses(schema: AttackedSchema) -> Iterator[HostileRequest]:
    plain = quote(f"{{ {schema.field(schema.leaf)} }}")
    mutation = next(iter(schema.schema.mutation_type.fields)) if schema.schema.mutation_type else "nothing"
    for name, query_string in (
        ("a mutation", "query=" + quote(f"mutation {{ {mutation} {{ __typename }} }}")),
        (
            "a mutation named among queries",
            "query=" + quote("query A { __typename } mutation B { __typename }") + "&operationName=B",
        ),
        ("a subscription", "query=" + quote("subscription { __typename }")),
        ("no query", "variables={}"),
        ("an empty query", "query="),
        ("two queries", f"query={plain}&query=" + quote("{ __typename }")),
        ("bytes that are no text", "query=%ff%fe"),
        ("half an escape", "query=%7B__typename%"),
        ("the null character", "query=" + quote("{ __typename } #") + "%00"),
        ("half a pair", "query=" + quote("{ __typename } #") + "%ed%a0%80"),
        ("variables that are no JSON", f"query={plain}&variables=nothing"),
        ("variables that are a list", f"query={plain}&variables=[]"),
        ("variables in lists", f"query={plain}&variables=" + "[" * 4_000),
        ("extensions that are no JSON", f"query={plain}&extensions=nothing"),
        ("very many parameters", f"query={plain}&" + "&".join(f"p{n}=1" for n in range(5_000))),
        ("a long query", "query=" + quote("{ __typename } #" + "x" * 30_000)),
        ("a very long query", "query=" + quote("{ __typename } #" + "x" * 150_000)),
        ("a bomb", "query=" + quote("{ " + "a" * 10 + " }" + " fragment F on Query { ...F ...F }" * 20)),
    ):
        yield HostileRequest(f"address: {name}", "GET", (), query_string=query_string)
        yield HostileRequest(
            f"address: {name}, from a page elsewhere",
            "GET",
            (("origin", "null"), ("accept", "text/html")),
            query_string=query_string,
        )
