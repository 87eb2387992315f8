"""OAuth 2 over HTTP: the page that asks for consent, and the addresses that programs use.

The page needs no cookie and no session, and a script for passkeys only: who lets an app in proves who they are there and then.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, jsonify, render_template, request
from markupsafe import Markup

from user_subgraph.client_address import Network
from user_subgraph.errors import (
    BadRequest,
    DomainError,
    InvalidTokenError,
    MfaRequiredError,
    RateLimitedError,
)
from user_subgraph.oauth import (
    AUTHORIZE,
    INTROSPECT,
    METADATA,
    REVOKE,
    TOKEN,
    AskedConsent,
    ConsentNotAsked,
    OAuth,
    Parameters,
)
from user_subgraph.oauth_transaction import Answer
from user_subgraph.request_origin import caller_of
from user_subgraph.scope_meanings import MEANINGS

PAGES = "oauth_pages"
_STYLE = (Path(__file__).parent / PAGES / "style.css").read_text()
_SCRIPT = (Path(__file__).parent / PAGES / "passkey.js").read_text()
_OWN_PAGE = frozenset({"same-origin", "none"})
_MAX_FORM_BYTES = 16 * 1024

Told = Callable[[OAuth, str | None, Parameters], Answer]


@dataclass(frozen=True)
class OAuthView:
    """`service`: the name that people know this by."""

    oauth: OAuth
    service: str
    trusted_proxies: Collection[Network]

    def add_routes(self, app: Flask) -> None:
        app.add_url_rule(AUTHORIZE, "ask", lambda: self._ask(self._oauth()), methods=["GET"])
        app.add_url_rule(AUTHORIZE, "decide", lambda: self._decide(self._oauth()), methods=["POST"])
        told: dict[str, Told] = {
            TOKEN: OAuth.token,
            REVOKE: OAuth.revocation,
            INTROSPECT: OAuth.introspection,
        }
        for path, tell in told.items():
            app.add_url_rule(path, path, lambda tell=tell: _told(self._oauth(), tell), methods=["POST"])
        app.add_url_rule(METADATA, "metadata", self._metadata, methods=["GET"])

    def _oauth(self) -> OAuth:
        request.max_content_length = _MAX_FORM_BYTES
        return self.oauth.asked_by(caller_of(request, None, g.request_id, self.trusted_proxies))

    def _metadata(self) -> Response:
        return _for_every_page(jsonify(self.oauth.metadata()))

    def _ask(self, oauth: OAuth) -> Response:
        """Who asks for what, and a form to log in with."""
        try:
            return self._page(oauth.consent_asked(_query(request)), Filled())
        except ConsentNotAsked as refusal:
            return self._not_asked(refusal.answer)

    def _decide(self, oauth: OAuth) -> Response:
        """What the person has said. The form has the page's address, which still says what was asked."""
        try:
            asked = oauth.consent_asked(_query(request))
            if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGE:
                message = "Please log in here yourself: another site has sent this form."
                return self._page(asked, Filled(message=message))
            return self._decided(oauth, asked)
        except ConsentNotAsked as refusal:
            return self._not_asked(refusal.answer)

    def _decided(self, oauth: OAuth, asked: AskedConsent) -> Response:
        filled = Filled.of(request.form)
        try:
            return _sent_to(_decision(oauth, request))
        except MfaRequiredError as error:
            return self._page(
                asked, Filled(challenge=error.challenge_id, passkey=error.passkey_options or "")
            )
        except InvalidTokenError:
            return self._page(asked, Filled(message="That took too long. Log in again."))
        except RateLimitedError as error:
            return _later(self._page(asked, replace(filled, message=error.message)), error)
        except (BadRequest, DomainError) as error:
            return self._page(asked, replace(filled, message=error.message))

    def _page(self, asked: AskedConsent, filled: "Filled") -> Response:
        destination = _origin(asked.redirect_uri)
        meanings = [meaning for scope, meaning in MEANINGS.items() if scope in asked.scopes]
        facts = {"asked": asked, "meanings": meanings, "destination": destination, "filled": filled}
        response = self._html("consent.html", may_lead_to=_source(asked.redirect_uri), **facts)
        response.status_code = HTTPStatus.BAD_REQUEST if filled.message else HTTPStatus.OK
        return response

    def _not_asked(self, answer: Answer) -> Response:
        if answer.location is not None:
            return _sent_to(answer)
        response = self._html("refused.html", message=answer.body["error_description"])
        response.status_code = HTTPStatus.BAD_REQUEST
        return response

    def _html(self, page: str, *, may_lead_to: str = "", **values: object) -> Response:
        ours = {"style": Markup(_STYLE), "script": Markup(_SCRIPT)}  # noqa: S704
        response = Response(render_template(page, service=self.service, **ours, **values))
        response.headers["Content-Security-Policy"] = _policy(may_lead_to)
        return _kept_by_nobody(response)


@dataclass(frozen=True)
class Filled:
    """What the form says by now. `challenge`: of a login that waits for its second factor; `passkey`: what to ask the browser for one."""

    message: str = ""
    email: str = ""
    challenge: str = ""
    passkey: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Filled":
        """As it was sent."""
        return cls("", form.get("email", ""), form.get("challenge", ""), form.get("passkey", ""))


def _decision(oauth: OAuth, request: Request) -> Answer:
    """Raises `BadRequest` where the form says neither yes nor no: that must not count as either."""
    form, query = request.form, _query(request)
    match form.getlist("decision"):
        case ["allow"]:
            return _allowed(oauth, form, query)
        case ["deny"]:
            return oauth.refused(query)
        case _:
            raise BadRequest("Press one of the two buttons: what was sent says neither yes nor no.")


def _allowed(oauth: OAuth, form: Mapping[str, str], query: Parameters) -> Answer:
    if challenge := form.get("challenge"):
        return oauth.allowed_by_code(query, challenge, form.get("code", ""))
    return oauth.allowed_by_password(query, form.get("email", ""), form.get("password", ""))


def _told(oauth: OAuth, tell: Told) -> Response:
    try:
        answer = tell(oauth, request.headers.get("Authorization"), request.form.to_dict(flat=False))
    except RateLimitedError as error:
        body = {"error": "temporarily_unavailable", "error_description": error.message}
        return _later(_for_every_page(_kept_by_nobody(jsonify(body))), error)
    response = jsonify(answer.body)
    response.status_code = answer.status
    if answer.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="oauth"'
    return _for_every_page(_kept_by_nobody(response))


def _query(request: Request) -> Parameters:
    return request.args.to_dict(flat=False)


def _sent_to(answer: Answer) -> Response:
    """303: with GET, whatever this was (RFC 9700, 4.12)."""
    response = Response(status=HTTPStatus.SEE_OTHER)
    response.headers["Location"] = str(answer.location)
    return _kept_by_nobody(response)


def _later(response: Response, error: RateLimitedError) -> Response:
    response.status_code = HTTPStatus.TOO_MANY_REQUESTS
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _kept_by_nobody(response: Response) -> Response:
    """Addresses and answers hold codes and tokens."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _for_every_page(response: Response) -> Response:
    """Apps that run in a browser are of other sites. No cookie is ever looked at here, so they get nothing by it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _policy(may_lead_to: str) -> str:
    """Nothing but our style sheet, our script and our form, in no frame. Browsers hold what a form's answer leads to against it, too."""
    form_action = f"'self' {may_lead_to}".strip()
    return (
        f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; form-action {form_action}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def _hash(inline: str) -> str:
    """As a policy names what stands in the page itself (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}'"


def _source(uri: str) -> str:
    """The address as a policy names it (CSP 3, 2.3.1): those of IPv6 have no other name there than their scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}:" if "[" in parts.netloc else _origin(uri)


def _origin(uri: str) -> str:
    """Of an address; of an app's own scheme the scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
