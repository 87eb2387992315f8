"""Signing keys: who may read them, which one signs, which are published, and that nobody notices when they change."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, KeySet

from tests.user_subgraph.service import HeldClock, Service, settings_for
from user_subgraph.errors import StartRefused
from user_subgraph.key_commands import retire, rotate
from user_subgraph.key_rotation import JWKS_MAX_AGE_S, KeyRotation, KeyState
from user_subgraph.signing_keys import SigningKeys, create_key, key_files, load_keys
from user_subgraph.token_claims import UnverifiedToken

ROTATION = KeyRotation.of_tokens_living(600)


@pytest.fixture
def backend() -> str:
    """The database plays no part here."""
    return "sqlite"


def kid_of(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))["kid"])


def published(keys: SigningKeys) -> list[str | None]:
    return [key.kid for key in keys.verifying.keys]


# ---------- files ----------


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = create_key(tmp_path / "keys", HeldClock().now)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("case", ["none", "open to all", "no key", "public", "other curve"])
def test_a_service_without_a_good_key_does_not_start(tmp_path: Path, case: str) -> None:
    path = create_key(tmp_path, HeldClock().now)
    match case:
        case "none":
            path.unlink()
        case "open to all":
            path.chmod(0o644)
        case "no key":
            path.write_text("hello")
        case "public":
            path.write_bytes(ECKey.generate_key("P-256").as_pem(private=False))
        case "other curve":
            path.write_bytes(ECKey.generate_key("P-384").as_pem(private=True))

    with pytest.raises(StartRefused, match=r"^SIGNING_KEYS_DIR: "):
        load_keys(tmp_path)


def test_the_age_of_a_key_is_in_its_name_and_else_that_of_the_file(tmp_path: Path) -> None:
    clock = HeldClock()
    named = create_key(tmp_path, clock.now)
    other = tmp_path / "ours.pem"
    other.write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    other.chmod(0o600)

    made = {key.file: key.made_at for key in load_keys(tmp_path)}

    assert made[named] == clock.now
    assert made[other].timestamp() == pytest.approx(other.stat().st_mtime)


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(hours=1)])
def test_a_new_key_follows_all_others_even_by_a_clock_that_is_behind(
    tmp_path: Path, behind: timedelta
) -> None:
    now = HeldClock().now
    files = [create_key(tmp_path, now), *(create_key(tmp_path, now - behind) for _ in range(5))]

    assert [key.file for key in load_keys(tmp_path)] == files


# ---------- which signs, which are published ----------


def test_the_life_of_a_key() -> None:
    made = HeldClock().now
    follower = made + timedelta(days=1)
    first, second = ROTATION.lives([made, follower])
    at_change = follower + timedelta(seconds=360)

    assert first.state(made) is KeyState.SIGNING
    assert second.state(at_change - timedelta(seconds=1)) is KeyState.ANNOUNCED
    assert first.state(at_change - timedelta(seconds=1)) is KeyState.SIGNING
    assert (first.state(at_change), second.state(at_change)) == (KeyState.VERIFYING, KeyState.SIGNING)
    assert first.state(at_change + timedelta(seconds=659)) is KeyState.VERIFYING
    assert first.state(at_change + timedelta(seconds=660)) is KeyState.RETIRED
    assert second.state(made + timedelta(days=9999)) is KeyState.SIGNING


def test_a_new_key_is_noticed_announced_and_then_signs(tmp_path: Path) -> None:
    clock = HeldClock()
    create_key(tmp_path, clock.now)
    keys = SigningKeys(tmp_path, ROTATION, clock)
    (old,) = published(keys)
    clock.move(3600)
    create_key(tmp_path, clock.now)
    clock.move(2)
    first, new = published(keys)

    assert first == old
    assert keys.signing.kid == old
    clock.move(357)
    assert keys.signing.kid == old
    clock.move(1)
    assert keys.signing.kid == new
    clock.move(659)
    assert published(keys) == [old, new]
    clock.move(1)
    assert published(keys) == [new]


def test_the_first_key_signs_though_our_clock_is_behind(tmp_path: Path) -> None:
    clock = HeldClock()
    create_key(tmp_path, clock.now + timedelta(hours=1))
    keys = SigningKeys(tmp_path, ROTATION, clock)

    assert [keys.signing.kid] == published(keys)


def test_the_folder_is_not_looked_at_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = HeldClock()
    create_key(tmp_path, clock.now)
    keys = SigningKeys(tmp_path, ROTATION, clock)
    create_key(tmp_path, clock.now)

    seen = []
    for _ in range(4):
        clock.move(0.6)
        seen.append(len(published(keys)))

    assert seen == [1, 1, 1, 2]


@pytest.mark.parametrize("case", ["half a file", "open to all", "unreadable folder", "gone", "empty"])
def test_a_running_service_keeps_its_keys_whatever_becomes_of_the_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    clock, folder = HeldClock(), tmp_path / "keys"
    first = create_key(folder, clock.now)
    keys = SigningKeys(folder, ROTATION, clock)
    before = published(keys)
    clock.move(1000)
    match case:
        case "half a file":
            path = create_key(folder, clock.now)
            path.write_bytes(path.read_bytes()[:60])
        case "open to all":
            create_key(folder, clock.now).chmod(0o644)
        case "unreadable folder":
            folder.rename(tmp_path / "away")
            folder.write_text("not a folder")
        case "gone":
            folder.rename(tmp_path / "away")
        case "empty":
            first.unlink()

    for _ in range(3):
        clock.move(1000)
        assert published(keys) == before
        assert keys.signing.kid == before[0]
    (said,) = caplog.messages
    assert said.startswith("SIGNING_KEYS_DIR: ")


def test_a_key_file_that_is_mended_is_used(tmp_path: Path) -> None:
    clock = HeldClock()
    create_key(tmp_path, clock.now)
    keys = SigningKeys(tmp_path, ROTATION, clock)
    late = create_key(tmp_path, clock.now)
    late.chmod(0o644)
    clock.move(5)
    assert len(published(keys)) == 1
    late.chmod(0o600)
    clock.move(5)

    assert len(published(keys)) == 2


def test_a_key_that_is_taken_away_is_believed_no_more_and_the_next_signs_at_once(tmp_path: Path) -> None:
    clock = HeldClock()
    stolen = create_key(tmp_path, clock.now)
    keys = SigningKeys(tmp_path, ROTATION, clock)
    clock.move(1000)
    create_key(tmp_path, clock.now)
    stolen.unlink()
    clock.move(2)

    assert [keys.signing.kid] == published(keys)
    assert keys.signing.kid == load_keys(tmp_path)[0].kid


# ---------- nobody notices ----------


@dataclass
class Verifier:
    """Fetches the key set when it is as old as it may be and, unless it is *stubborn*, when it meets an unknown kid."""

    service: Service
    clock: HeldClock
    stubborn: bool
    fetched_after_s: float = JWKS_MAX_AGE_S
    keys: KeySet = field(default_factory=lambda: KeySet([]))
    fetched_at: float = 0

    def verify(self, token: str) -> None:
        """Raises InvalidAccessToken."""
        unverified, now = UnverifiedToken.read(token), self.clock.now.timestamp()
        unknown = unverified.key_id not in {key.kid for key in self.keys.keys}
        if now - self.fetched_at >= self.fetched_after_s or (unknown and not self.stubborn):
            self.keys = KeySet.import_key_set(self.service.http.get("/.well-known/jwks.json").get_json())
            self.fetched_at = now
        settings = self.service.settings
        unverified.claims(self.keys, settings.token_issuer, settings.token_audience, now)


@pytest.fixture
def replicas(tmp_path: Path, database_url: str) -> Iterator[list[Service]]:
    """Two services with one database and one folder, whose clocks are twenty seconds apart."""
    clocks = HeldClock(), HeldClock(HeldClock().now + timedelta(seconds=20))
    create_key(tmp_path / "keys", clocks[0].now)
    services = [Service(settings_for(database_url, tmp_path / "keys"), clock) for clock in clocks]
    yield services
    for service in services:
        service.close()


def test_no_valid_token_is_refused_while_keys_are_rotated_and_retired(replicas: list[Service]) -> None:
    """An hour and a half, a rotation every quarter of an hour, tokens believed to their last second."""
    one, other = replicas
    one.add_user("ada@example.com")
    clock = one.clock
    verifiers = [Verifier(service, clock, stubborn) for service in replicas for stubborn in (True, False)]
    issued: list[tuple[float, str]] = []
    signed_by = set()
    for turn in range(180):
        if turn % 30 == 1:  # just after the stubborn ones have asked
            rotate(one.settings, clock.now)
        retire(one.settings, clock.now)
        issued.append((clock.now.timestamp(), replicas[turn % 2].log_in("ada@example.com").access))
        signed_by.add(kid_of(issued[-1][1]))
        while issued[0][0] <= clock.now.timestamp() - 600:
            issued.pop(0)
        for _, token in (issued[0], issued[-1]):
            for verifier in verifiers:
                verifier.verify(token)
            for service in replicas:
                assert service.parts.view.access_tokens.viewer(token, service.clock.now)
        clock.move(30)
        other.clock.move(30)

    assert len(signed_by) == 7
    assert len(key_files(one.settings.signing_keys_dir)) <= 3


def test_replicas_sign_with_the_same_key_without_a_word(replicas: list[Service]) -> None:
    one, other = replicas
    one.add_user("ada@example.com")
    rotate(one.settings, one.clock.now)
    used = set()
    for _ in range(50):
        one.clock.move(10)
        other.clock.move(10)
        pair = {kid_of(service.log_in("ada@example.com").access) for service in replicas}
        used.add(frozenset(pair))

    # Their clocks differ by twenty seconds, and so does the moment of the change.
    assert sorted(len(pair) for pair in used) == [1, 1, 2]
