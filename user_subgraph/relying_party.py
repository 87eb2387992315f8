"""What browsers and authenticators are asked, and whether their answers are good. The only file that knows py_webauthn.

Who is asked always has to be verified by the device (a finger, a face, a PIN): so a passkey is two factors in one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, parse_cbor
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from user_subgraph.errors import PasskeyNotGood
from user_subgraph.mfa import CHALLENGE_LIFE
from user_subgraph.passkey import Credential, Passkey
from user_subgraph.user import User, UserId

_TIMEOUT_MS = CHALLENGE_LIFE // timedelta(milliseconds=1)
# A thousand characters are usual.
_MAX_CHARACTERS = 16 * 1024
_MAX_CREDENTIAL_ID = 1023  # WebAuthn 3, 4: "Credential ID"
# What py_webauthn lets through of bytes that are not what they should be: it looks into them without asking first.
_MALFORMED = (WebAuthnException, ValueError, TypeError, LookupError, OverflowError, RecursionError)


@dataclass(frozen=True)
class RelyingParty:
    """`id`: the domain that passkeys are for, with all below it. `origins`: those of the pages that may ask for them."""

    id: str
    name: str
    origins: tuple[str, ...]

    def creation_options(self, user: User, known: Iterable[Passkey], challenge: bytes) -> str:
        """PublicKeyCredentialCreationOptionsJSON. *known*: no second one is made on their devices."""
        address = user.email or user.id
        options = generate_registration_options(
            rp_id=self.id,
            rp_name=self.name,
            user_id=user.id.encode(),
            user_name=address,
            user_display_name=user.display_name or address,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return options_to_json(options)

    def request_options(self, allowed: Iterable[Passkey], challenge: bytes) -> str:
        """PublicKeyCredentialRequestOptionsJSON. *allowed*: empty for whichever there is on the device."""
        options = generate_authentication_options(
            rp_id=self.id,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            allow_credentials=_descriptors(allowed),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def created(self, response: str, challenge: bytes) -> Credential:
        """Of a RegistrationResponseJSON; raises `PasskeyNotGood`. Which make the device is of is not asked."""
        with _malformed_is_not_good():
            told = _told(response)
            _refuse_certificates(told)
            verified = verify_registration_response(
                credential=told,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                require_user_verification=True,
            )
            # Without an attestation nothing was signed yet, so the key may be none.
            decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
            _refuse_frames(told)
            transports = _transports(told["response"].get("transports"))
        if len(verified.credential_id) > _MAX_CREDENTIAL_ID:
            raise PasskeyNotGood
        return Credential(
            verified.credential_id, verified.credential_public_key, verified.sign_count, transports
        )

    def new_sign_count(self, response: str, passkey: Passkey, challenge: bytes) -> int:
        """Of an AuthenticationResponseJSON that *passkey* has signed; raises `PasskeyNotGood`.

        A count that does not grow, where it is no 0, means that there are two of a key that cannot be copied.
        """
        with _malformed_is_not_good():
            told = _told(response)
            owner = told["response"].get("userHandle")
            if owner is not None and base64url_to_bytes(owner) != passkey.user_id.encode():
                raise PasskeyNotGood
            verified = verify_authentication_response(
                credential=told,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                credential_public_key=passkey.credential.public_key,
                credential_current_sign_count=passkey.credential.sign_count,
                require_user_verification=True,
            )
            _refuse_frames(told)
        if verified.credential_id != passkey.credential.id:
            raise PasskeyNotGood
        return verified.new_sign_count


def credential_id_of(response: str) -> bytes:
    """Which one has answered; raises `PasskeyNotGood`."""
    with _malformed_is_not_good():
        return base64url_to_bytes(_told(response)["id"])


def owner_named_in(response: str) -> UserId:
    """Whose it says to be; raises `PasskeyNotGood`, also where it does not say."""
    with _malformed_is_not_good():
        return UserId(base64url_to_bytes(_told(response)["response"]["userHandle"]).decode())


def _told(response: str) -> dict[str, Any]:
    if len(response) > _MAX_CHARACTERS:
        raise PasskeyNotGood
    told = json.loads(response)
    if not isinstance(told, dict) or not isinstance(told.get("response"), dict):
        raise PasskeyNotGood
    return told


def _refuse_certificates(told: Mapping[str, Any]) -> None:
    """Of the device's maker: browsers leave them out where nobody asks for them, so who sends one wants to have it read.

    They leave in what the key itself has signed: `packed`, without certificates (WebAuthn 3, 5.1.3).
    """
    attestation = parse_cbor(base64url_to_bytes(told["response"]["attestationObject"]))
    form, statement = attestation["fmt"], attestation["attStmt"]
    plain = form in (AttestationFormat.NONE, AttestationFormat.PACKED) and isinstance(statement, dict)
    if not plain or "x5c" in statement:
        raise PasskeyNotGood


def _refuse_frames(told: Mapping[str, Any]) -> None:
    """Our page inside of another site's, whose visitors need not know what they agree to."""
    client_data = json.loads(base64url_to_bytes(told["response"]["clientDataJSON"]))
    if client_data.get("crossOrigin") or "topOrigin" in client_data:
        raise PasskeyNotGood


@contextmanager
def _malformed_is_not_good() -> Iterator[None]:
    try:
        yield
    except _MALFORMED as error:
        raise PasskeyNotGood from error


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential.id,
            transports=[AuthenticatorTransport(transport) for transport in each.credential.transports],
        )
        for each in passkeys
    ]


def _transports(told: object) -> tuple[str, ...]:
    """Those that this version has a word for."""
    known = {transport.value for transport in AuthenticatorTransport}
    return tuple(sorted(known.intersection(told))) if isinstance(told, list) else ()
