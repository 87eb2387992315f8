"""A device that makes passkeys and answers with them, in software (W3C Web Authentication, Level 3, part 6)."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ORIGIN = "http://localhost:8001"
USER_PRESENT, USER_VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


@dataclass
class PasskeyDevice:
    """`origin`: where its owner believes to be. `counts`: whether it counts its uses, as hardware does. `attests`: whether
    a new key signs that it is one. `told_key`: what it says instead of its public key.
    """

    origin: str = ORIGIN
    verifies_user: bool = True
    counts: bool = False
    attests: bool = False
    uses: int = 0
    told_key: bytes | None = None
    cross_origin: bool = False
    top_origin: str | None = None
    user_handle: str | None = None
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def create(self, options: str, **changes: Any) -> str:
        """RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON."""
        asked = json.loads(options)
        self.user_handle = asked["user"]["id"]
        key = cose(self.key) if self.told_key is None else self.told_key
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + key
        data = self._data(asked["rp"]["id"], HAS_CREDENTIAL) + credential
        client_data = self._client_data("webauthn.create", asked["challenge"])
        attestation = self._attestation(data, client_data) | changes.pop("attestation", {})
        response = {
            "clientDataJSON": b64(client_data),
            "attestationObject": b64(cbor2.dumps(attestation)),
            "transports": ["internal", "hybrid", "pigeon"],
        }
        return self._credential(response, changes)

    def get(self, options: str, **changes: Any) -> str:
        """AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON."""
        asked = json.loads(options)
        client_data = self._client_data("webauthn.get", asked["challenge"])
        data = self._data(asked["rpId"], 0)
        response = {
            "clientDataJSON": b64(client_data),
            "authenticatorData": b64(data),
            "signature": b64(self._signature(data, client_data)),
            "userHandle": self.user_handle,
        }
        return self._credential(response, changes)

    @property
    def pkcs8(self) -> bytes:
        """The secret half of the key, to be given to a browser."""
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def _attestation(self, data: bytes, client_data: bytes) -> dict[str, Any]:
        if not self.attests:
            return {"fmt": "none", "attStmt": {}, "authData": data}
        statement = {"alg": -7, "sig": self._signature(data, client_data)}
        return {"fmt": "packed", "attStmt": statement, "authData": data}

    def _signature(self, data: bytes, client_data: bytes) -> bytes:
        return self.key.sign(data + hashlib.sha256(client_data).digest(), ECDSA(SHA256()))

    def _credential(self, response: dict[str, Any], changes: dict[str, Any]) -> str:
        whole = {
            "id": b64(self.credential_id),
            "rawId": b64(self.credential_id),
            "type": "public-key",
            "response": response | changes.pop("response", {}),
            "clientExtensionResults": {},
        }
        return json.dumps(whole | changes)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps(told | ({"topOrigin": self.top_origin} if self.top_origin else {})).encode()

    def _data(self, domain: str, flags: int) -> bytes:
        self.uses += 1
        flags |= USER_PRESENT | (USER_VERIFIED if self.verifies_user else 0)
        count = self.uses if self.counts else 0
        return hashlib.sha256(domain.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")


def cose(key: EllipticCurvePrivateKey) -> bytes:
    """RFC 9053, 7.1.1: an elliptic curve key with P-256, for ES256."""
    numbers = key.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    encoded: bytes = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
    return encoded


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
