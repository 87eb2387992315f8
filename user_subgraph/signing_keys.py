"""The ES256 keys that sign access tokens: one PEM file each in a folder only the service can read.

The newest file by name signs and all are published, so a key is rotated by adding one, and retired by taking
its file away once the last token it signed has expired.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from ulid import ULID

from user_subgraph.errors import StartRefused

_OTHERS = 0o007


@dataclass(frozen=True)
class SigningKeys:
    """At least one private key, oldest first; each one's `kid` is its RFC 7638 thumbprint."""

    keys: Sequence[ECKey]

    @property
    def signing(self) -> ECKey:
        return self.keys[-1]

    @cached_property
    def verifying(self) -> KeySet:
        return KeySet(list(self.keys))

    @cached_property
    def public_jwks(self) -> dict[str, object]:
        """The JWK set (RFC 7517) that verifiers fetch; public parts only."""
        return {
            "keys": [key.as_dict(private=False, use="sig", alg="ES256", kid=key.kid) for key in self.keys]
        }


def create_key(folder: Path) -> Path:
    """Write a new private key that only we may read, and give its path. From the next start on it signs."""
    path = folder / f"key_{str(ULID()).lower()}.pem"
    pem = ECKey.generate_key("P-256").as_pem(private=True)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # The mode is given at creation: between open and chmod another user could read.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except OSError as error:
        raise StartRefused(f"SIGNING_KEYS_DIR: cannot write {path} ({error.strerror}).") from error
    return path


def key_files(folder: Path) -> list[Path]:
    """Oldest first: the names begin with a time-sortable id."""
    return sorted(folder.glob("*.pem"))


def load_keys(folder: Path) -> SigningKeys:
    """Raises `StartRefused` when there is no key, or one that is unreadable or readable by everybody."""
    files = key_files(folder)
    if not files:
        raise StartRefused(
            f"SIGNING_KEYS_DIR: no *.pem key in {folder}; run `python -m user_subgraph create-keys`."
        )
    return SigningKeys([_load(file) for file in files])


def _load(file: Path) -> ECKey:
    try:
        if file.stat().st_mode & _OTHERS:
            raise StartRefused(
                f"SIGNING_KEYS_DIR: {file} is open to other users of this machine; chmod 600 it."
            )
        key = ECKey.import_key(file.read_bytes())
    except (OSError, ValueError, JoseError) as error:
        raise StartRefused(f"SIGNING_KEYS_DIR: {file} is not a readable PEM key.") from error
    if not key.is_private or key.curve_name != "P-256":
        raise StartRefused(f"SIGNING_KEYS_DIR: {file} is not a private key on the curve P-256.")
    key.ensure_kid()
    return key
