"""Payments of earlier years, as rows: paid ones, each with what the service has written by then."""

import psycopg

_OWNERS = 50_000
_AT_ONCE = 100_000


def store(database_url: str, wanted: int) -> None:
    """Until there are *wanted*. Their triggers do not run: what is written balances."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute("SELECT count(*) FROM payments").fetchone()
        there = int(row[0]) if row else 0
        connection.execute("SET session_replication_role = replica")
        for first in range(there, wanted, _AT_ONCE):
            numbers = {"first": first, "last": min(first + _AT_ONCE, wanted) - 1, "owners": _OWNERS}
            for statement in STATEMENTS:
                connection.execute(statement, numbers)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


_EACH = b"""FROM generate_series(%(first)s::bigint, %(last)s) AS n,
    LATERAL (SELECT 'pay_stored' || lpad(n::text, 16, '0') AS id,
                    timestamptz '2020-01-01' + n * interval '3 minutes' AS at,
                    500 + n %% 20000 AS amount) AS one"""

STATEMENTS = (
    b"""INSERT INTO payments (id, owner_id, reference, metadata, amount_minor, currency, capture_method, status,
        provider_payment_id, amount_capturable, amount_captured, amount_refunded, amount_refund_pending, version,
        readings, created_at, updated_at, succeeded_at)
    SELECT id, 'usr_stored' || n %% %(owners)s, 'order-' || n, '[]', amount, 'EUR', 'AUTOMATIC', 'SUCCEEDED',
        'pi_stored' || n, 0, amount, 0, 0, 3, 3, at, at, at """
    + _EACH,
    b"""INSERT INTO payment_operations (id, payment_id, kind, actor_id, client_key, request_hash, provider_key, params,
        provider_version, amount_minor, currency, state, created_at, first_sent_at, last_sent_at, due_at, attempts,
        looks, must_look, resolved_at)
    SELECT 'op_stored' || kind || n, id, kind, 'usr_stored' || n %% %(owners)s, 'key-' || n, repeat('0', 64),
        id || ':' || kind, '{}', '2026-10-28.endive', amount, 'EUR', 'SUCCEEDED', at, at, at, at, 1, 0, false, at """
    + _EACH
    + b", unnest(ARRAY['CREATE', 'CONFIRM']) AS kind",
    b"""INSERT INTO provider_events (id, provider, provider_event_id, type, livemode, payload, state, attempts,
        next_attempt_at, received_at, processed_at)
    SELECT 'whe_stored' || kind || n, 'stripe', 'evt_stored' || kind || n, 'payment_intent.succeeded', false,
        json_build_object('id', 'evt_stored' || n, 'data', json_build_object('object', repeat('x', 500))),
        'PROCESSED', 1, at, at, at """
    + _EACH
    + b", generate_series(1, 3) AS kind",
    b"""INSERT INTO observations (object_type, object_id, source, cause_id, snapshot, observed_at)
    SELECT 'payment', id, 'ANSWER', 'op_stored' || n,
        jsonb_build_object('status', 'SUCCEEDED', 'provider_payment_id', 'pi_stored' || n), at """
    + _EACH
    + b", generate_series(1, 2)",
    b"""INSERT INTO ledger_entries (txn_id, posting_key, kind, payment_id, account, amount_minor, currency,
        effective_at, created_at)
    SELECT id || ':3', id || ':3:' || account, 'CAPTURE', id, account, sign * amount, 'EUR', at, at """
    + _EACH
    + b", (VALUES ('stripe_clearing', 1), ('payments_received', -1)) AS side(account, sign)",
)
