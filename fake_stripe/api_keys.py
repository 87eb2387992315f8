"""Who calls: the API key in the Authorization header.

Source: https://docs.stripe.com/api/authentication
"""

import base64
import binascii

from fake_stripe.api_errors import AuthenticationFailed
from fake_stripe.execution import ApiKey


def authenticate(authorization: str, secret_key: str | None) -> ApiKey:
    """The kind of the key, sent as a bearer token or as the user name of basic authentication.

    *secret_key* is the only secret key accepted; None accepts every `sk_test_…`. Any `pk_test_…` is a publishable key.
    """
    key = _key(authorization)
    if not key:
        raise AuthenticationFailed(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication "
            "for details, or we can help at https://support.stripe.com/."
        )
    if key.startswith("pk_test_"):
        return ApiKey.PUBLISHABLE
    if key == secret_key or (secret_key is None and key.startswith("sk_test_")):
        return ApiKey.SECRET
    raise AuthenticationFailed(f"Invalid API Key provided: {_masked(key)}")


def refuse_publishable(api_key: ApiKey) -> None:
    """Raise unless the key is a secret one."""
    if api_key is ApiKey.PUBLISHABLE:
        raise AuthenticationFailed(
            "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
            "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
            code="secret_key_required",
        )


def _key(authorization: str) -> str:
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _masked(key: str) -> str:
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
