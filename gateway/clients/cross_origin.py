"""What pages of other origins may do: nothing, unless their origin is allowed (CORS).

A browser sends "simple" requests to anybody without asking first: forms, images, links. None of them can do harm here:
a POST must be JSON, which is not simple; and a GET, which only ever reads, is refused when the browser says that it
comes from another site.

Sources: https://fetch.spec.whatwg.org/#http-cors-protocol, https://w3c.github.io/webappsec-fetch-metadata/
"""

from collections.abc import Iterable

from gateway.errors import BadRequest
from gateway.headers import Headers

ANY_ORIGIN = "*"
PREFLIGHT_KEPT_S = 7200
"""As long as any browser remembers the answer to a preflight."""

READABLE = b"x-request-id, retry-after"
"""Headers of an answer that pages may read, besides those every page may."""

VARIES = (b"vary", b"origin")


class CrossSiteRequest(BadRequest):
    status = 403


class CrossOrigin:
    """Answers browsers that ask on behalf of pages."""

    def __init__(self, origins: frozenset[str], request_headers: Iterable[str], *, credentials: bool) -> None:
        """*origins* may hold `*`, but then not *credentials*. *request_headers*: those that pages may send."""
        self._origins = origins
        self._credentials = ((b"access-control-allow-credentials", b"true"),) if credentials else ()
        self._varies = () if ANY_ORIGIN in origins or not origins else (VARIES,)
        self.preflight: Headers = (
            (b"access-control-allow-methods", b"GET, POST"),
            (b"access-control-allow-headers", ", ".join(sorted(request_headers)).encode()),
            (b"access-control-max-age", b"%d" % PREFLIGHT_KEPT_S),
        )
        """For the answer to a browser that asks what pages may send, besides `headers`."""

    @property
    def is_on(self) -> bool:
        return bool(self._origins)

    def allows(self, origin: str) -> bool:
        return origin in self._origins or (bool(origin) and ANY_ORIGIN in self._origins)

    def headers(self, origin: str) -> Headers:
        """For an answer to a request from *origin*; caches must know that another origin's differs."""
        if not self.allows(origin):
            return self._varies
        said = ANY_ORIGIN if ANY_ORIGIN in self._origins else origin
        return (
            (b"access-control-allow-origin", said.encode("latin-1")),
            (b"access-control-expose-headers", READABLE),
            *self._credentials,
            *self._varies,
        )

    def check_read(self, site: str, origin: str) -> None:
        """Raises CrossSiteRequest for a GET that a page of another site makes without being allowed.

        *site*: the browser's word in Sec-Fetch-Site; others than browsers do not say it.
        """
        if site in {"cross-site", "same-site"} and not self.allows(origin):
            raise CrossSiteRequest("Pages of other sites may not ask here.")
