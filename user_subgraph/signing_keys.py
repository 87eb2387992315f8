"""The ES256 keys that sign access tokens: one PEM file each in a folder only the service can read.

A key is rotated by adding one; `key_rotation.py` says which of them signs and which are published. The name of a
file tells when its key was made.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from ulid import ULID

from user_subgraph.clock import Clock
from user_subgraph.errors import StartRefused
from user_subgraph.key_rotation import KeyRotation, KeyState

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=2)
_OTHERS = 0o007


@dataclass(frozen=True)
class SigningKey:
    """A private key and where it lies; its `kid` is its RFC 7638 thumbprint."""

    file: Path
    made_at: datetime
    pair: ECKey

    @property
    def kid(self) -> str:
        return self.pair.thumbprint()

    @cached_property
    def public_jwk(self) -> dict[str, Any]:
        return dict(self.pair.as_dict(private=False, use="sig", alg="ES256", kid=self.kid))


class SigningKeys:
    """The keys of a folder as they are now: it is looked into again every few seconds, while it is in use.

    Raises `StartRefused` when there is no key, or one that is unreadable or readable by everybody. Whatever
    becomes of the folder later, the keys that were good are kept until others are, and the log says why.
    """

    def __init__(self, folder: Path, rotation: KeyRotation, clock: Clock) -> None:
        self._folder = folder
        self._rotation = rotation
        self._clock = clock
        self._keys = load_keys(folder)
        self._looked_at = clock()
        self._looking = threading.Lock()
        self._trouble = ""

    @property
    def signing(self) -> ECKey:
        keys, now = self._now()
        return keys[self._rotation.signing([key.made_at for key in keys], now)].pair

    @property
    def verifying(self) -> KeySet:
        return KeySet([key.pair for key in self._published()])

    @property
    def public_jwks(self) -> dict[str, object]:
        """The JWK set (RFC 7517) that verifiers fetch; public parts only."""
        return {"keys": [key.public_jwk for key in self._published()]}

    def _published(self) -> list[SigningKey]:
        keys, now = self._now()
        lives = self._rotation.lives([key.made_at for key in keys])
        return [key for key, life in zip(keys, lives, strict=True) if life.state(now) is not KeyState.RETIRED]

    def _now(self) -> tuple[Sequence[SigningKey], datetime]:
        now = self._clock()
        # The clock may also be set back.
        if abs(now - self._looked_at) >= LOOK_EVERY and self._looking.acquire(blocking=False):
            try:
                self._look()
                self._looked_at = now
            finally:
                self._looking.release()
        return self._keys, now

    def _look(self) -> None:
        """What is there already is not read again: a file of that name holds that key."""
        known = {key.file: key for key in self._keys}
        try:
            found, trouble = _readable(key_files(self._folder), known)
        except OSError as error:
            found, trouble = [], f"SIGNING_KEYS_DIR: cannot list {self._folder} ({error.strerror})."
        if not found:
            trouble = trouble or f"SIGNING_KEYS_DIR: there is no *.pem key in {self._folder} any more."
        if trouble and trouble != self._trouble:
            logger.error("%s The other keys stay in use, or those there were.", trouble)
        self._trouble = trouble
        self._keys = _in_order(found) or self._keys


def _readable(files: Iterable[Path], known: Mapping[Path, SigningKey]) -> tuple[list[SigningKey], str]:
    """The keys that can be used, and what is wrong with the last one that cannot."""
    found, trouble = [], ""
    for file in files:
        try:
            found.append(known.get(file) or _load(file))
        except StartRefused as refused:
            trouble = str(refused)
    return found, trouble


def load_keys(folder: Path) -> Sequence[SigningKey]:
    """At least one, the oldest first. Raises `StartRefused`."""
    files = key_files(folder)
    if not files:
        raise StartRefused(
            f"SIGNING_KEYS_DIR: no *.pem key in {folder}; run `python -m user_subgraph create-keys`."
        )
    return _in_order([_load(file) for file in files])


def key_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.pem"))


def create_key(folder: Path, now: datetime) -> Path:
    """Write a new private key that only we may read, and give its path.

    It is made after all others, even where the clock says otherwise: else it would sign before it was announced.
    """
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        others = [_made_at(file, file.stat().st_mtime) for file in key_files(folder)]
        made_at = max([now, *(other + timedelta(milliseconds=1) for other in others)])
        path = folder / f"key_{str(ULID.from_datetime(made_at)).lower()}.pem"
        _write_whole(path, ECKey.generate_key("P-256").as_pem(private=True))
    except OSError as error:
        raise StartRefused(f"SIGNING_KEYS_DIR: cannot write {path} ({error.strerror}).") from error
    return path


@contextmanager
def alone_with(folder: Path) -> Iterator[None]:
    """Nobody else decides meanwhile whether this folder needs another key, or one less."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StartRefused(f"SIGNING_KEYS_DIR: cannot open {folder} ({error.strerror}).") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write_whole(path: Path, content: bytes) -> None:
    """The file is there with all its content or not at all, even after a power failure."""
    unfinished = path.with_suffix(".new")
    # The mode is given at creation: between open and chmod another user could read.
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _load(file: Path) -> SigningKey:
    try:
        status = file.stat()
        if status.st_mode & _OTHERS:
            raise StartRefused(
                f"SIGNING_KEYS_DIR: {file} is open to other users of this machine; chmod 600 it."
            )
        key = ECKey.import_key(file.read_bytes())
    except (OSError, ValueError, JoseError) as error:
        raise StartRefused(f"SIGNING_KEYS_DIR: {file} is not a readable PEM key.") from error
    if not key.is_private or key.curve_name != "P-256":
        raise StartRefused(f"SIGNING_KEYS_DIR: {file} is not a private key on the curve P-256.")
    key.ensure_kid()
    return SigningKey(file, _made_at(file, status.st_mtime), key)


def _made_at(file: Path, changed_at: float) -> datetime:
    """By its name, which a copy keeps; a file that somebody named otherwise is as old as its content."""
    try:
        return ULID.from_str(file.stem.removeprefix("key_").upper()).datetime
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(changed_at, UTC)


def _in_order(keys: Sequence[SigningKey]) -> list[SigningKey]:
    return sorted(keys, key=lambda key: (key.made_at, key.file.name))
