"""Every setting, read once from the environment. A bad value stops the start with one sentence."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.errors import SettingsError
from gateway.supergraph.model import Graph, Subgraph

T = TypeVar("T")


class Shown(StrEnum):
    """To whom something is shown."""

    LOCAL = "local"
    PUBLIC = "public"
    OFF = "off"


PREFIX = "GATEWAY_"
MUTATION_REQUEST_HEADERS = "SUBGRAPH_MUTATION_REQUEST_HEADERS_"
MUTATION_RESPONSE_HEADERS = "SUBGRAPH_MUTATION_RESPONSE_HEADERS_"
"""Of variables that are nobody else's, so that one that is not known is a mistake."""

TRACES_TO = "OTEL_EXPORTER_OTLP_ENDPOINT"

FORWARDED_HEADERS = frozenset({"authorization", "traceparent", "tracestate", "x-request-id"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a request may be; beyond, it is refused, with a code for each limit."""

    head_bytes: int = 65_536
    """Of the request line and the headers."""
    body_bytes: int = 1_000_000
    characters: int = 100_000
    """Of the operation's text."""
    tokens: int = 5_000
    depth: int = 25
    aliases: int = 100
    root_fields: int = 50
    directives: int = 100
    fields: int = 5_000
    """Counted with every fragment spelled out."""
    cost: int = 100_000
    """See `cost.py`."""
    planning_steps: int = 40_000
    """Some tenths of a second."""


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Whose access tokens say what a caller may have."""

    jwks_url: str
    issuer: str
    audience: str
    policy_claim: str = "policies"
    """The claim that lists the policies (of @policy) the caller meets."""


@dataclass(frozen=True, slots=True)
class Settings:
    supergraph: Path = Path("schema/supergraph.graphql")
    host: str = "127.0.0.1"
    port: int = 8000
    trusted_documents: Path | None = None
    """The manifest of the only documents that are answered."""
    frontend_dir: Path = Path("frontend/dist")
    introspection: bool = True
    graphiql: bool = True
    show_plans: bool = False
    """Whether a request with the header `x-query-plan: 1` gets the plan in `extensions.queryPlan`."""
    request_timeout_s: float = 30.0
    subgraph_timeout_s: float = 10.0
    drain_s: float = 5.0
    """After SIGTERM: how long new connections are still taken, until load balancers have noticed."""
    idle_connection_s: float = 75.0
    """How long a client's unused connection is kept: longer than load balancers do, so that they never find it closed."""
    concurrent_requests: int = 500
    access_log: bool = True
    metrics: Shown = Shown.LOCAL
    metrics_port: int = 0
    """Where they are shown instead of at the gateway's own port; 0: there."""
    response_bytes: int = 20_000_000
    """The most one subgraph may answer."""
    subgraph_proxy: str | None = None
    """The HTTP proxy through which subgraphs are reached."""
    share_requests: bool = True
    """Whether equal queries that are under way at the same moment, for the same caller, are sent once."""
    entities_per_request: int = 100
    """Subgraphs bound what `_entities` may be asked at once; a larger fetch goes in several requests."""
    subscriptions: int = 400
    """As many may be open at once. Each holds a connection to its subgraph, most also one to its client."""
    websockets: int = 1_000
    """As many may be open at once; beyond, a handshake is answered with 503."""
    operations_per_connection: int = 50
    """As many may run at once in one WebSocket."""
    connection_init_timeout_s: float = 5.0
    """How long a WebSocket may be open without `connection_init`."""
    response_headers: frozenset[str] = frozenset()
    """Headers of subgraphs' answers that clients see."""
    mutation_request_headers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The client's headers that a subgraph sees with mutations only, by its name in capitals."""
    mutation_response_headers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Headers of its answers to mutations that clients see."""
    cors_origins: frozenset[str] = frozenset()
    """Pages of these origins may read answers and open WebSockets; `*` stands for any."""
    cors_credentials: bool = False
    """Whether browsers may send cookies with what such pages ask."""
    event_bytes: int = 1_000_000
    """The most one event of a subscription may have."""
    keep_alive_s: float = 15.0
    """After how long a silent event stream says that it is alive."""
    planning_timeout_s: float = 0.8
    """How long an operation that is not known yet may be kept waiting by others before it is read and planned."""
    plan_cache_entries: int = 1_000
    """Small operations; a large one counts as several, so that memory stays bounded."""
    forwarded_headers: frozenset[str] = FORWARDED_HEADERS
    override_labels: frozenset[str] = frozenset()
    """Progressive @override labels that are on."""
    limits: Limits = field(default_factory=Limits)
    tokens: TokenSettings | None = None
    """None: no token is believed, everybody is anonymous to the supergraph's authorization directives."""

    @property
    def passed_down(self) -> frozenset[bytes]:
        """The client's headers that subgraphs get as they are; a request's id may be the gateway's own."""
        return frozenset(name.encode() for name in self.forwarded_headers - {"x-request-id"})

    @property
    def sent_with_mutations(self) -> frozenset[str]:
        """The client's headers that some subgraph sees with mutations."""
        return frozenset[str]().union(*self.mutation_request_headers.values())

    @property
    def passes_headers_on(self) -> bool:
        """Whether any header of a subgraph's answer can reach a client."""
        return bool(self.response_headers) or any(self.mutation_response_headers.values())


PRODUCTION = Settings(introspection=False, graphiql=False, show_plans=False)
"""What GATEWAY_PRODUCTION makes the defaults: nothing that tells strangers what there is."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError naming the variable that is wrong."""
    return _read_settings(_Environment(environment))


def setting_names() -> frozenset[str]:
    """Every variable that `read_settings` looks at."""
    read = _Environment({})
    _read_settings(read)
    return frozenset(read.names)


def unknown_settings(environment: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Variables that look like settings and are none, each with the setting that may be meant."""
    known = setting_names()
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            yield name, next(iter(get_close_matches(name, known, n=1, cutoff=0.8)), None)


def _read_settings(read: "_Environment") -> Settings:
    default = PRODUCTION if read.value("GATEWAY_PRODUCTION", _switch, default=False) else Settings()
    return Settings(
        supergraph=read.value("SUPERGRAPH", Path, default.supergraph),
        host=read.value("LISTEN_HOST", str, default.host),
        port=read.value("GATEWAY_PORT", _port, default.port),
        trusted_documents=read.value("GATEWAY_TRUSTED_DOCUMENTS", Path, default.trusted_documents),
        frontend_dir=read.value("FRONTEND_DIR", Path, default.frontend_dir),
        introspection=read.value("GATEWAY_INTROSPECTION", _switch, default.introspection),
        graphiql=read.value("GATEWAY_GRAPHIQL", _switch, default.graphiql),
        show_plans=read.value("GATEWAY_SHOW_PLANS", _switch, default.show_plans),
        request_timeout_s=read.value("GATEWAY_REQUEST_TIMEOUT_S", _seconds, default.request_timeout_s),
        subgraph_timeout_s=read.value("GATEWAY_SUBGRAPH_TIMEOUT_S", _seconds, default.subgraph_timeout_s),
        drain_s=read.value("GATEWAY_DRAIN_S", _seconds_or_none, default.drain_s),
        idle_connection_s=read.value("GATEWAY_IDLE_CONNECTION_S", _seconds, default.idle_connection_s),
        access_log=read.value("GATEWAY_ACCESS_LOG", _switch, default.access_log),
        metrics=read.value("GATEWAY_METRICS", _shown, default.metrics),
        metrics_port=read.value("GATEWAY_METRICS_PORT", _port, default.metrics_port),
        concurrent_requests=read.value("GATEWAY_CONCURRENT_REQUESTS", _positive, default.concurrent_requests),
        response_bytes=read.value("GATEWAY_SUBGRAPH_RESPONSE_BYTES", _positive, default.response_bytes),
        subgraph_proxy=read.value("GATEWAY_SUBGRAPH_PROXY", _proxy, default.subgraph_proxy),
        share_requests=read.value("GATEWAY_SHARE_REQUESTS", _switch, default.share_requests),
        entities_per_request=read.value(
            "GATEWAY_ENTITIES_PER_REQUEST", _positive, default.entities_per_request
        ),
        subscriptions=read.value("GATEWAY_LIMIT_SUBSCRIPTIONS", _positive, default.subscriptions),
        websockets=read.value("GATEWAY_LIMIT_WEBSOCKETS", _positive, default.websockets),
        operations_per_connection=read.value(
            "GATEWAY_LIMIT_OPERATIONS_PER_CONNECTION", _positive, default.operations_per_connection
        ),
        connection_init_timeout_s=read.value(
            "GATEWAY_CONNECTION_INIT_TIMEOUT_S", _seconds, default.connection_init_timeout_s
        ),
        response_headers=read.value("GATEWAY_RESPONSE_HEADERS", _response_headers, default.response_headers),
        mutation_request_headers=read.values(MUTATION_REQUEST_HEADERS, _request_headers),
        mutation_response_headers=read.values(MUTATION_RESPONSE_HEADERS, _response_headers),
        cors_origins=_cors_origins(read),
        cors_credentials=read.value("GATEWAY_CORS_CREDENTIALS", _switch, default.cors_credentials),
        event_bytes=read.value("GATEWAY_SUBSCRIPTION_EVENT_BYTES", _positive, default.event_bytes),
        keep_alive_s=read.value("GATEWAY_KEEP_ALIVE_S", _seconds, default.keep_alive_s),
        planning_timeout_s=read.value("GATEWAY_PLANNING_TIMEOUT_S", _seconds, default.planning_timeout_s),
        plan_cache_entries=read.value("GATEWAY_PLAN_CACHE_ENTRIES", _positive, default.plan_cache_entries),
        forwarded_headers=read.value("GATEWAY_FORWARDED_HEADERS", _names, default.forwarded_headers),
        override_labels=read.value("GATEWAY_OVERRIDE_LABELS", _labels, default.override_labels),
        tokens=_tokens(read),
        limits=_limits(read),
    )


def _limits(read: "_Environment") -> Limits:
    limits = Limits()
    return Limits(
        head_bytes=read.value("GATEWAY_LIMIT_HEAD_BYTES", _positive, limits.head_bytes),
        body_bytes=read.value("GATEWAY_LIMIT_BODY_BYTES", _positive, limits.body_bytes),
        characters=read.value("GATEWAY_LIMIT_CHARACTERS", _positive, limits.characters),
        tokens=read.value("GATEWAY_LIMIT_TOKENS", _positive, limits.tokens),
        depth=read.value("GATEWAY_LIMIT_DEPTH", _positive, limits.depth),
        aliases=read.value("GATEWAY_LIMIT_ALIASES", _positive, limits.aliases),
        root_fields=read.value("GATEWAY_LIMIT_ROOT_FIELDS", _positive, limits.root_fields),
        directives=read.value("GATEWAY_LIMIT_DIRECTIVES", _positive, limits.directives),
        fields=read.value("GATEWAY_LIMIT_FIELDS", _positive, limits.fields),
        cost=read.value("GATEWAY_LIMIT_COST", _positive, limits.cost),
        planning_steps=read.value("GATEWAY_LIMIT_PLANNING_STEPS", _positive, limits.planning_steps),
    )


def _tokens(read: "_Environment") -> TokenSettings | None:
    """Half a setting would let nobody in, or everybody: it stops the start."""
    jwks_url = read.value("JWKS_URL", _url, "")
    needed = {name: read.value(name, str, "") for name in ("TOKEN_ISSUER", "TOKEN_AUDIENCE")}
    policy_claim = read.value("GATEWAY_POLICY_CLAIM", str, "policies")
    if not jwks_url:
        return None
    for name, value in needed.items():
        if not value:
            raise SettingsError(f"{name} must say whose tokens are believed where JWKS_URL is set")
    return TokenSettings(jwks_url, needed["TOKEN_ISSUER"], needed["TOKEN_AUDIENCE"], policy_claim)


def subgraph_urls(subgraphs: Mapping[Graph, Subgraph], environment: Mapping[str, str]) -> dict[Graph, str]:
    """Addresses given as SUBGRAPH_URL_<NAME>, by subgraph."""
    named = {graph: environment.get(url_variable(subgraph.name)) for graph, subgraph in subgraphs.items()}
    return {graph: url for graph, url in named.items() if url}


def events_urls(subgraphs: Mapping[Graph, Subgraph], environment: Mapping[str, str]) -> dict[Graph, str]:
    """Where subscriptions are served, by subgraph, if SUBGRAPH_SUBSCRIPTIONS_<NAME> says so: an address, or `ws` or
    `sse` for that protocol at the subgraph's own address. Raises SettingsError."""
    read = _Environment(environment)
    return {
        graph: read.value(
            "SUBGRAPH_SUBSCRIPTIONS_" + in_capitals(subgraph.name), _events_url(subgraph.url), ""
        )
        for graph, subgraph in subgraphs.items()
    }


def wants_tracing(environment: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry has somewhere to send traces to. All its other variables it reads itself."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not is_off and bool(
        environment.get(TRACES_TO) or environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def url_variable(name: str) -> str:
    """`my-users` -> `SUBGRAPH_URL_MY_USERS`"""
    return "SUBGRAPH_URL_" + in_capitals(name)


def in_capitals(name: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in name.upper())


class _Environment:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.names: set[str] = set()
        """Those that were looked at."""

    def value(self, name: str, parse: Callable[[str], T], default: T) -> T:
        self.names.add(name)
        return self._parsed(name, parse) if self._environment.get(name, "").strip() else default

    def values(self, prefix: str, parse: Callable[[str], T]) -> dict[str, T]:
        """Of the variables that begin so, by the rest of their names."""
        names = [name for name, text in self._environment.items() if name.startswith(prefix) and text.strip()]
        return {name.removeprefix(prefix): self._parsed(name, parse) for name in names}

    def _parsed(self, name: str, parse: Callable[[str], T]) -> T:
        text = self._environment[name].strip()
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{name} is {text!r}, but must be {error}") from None


def current_environment() -> Mapping[str, str]:
    return os.environ


def _events_url(url: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text == "sse":
            return url
        if text == "ws":
            return "ws" + url.removeprefix("http")
        if not text.startswith(("http://", "https://", "ws://", "wss://")):
            raise ValueError("sse, ws, or an address that begins with http://, https://, ws:// or wss://")
        return text

    return parse


def _switch(text: str) -> bool:
    if text.lower() not in {"0", "1", "true", "false"}:
        raise ValueError("0 or 1")
    return text.lower() in {"1", "true"}


def _shown(text: str) -> Shown:
    try:
        return Shown(text.lower())
    except ValueError:
        raise ValueError(" or ".join(Shown)) from None


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError("a whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if text.startswith("tcp://"):
        raise ValueError(
            "a port number. Kubernetes sets this for a service named 'gateway', unless the pod has enableServiceLinks: false"
        )
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError("a port number from 0 to 65535")
    return int(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an http or https URL")
    return text


def _seconds(text: str) -> float:
    problem = ValueError("a number of seconds above 0")
    try:
        seconds = float(text)
    except ValueError:
        raise problem from None
    if not 0 < seconds < float("inf"):
        raise problem
    return seconds


def _seconds_or_none(text: str) -> float:
    return 0.0 if text == "0" else _seconds(text)


def _proxy(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("the http or https URL of a proxy")
    return text


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def _origins(text: str) -> frozenset[str]:
    origins = frozenset(origin.strip() for origin in text.split(",") if origin.strip())
    for origin in origins:
        scheme, _, authority = origin.partition("://")
        if scheme not in {"http", "https"} or not authority or "/" in authority:
            raise ValueError("origins, such as https://example.com, separated by commas")
    return origins


def _cors_origins(read: "_Environment") -> frozenset[str]:
    name = "GATEWAY_CORS_ORIGINS"
    if read.value(name, str, "") != "*":
        return read.value(name, _origins, frozenset())
    if read.value("GATEWAY_CORS_CREDENTIALS", _switch, default=False):
        raise SettingsError(
            f"{name}=* and GATEWAY_CORS_CREDENTIALS=1 do not go together: any page could then act with its visitor's "
            "cookies. Name the origins that may, or leave the credentials out"
        )
    return frozenset({"*"})


OWN_HEADERS = frozenset(
    {
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "keep-alive",
    }
    | {
        "retry-after",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "x-content-type-options",
        "x-request-id",
    }
)
"""Headers the gateway itself has to say in an answer."""


def _response_headers(text: str) -> frozenset[str]:
    names = _names(text)
    if any(name in OWN_HEADERS or name.startswith("access-control-") for name in names):
        raise ValueError(
            f"names of headers that are not the gateway's own: none of {', '.join(sorted(OWN_HEADERS))}"
        )
    return names


OF_THE_CONNECTION = frozenset({"accept", "accept-encoding", "expect", "host", "te"})


def _request_headers(text: str) -> frozenset[str]:
    names, own = _names(text), OWN_HEADERS | OF_THE_CONNECTION
    if names & own:
        raise ValueError(f"names of headers that are not the gateway's own: none of {', '.join(sorted(own))}")
    return names


def _labels(text: str) -> frozenset[str]:
    return frozenset(label.strip() for label in text.split(",") if label.strip())
