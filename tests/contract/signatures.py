"""Signatures, good and forged: who signs, and what becomes of the bytes."""

import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

Signer = Callable[[bytes], bytes]
Change = Callable[[bytes], bytes]

ATTACKER = ECKey.generate_key("P-256", auto_kid=True)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def ecdsa(key: ECKey, text: bytes, digest: str = "sha256") -> bytes:
    """As JWS has it: r and s, 32 bytes each (RFC 7518, 3.4)."""
    assert key.private_key
    return _raw(key.private_key.sign(text, ec.ECDSA(_HASHES[digest]())), 32)


def _raw(der: bytes, size: int) -> bytes:
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


# ---------- who signs ----------


@cache
def _other_curve(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(
        {"P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "secp256k1": ec.SECP256K1()}[name]
    )


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _by_another_curve(_key: ECKey, text: bytes, how: Any) -> bytes:
    key = _other_curve(how["curve"])
    return _raw(key.sign(text, ec.ECDSA(_HASHES[how["hash"]]())), (key.key_size + 7) // 8)


def _by_rsa(_key: ECKey, text: bytes, how: Any) -> bytes:
    digest = _HASHES[how["hash"]]()
    if how["padding"] == "PSS":
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return _rsa_key().sign(text, pss, digest)
    return _rsa_key().sign(text, padding.PKCS1v15(), digest)


def _with_a_secret(key: ECKey, text: bytes, how: Any) -> bytes:
    return hmac.digest(SECRETS[how["secret"]](key), text, how["hash"])


SIGNERS: dict[str, Callable[[ECKey, bytes, Any], bytes]] = {
    "by the issuer": lambda key, text, _: ecdsa(key, text),
    "the issuer, another hash": lambda key, text, how: ecdsa(key, text, how["hash"]),
    "by the attacker": lambda _key, text, _: ecdsa(ATTACKER, text),
    "another curve": _by_another_curve,
    "Ed25519": lambda _key, text, _: ed25519.Ed25519PrivateKey.generate().sign(text),
    "RSA": _by_rsa,
    "a secret": _with_a_secret,
    "a hash": lambda _key, text, how: hashlib.new(how["hash"], text).digest(),
    "not at all": lambda _key, _text, _: b"",
}
"""(the issuer's key, what is to be signed, the case's `signed`) -> signature"""


def _point(form: PublicFormat) -> Callable[[ECKey], bytes]:
    return lambda key: key.public_key.public_bytes(Encoding.X962, form)


def _member(name: str) -> Callable[[ECKey], bytes]:
    return lambda key: str(key.as_dict(private=False)[name]).encode()


SECRETS: dict[str, Callable[[ECKey], bytes]] = {
    "the public key in PEM": lambda key: key.as_pem(private=False),
    "the public key in PEM, without its last line break": lambda key: key.as_pem(private=False).strip(),
    "the public key in PEM, on one line": lambda key: key.as_pem(private=False).replace(b"\n", b""),
    "the public key in DER": lambda key: key.as_der(private=False),
    "the public key as JWK": lambda key: json.dumps(key.as_dict(private=False)).encode(),
    "the public key as the shortest JWK": lambda key: json.dumps(
        key.as_dict(private=False), separators=(",", ":")
    ).encode(),
    "the key set": lambda key: json.dumps({"keys": [key.as_dict(private=False)]}).encode(),
    "the public point": _point(PublicFormat.UncompressedPoint),
    "the public point, compressed": _point(PublicFormat.CompressedPoint),
    "x": _member("x"),
    "y": _member("y"),
    "the kid": _member("kid"),
    "nothing": lambda _: b"",
    "a zero byte": lambda _: b"\0",
    "secret": lambda _: b"secret",
}
"""What everybody knows, or can guess."""


# ---------- what becomes of the signature ----------


def _pair(r: int, s: int) -> Change:
    return lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _other_root(signature: bytes) -> bytes:
    """Just as good mathematically: whoever has a valid signature can make this one."""
    return signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(*(int.from_bytes(part, "big") for part in (signature[:32], signature[32:])))


def _bit_flipped(signature: bytes) -> bytes:
    return bytes([*signature[:-1], signature[-1] ^ 1])


CHANGES: dict[str, Change] = {
    "r and s are 0": _pair(0, 0),
    "r is 0": lambda signature: bytes(32) + signature[32:],
    "s is 0": lambda signature: signature[:32] + bytes(32),
    "r and s are 1": _pair(1, 1),
    "r and s are the order": _pair(ORDER, ORDER),
    "s is the order": lambda signature: signature[:32] + ORDER.to_bytes(32, "big"),
    "r is 0, s is 1": _pair(0, 1),
    "r and s are as large as they can be": _pair(2**256 - 1, 2**256 - 1),
    "s is its other root": _other_root,
    "r and s change places": lambda signature: signature[32:] + signature[:32],
    "in DER": _der,
    "one bit differs": _bit_flipped,
    "the first byte is gone": lambda signature: signature[1:],
    "the last byte is gone": lambda signature: signature[:-1],
    "only r": lambda signature: signature[:32],
    "a byte more": lambda signature: signature + b"\0",
    "a byte more in front": lambda signature: b"\0" + signature,
    "each half with a zero in front": lambda signature: b"\0" + signature[:32] + b"\0" + signature[32:],
    "twice": lambda signature: signature * 2,
    "backwards": lambda signature: signature[::-1],
    "in hexadecimal": lambda signature: signature.hex().encode(),
    "very long": lambda signature: signature * 100,
    "gone": lambda _: b"",
}


def changed(name: str | None) -> Change:
    return CHANGES[name] if name else lambda signature: signature
