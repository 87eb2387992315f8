"""What the calls about payment intents take.

Source: https://docs.stripe.com/api/payment_intents
"""

from fake_stripe import lists
from fake_stripe.parameters import Anything, Fields, Flag, Hash, Integer, ListOf, Metadata, OneOf, Text, Url
from fake_stripe.payment_methods import DATA_FIELDS

DESCRIPTIVE_FIELDS: Fields = {
    "description": Text(),
    "metadata": Metadata(),
    "receipt_email": Text(),
    "shipping": Anything(),
    "statement_descriptor": Text(longest=22),
    "statement_descriptor_suffix": Text(longest=22),
    "transfer_group": Text(),
}
_PAYING_FIELDS: Fields = {
    "payment_method": Text(),
    "payment_method_data": Hash(DATA_FIELDS),
    "payment_method_options": Hash({"card": Anything()}),
    "payment_method_types": ListOf(OneOf(("card",))),
    "receipt_email": Text(),
    "setup_future_usage": OneOf(("off_session", "on_session")),
    "shipping": Anything(),
}
_CONFIRMING_FIELDS: Fields = {
    "error_on_requires_action": Flag(),
    "off_session": Flag(),
    "return_url": Url(),
    "use_stripe_sdk": Flag(),
}
CREATE_FIELDS: Fields = {
    **DESCRIPTIVE_FIELDS,
    **_PAYING_FIELDS,
    **_CONFIRMING_FIELDS,
    "amount": Integer(),
    "automatic_payment_methods": Hash({"enabled": Flag(), "allow_redirects": OneOf(("always", "never"))}),
    "capture_method": OneOf(("automatic", "automatic_async", "manual")),
    "confirm": Flag(),
    "confirmation_method": OneOf(("automatic",)),
    "currency": Text(may_be_empty=False),
    "customer": Text(),
}
UPDATE_FIELDS: Fields = {
    **DESCRIPTIVE_FIELDS,
    **_PAYING_FIELDS,
    "customer": Text(),
    "amount": Integer(),
    "currency": Text(may_be_empty=False),
}
CONFIRM_FIELDS: Fields = {
    **_PAYING_FIELDS,
    **_CONFIRMING_FIELDS,
    "capture_method": OneOf(("automatic", "automatic_async", "manual")),
    "client_secret": Text(),
}
CAPTURE_FIELDS: Fields = {
    "amount_to_capture": Integer(minimum=1),
    "final_capture": Flag(),
    "metadata": Metadata(),
    "statement_descriptor": Text(longest=22),
    "statement_descriptor_suffix": Text(longest=22),
}
CANCEL_FIELDS: Fields = {
    "cancellation_reason": OneOf(("duplicate", "fraudulent", "requested_by_customer", "abandoned"))
}
RETRIEVE_FIELDS: Fields = {"client_secret": Text()}
LIST_FIELDS: Fields = {**lists.FIELDS, "customer": Text()}
