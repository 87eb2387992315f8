"""create_app(settings): the one place where the parts are built and joined."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import argon2
from flask import Flask, Response, g, jsonify, request
from ulid import ULID
from werkzeug.exceptions import HTTPException

from user_subgraph.accounts import Accounts
from user_subgraph.audit_trail import AuditTrail
from user_subgraph.clock import Clock, utc_now
from user_subgraph.data_export_making import DataExportMaking
from user_subgraph.data_export_view import DataExportView
from user_subgraph.data_exports import PATH as DATA_EXPORTS
from user_subgraph.data_exports import DataExports
from user_subgraph.database import Database
from user_subgraph.email_change import EmailChange
from user_subgraph.errors import BadRequest, InternalError
from user_subgraph.expiry import Expiry
from user_subgraph.factors_of_account import FactorsOfAccounts
from user_subgraph.federation import subgraph_schema, subgraph_sdl
from user_subgraph.graphql_view import GraphQLView
from user_subgraph.key_rotation import JWKS_MAX_AGE_S, KeyRotation
from user_subgraph.limits import Limits
from user_subgraph.login import Login
from user_subgraph.mail_delivery import MailDelivery
from user_subgraph.mailed_links import MailedLinks
from user_subgraph.moving_windows import FallingBackWindows, MovingWindows, ProcessWindows, RedisWindows
from user_subgraph.oauth import OAuth
from user_subgraph.oauth_view import PAGES, OAuthView
from user_subgraph.operation import Operations
from user_subgraph.passkeys import Passkeys
from user_subgraph.password_change import PasswordChange
from user_subgraph.passwords import PasswordHashes
from user_subgraph.payments_of_owner import PaymentService
from user_subgraph.reauthentication import Reauthentication
from user_subgraph.refresh_cookie import CookieAttributes
from user_subgraph.relying_party import RelyingParty
from user_subgraph.second_factor import SecondFactor
from user_subgraph.session_tokens import SessionTokens
from user_subgraph.sessions import Sessions
from user_subgraph.settings import Settings
from user_subgraph.signing_keys import SigningKeys
from user_subgraph.throttling import Throttling
from user_subgraph.tokens import AccessTokens
from user_subgraph.user_event_delivery import Receiver, UserEventDelivery

logger = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Parts:
    """What a running service consists of; `close` gives the connections back."""

    database: Database
    keys: SigningKeys
    accounts: Accounts
    throttling: Throttling
    second_factor: SecondFactor
    view: GraphQLView
    data_export_view: DataExportView
    data_export_making: DataExportMaking
    oauth_view: OAuthView
    mail_delivery: MailDelivery
    audit_trail: AuditTrail
    audit_origin_days: int
    clock: Clock
    deliver_events: Callable[[], object]

    def forget_what_has_expired(self) -> int:
        return Expiry(self.database, self.clock).forget()

    def forget_old_origins(self) -> int:
        return self.audit_trail.forget_origins_before(self.clock() - timedelta(days=self.audit_origin_days))

    def close(self) -> None:
        self.throttling.windows.close()
        self.database.close()


def assembled(settings: Settings, clock: Clock = utc_now) -> Parts:
    """Raises `StartRefused` when there are no signing keys."""
    ground = _ground(settings, clock)
    login, factors = _login(ground), second_factor_of(settings, ground.database, clock)
    accounts, exports = _accounts(ground), _data_exports(ground)
    return Parts(
        database=ground.database,
        keys=ground.keys,
        accounts=accounts,
        throttling=ground.throttling,
        second_factor=factors,
        view=_graphql_view(ground, accounts, login, exports, factors),
        data_export_view=DataExportView(exports, ground.tokens, clock, settings.trusted_proxies),
        data_export_making=_data_export_making(ground),
        oauth_view=_oauth_view(ground, login),
        mail_delivery=_mail_delivery(ground),
        audit_trail=AuditTrail(ground.database),
        audit_origin_days=settings.audit_origin_days,
        clock=clock,
        deliver_events=_event_delivery(ground),
    )


@dataclass(frozen=True)
class _Ground:
    """What the parts stand on."""

    settings: Settings
    clock: Clock
    database: Database
    keys: SigningKeys
    tokens: AccessTokens
    passwords: PasswordHashes
    throttling: Throttling

    @property
    def reauthentication(self) -> Reauthentication:
        fresh = fresh_for(self.settings)
        return Reauthentication(self.database, self.passwords, self.throttling, self.clock, fresh)

    @property
    def relying_party(self) -> RelyingParty:
        settings = self.settings
        return RelyingParty(settings.passkey_domain, settings.mfa_issuer, settings.passkey_origins)


def _ground(settings: Settings, clock: Clock) -> _Ground:
    rotation = KeyRotation.of_tokens_living(settings.access_token_ttl_s)
    keys = SigningKeys(settings.signing_keys_dir, rotation, clock)
    database = Database(settings.database_url, pool_size=settings.threads)
    tokens = AccessTokens(keys, settings.token_issuer, settings.token_audience, settings.access_token_ttl_s)
    throttling = throttling_of(settings, database, clock)
    return _Ground(settings, clock, database, keys, tokens, password_hashes(settings), throttling)


def _accounts(ground: _Ground) -> Accounts:
    return Accounts(
        ground.database,
        ground.passwords,
        ground.reauthentication,
        ground.throttling,
        ground.clock,
        verification_required=ground.settings.verification_required,
    )


def _login(ground: _Ground) -> Login:
    session_tokens = SessionTokens(ground.tokens, ground.settings.session_ttl_s)
    return Login(
        ground.database,
        ground.passwords,
        ground.throttling,
        session_tokens,
        ground.relying_party,
        ground.clock,
    )


def _graphql_view(
    ground: _Ground,
    accounts: Accounts,
    login: Login,
    exports: DataExports,
    second_factor: SecondFactor,
) -> GraphQLView:
    database, clock, settings = ground.database, ground.clock, ground.settings
    again = ground.reauthentication
    return GraphQLView(
        Operations(subgraph_schema(), _limits(settings), introspection=settings.introspection),
        accounts,
        login,
        Sessions(database, clock),
        PasswordChange(database, ground.passwords, again, clock),
        EmailChange(database, again, ground.throttling, clock),
        exports,
        second_factor,
        Passkeys(FactorsOfAccounts(database, fresh_for(settings)), ground.relying_party, clock),
        MailedLinks(database, ground.passwords, ground.throttling, clock),
        AuditTrail(database),
        ground.tokens,
        clock,
        subgraph_sdl(),
        settings.trusted_proxies,
        CookieAttributes(settings.refresh_cookie_path, settings.refresh_cookie_secure),
    )


def _oauth_view(ground: _Ground, login: Login) -> OAuthView:
    settings = ground.settings
    oauth = OAuth(
        ground.database, login, ground.throttling, ground.clock, settings.token_issuer, settings.public_url
    )
    return OAuthView(oauth, settings.mfa_issuer, settings.trusted_proxies)


def _mail_delivery(ground: _Ground) -> MailDelivery:
    carrier, letterhead = ground.settings.mail_carrier, ground.settings.letterhead
    return MailDelivery(ground.database, carrier, letterhead, ground.clock, ground.throttling)


def _data_exports(ground: _Ground) -> DataExports:
    settings = ground.settings
    return DataExports(ground.database, ground.clock, fresh_for(settings), settings.public_url)


def _data_export_making(ground: _Ground) -> DataExportMaking:
    """Without a payment service, data exports hold what is stored here."""
    url = ground.settings.payment_graphql_url
    payments = None if url is None else PaymentService(url)
    return DataExportMaking(ground.database, payments, ground.tokens, ground.clock)


def _event_delivery(ground: _Ground) -> Callable[[], object]:
    """Without a receiver all events wait."""
    settings = ground.settings
    if settings.user_events_url is None:
        return lambda: None
    receiver = Receiver(settings.user_events_url, settings.user_events_keys)
    return UserEventDelivery(ground.database, receiver, ground.clock).round


def password_hashes(settings: Settings) -> PasswordHashes:
    hasher = argon2.PasswordHasher(
        settings.argon2_time_cost, settings.argon2_memory_kib, settings.argon2_parallelism
    )
    return PasswordHashes(hasher, slots=settings.password_hash_slots, wait_s=settings.password_hash_wait_s)


def throttling_of(settings: Settings, database: Database, clock: Clock) -> Throttling:
    tells_clients_apart = bool(settings.trusted_proxies)
    windows = _windows(settings.throttle_storage, clock)
    return Throttling(settings.bounds, windows, database, clock, tells_clients_apart)


def _windows(redis_url: str | None, clock: Clock) -> MovingWindows:
    own = ProcessWindows(clock)
    return own if redis_url is None else FallingBackWindows(RedisWindows(redis_url), own)


def second_factor_of(settings: Settings, database: Database, clock: Clock) -> SecondFactor:
    return SecondFactor(FactorsOfAccounts(database, fresh_for(settings)), clock, settings.mfa_issuer)


def fresh_for(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.fresh_login_s)


def create_app(settings: Settings, parts: Parts) -> Flask:
    app = Flask("user_subgraph", static_folder=None, template_folder=PAGES)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined] # the default provider has it; GraphQL keeps the order asked
    _add_routes(app, parts)
    parts.oauth_view.add_routes(app)
    app.before_request(_begin)
    app.after_request(_log_access)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)
    return app


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.max_query_tokens,
        settings.max_query_depth,
        settings.max_query_fields,
        settings.max_query_aliases,
    )


def _add_routes(app: Flask, parts: Parts) -> None:
    every_method = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    @app.route("/graphql", methods=every_method)
    def graphql() -> Response:
        return parts.view.answer(request, g.request_id)

    @app.get(f"{DATA_EXPORTS}/<export_id>", provide_automatic_options=False)
    def data_export(export_id: str) -> Response:
        return parts.data_export_view.answer(request, export_id, g.request_id)

    @app.route(f"{DATA_EXPORTS}/<export_id>", methods=["OPTIONS"])
    def data_export_preflight(export_id: str) -> Response:  # noqa: ARG001 - the same for each
        return parts.data_export_view.preflight()

    @app.get("/.well-known/jwks.json")
    def jwks() -> Response:
        response = jsonify(parts.keys.public_jwks)
        response.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE_S}"
        return response

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        if parts.database.is_ready():
            return jsonify(status="ready"), 200
        return jsonify(status="the database is not reachable, or not migrated"), 503


def _begin() -> None:
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _REQUEST_ID.fullmatch(sent) else f"req_{ULID()}".lower()
    g.began = time.perf_counter()


def _log_access(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    logger.info(
        "request",
        extra={
            "request_id": g.request_id,
            "method": request.method,
            "path": request.path,  # without the query string: a GET carries its variables there
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.began) * 1000, 1),
        },
    )
    return response


def _http_error(error: HTTPException) -> Response:
    """Werkzeug's refusals (404, 405, 413, 415) in the shape of all our errors."""
    response = _error_body(BadRequest.code, error.description or error.name)
    response.status_code = error.code or 500
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers["Allow"] = value
    return response


def _unexpected_error(error: Exception) -> Response:
    logger.error("unexpected error", exc_info=error, extra={"request_id": g.request_id})
    masked = InternalError()
    response = _error_body(masked.code, masked.message)
    response.status_code = 500
    return response


def _error_body(code: str, message: str) -> Response:
    return jsonify(errors=[{"message": message, "extensions": {"code": code, "requestId": g.request_id}}])
