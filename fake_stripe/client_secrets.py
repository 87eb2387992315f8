"""Client secrets: what lets a browser act on one payment or setup intent.

Source: https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret
"""

from fake_stripe.api_errors import ApiError
from fake_stripe.execution import ApiKey, ApiRequest
from fake_stripe.store import StripeObject


def refuse_wrong_secret(intent: StripeObject, request: ApiRequest, kind: str) -> None:
    """Raise if the secret sent is not the intent's; a browser has to send it, a server need not."""
    secret = request.parameters.get("client_secret")
    if secret != intent["client_secret"] and (secret or request.api_key is ApiKey.PUBLISHABLE):
        raise ApiError(
            f"The client_secret provided does not match the client_secret associated with this {kind}.",
            code=f"{intent['object']}_invalid_parameter",
            param="client_secret",
        )
