"""Mutations of kept payment methods. They move no money, and sending one again does the same once more: no key is needed."""

from collections.abc import Awaitable
from typing import Annotated, cast

import strawberry
from strawberry import UNSET

from payment_subgraph.commands import MAX_USER_ID
from payment_subgraph.errors import BadUserInput, Forbidden, Refusal
from payment_subgraph.schema.access import scoped
from payment_subgraph.schema.context import Info
from payment_subgraph.schema.errors import NotFoundError, PaymentProviderError, RateLimitedError, error_type
from payment_subgraph.schema.inputs import given
from payment_subgraph.schema.payment_method import PaymentMethod
from payment_subgraph.viewer import WRITE, WRITE_ANY

_SET_UP = (
    "Begins to keep a payment method for later payments: its secret lets the browser SDK take the payer's card. There is "
    "one open setup for a user, and asking again gives the same one, so no key is needed. Once a card was given, "
    "`User.paymentMethods` shows it within moments. `userId` is for staff and machines: set up for this user."
)
_SET_DEFAULT = "The first method that is kept is the default by itself."
_REMOVE = (
    "Kept no more, for good; safe to repeat. Payments already sent with it go on. If it was the default, the one kept "
    "longest is it from now on."
)


@strawberry.type
class SetupSuccess:
    client_secret: str


@strawberry.type
class PaymentMethodSuccess:
    payment_methods: list[PaymentMethod] = strawberry.field(description="All of the user's, as they are now.")


SetupPaymentMethodResult = Annotated[
    SetupSuccess | PaymentProviderError | RateLimitedError, strawberry.union("SetupPaymentMethodResult")
]
PaymentMethodResult = Annotated[
    PaymentMethodSuccess | NotFoundError | PaymentProviderError, strawberry.union("PaymentMethodResult")
]


@strawberry.type
class MethodMutations:
    @scoped(WRITE, description=_SET_UP)
    async def setup_payment_method(
        self, info: Info, user_id: strawberry.ID | None = UNSET
    ) -> SetupPaymentMethodResult | None:
        viewer = info.context.viewer
        owner_id = given(user_id) or viewer.payer_id
        if not viewer.may_write(owner_id):
            raise Forbidden(WRITE_ANY)
        if not owner_id:
            raise BadUserInput("userId: a machine keeps methods for a user; say for whom.")
        if len(owner_id) > MAX_USER_ID:
            raise BadUserInput(f"userId: at most {MAX_USER_ID} characters.")
        try:
            return SetupSuccess(client_secret=await info.context.customers.set_up(owner_id))
        except Refusal as refusal:
            return cast("SetupPaymentMethodResult", error_type(refusal, viewer))

    @scoped(WRITE, description=_SET_DEFAULT)
    async def set_default_payment_method(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002 - the argument's name in the API
    ) -> PaymentMethodResult | None:
        return await _changed(info, info.context.saved_methods.set_default(info.context.viewer, id))

    @scoped(WRITE, description=_REMOVE)
    async def remove_payment_method(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002 - the argument's name in the API
    ) -> PaymentMethodResult | None:
        return await _changed(info, info.context.saved_methods.remove(info.context.viewer, id))


async def _changed(info: Info, change: Awaitable[str]) -> PaymentMethodResult:
    """What *change*, which gives their owner's id, made of the methods."""
    info.context.forget()
    try:
        owner_id = await change
    except Refusal as refusal:
        return cast("PaymentMethodResult", error_type(refusal, info.context.viewer))
    return PaymentMethodSuccess(payment_methods=await PaymentMethod.kept_by(info, owner_id))
