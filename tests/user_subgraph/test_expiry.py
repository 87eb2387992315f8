"""What has run out is forgotten, also of who never comes back."""

from datetime import timedelta

from tests.user_subgraph.service import Service
from tests.user_subgraph.test_second_factor import challenge, enabled
from user_subgraph.one_time_token import OneTimeToken, Purpose
from user_subgraph.one_time_tokens import OneTimeTokens
from user_subgraph.user import UserId

TABLES = ("sessions", "refresh_tokens", "mfa_challenges", "one_time_tokens")


def kept(service: Service) -> list[int]:
    return [len(service.rows(f"SELECT * FROM {table}")) for table in TABLES]  # noqa: S608 - our own names


def test_it_goes_when_its_time_is_over_and_not_before(service: Service) -> None:
    enabled(service)
    challenge(service)
    with service.parts.database.writing() as session:
        (user_id,) = (row["id"] for row in service.rows("SELECT id FROM users"))
        token = OneTimeToken(UserId(user_id), "ada@example.com")
        expires_at = service.clock.now + timedelta(hours=1)
        OneTimeTokens(session).add(token, Purpose.VERIFY_EMAIL, "hash", "mail_1", expires_at)
    before = kept(service)

    forgotten_early = service.parts.forget_what_has_expired()
    service.clock.move(service.settings.session_ttl_s)
    forgotten = service.parts.forget_what_has_expired()

    assert before == [1, 1, 1, 1]
    assert (forgotten_early, forgotten) == (0, 3)
    assert kept(service) == [0, 0, 0, 0]


def test_more_than_one_batch_goes(service: Service) -> None:
    service.add_user("ada@example.com")
    (user_id,) = (row["id"] for row in service.rows("SELECT id FROM users"))
    with service.parts.database.writing() as session:
        values = [f"('{number}', '{user_id}', '2026-11-23 09:00:00+00:00')" for number in range(1_001)]
        session.connection().exec_driver_sql(
            f"INSERT INTO mfa_challenges (id_hash, user_id, expires_at) VALUES {','.join(values)}"  # noqa: S608
        )

    assert service.parts.forget_what_has_expired() == 1_001
