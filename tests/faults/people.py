"""What people intend: purchases with all their turns. How it is asked, and of whom, is the shop's affair."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Protocol

CARDS = (
    *["pm_card_visa"] * 6,
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_threeDSecure2Required",
    "pm_card_threeDSecure2Required",
    "pm_card_chargeDeclined",
)
STAFF = "usr_staff"
_LEAST = 500
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Intention:
    """What somebody wants done once, under one key. *wanted*: the mutation's input without the key."""

    kind: str
    key: str
    who: str
    wanted: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A definite answer that somebody got: the member's type, and the id of the payment or refund that it speaks of.

    *client_secret*: what a browser that is to pay was given.
    """

    kind: str
    key: str
    member: str
    object_id: str | None = None
    status: str | None = None
    client_secret: str | None = None


class Shop(Protocol):
    """Where people are served."""

    async def ask(self, intention: Intention) -> Told | None:
        """Again and again under its key, until there is a definite answer; None when patience ends."""

    async def bank(self, client_secret: str, verdict: str) -> None:
        """`complete_3ds` or `fail_3ds` in the browser, of which our service knows nothing."""

    async def sync(self, payment_id: str) -> None:
        """Staff doubt what our rows say. Whatever comes of it, or nothing, is fine."""


@dataclass(frozen=True, slots=True)
class Sum:
    """In steps: the smallest parts of *currency* that Stripe can move."""

    steps: int
    currency: str

    @property
    def input(self) -> dict[str, str]:
        per_unit, digits = CURRENCIES[self.currency]
        return {"amount": f"{Decimal(self.steps) / per_unit:.{digits}f}", "currency": self.currency}

    def share(self, parts: int) -> "Sum":
        return Sum(self.steps // parts, self.currency)


CURRENCIES = {
    "EUR": (100, 2),
    "USD": (100, 2),
    "JPY": (1, 0),
    "KWD": (100, 3),
    "ISK": (1, 0),
    "HUF": (100, 2),
}
"""How many steps a unit has, and how many digits it is written with: KWD's third is always 0 at Stripe."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order of one person, and all that comes of it. *luck* decides what they do, not what happens to them."""

    shop: Shop
    number: int
    luck: Random

    @property
    def who(self) -> str:
        return f"usr_{self.number}"

    async def live(self) -> None:
        price = _price(self.luck)
        manual = self.luck.random() < 0.3
        paid = await self._pay(price, manual=manual)
        if paid is None or paid.object_id is None:
            return
        await self._go_on(paid, paid.object_id)
        if manual and self.luck.random() < 0.9:
            await self._capture(paid.object_id, price)
        if self.luck.random() < 0.2:
            await self.shop.sync(paid.object_id)
        if self.luck.random() < 0.6:
            await self._refund(paid.object_id, price)

    async def _pay(self, price: Sum, *, manual: bool) -> Told | None:
        wanted: dict[str, Any] = {"amount": price.input, "reference": f"order-{self.number}"}
        if manual:
            wanted["captureMethod"] = "MANUAL"
        if self.luck.random() < 0.85:
            wanted |= {"confirm": True, "paymentMethodId": self.luck.choice(CARDS)}
        once = Intention("createPayment", f"pay-{self.number}", self.who, wanted)
        pressed = self.luck.choice([1, 1, 1, 3])
        paid = (await asyncio.gather(*(self.shop.ask(once) for _ in range(pressed))))[0]
        if self.luck.random() < 0.15:  # the page was loaded anew: another key for the same order
            anew = Intention("createPayment", f"again-{self.number}", self.who, wanted)
            paid = await self.shop.ask(anew) or paid
        return paid

    async def _go_on(self, paid: Told, payment_id: str) -> None:
        if paid.status == "REQUIRES_ACTION" and paid.client_secret and self.luck.random() < 0.8:
            verdict = self.luck.choice(["complete_3ds", "complete_3ds", "fail_3ds"])
            await asyncio.gather(
                self.shop.bank(paid.client_secret, verdict), self._change_mind(payment_id, 0.4)
            )
        elif paid.member == "PaymentDeclinedError" or paid.status == "REQUIRES_PAYMENT_METHOD":
            if self.luck.random() < 0.8:
                await self._confirm(payment_id)
        else:
            await self._change_mind(payment_id)

    async def _confirm(self, payment_id: str) -> None:
        other = {"paymentId": payment_id, "paymentMethodId": self.luck.choice(CARDS)}
        await self.shop.ask(Intention("confirmPayment", f"confirm-{self.number}", self.who, other))

    async def _change_mind(self, payment_id: str, how_likely: float = 0.15) -> None:
        if self.luck.random() < how_likely:
            given_up = {"paymentId": payment_id}
            await self.shop.ask(Intention("cancelPayment", f"cancel-{self.number}", self.who, given_up))

    async def _capture(self, payment_id: str, price: Sum) -> None:
        """All or a part; now and then by two of the staff at once, who do not mean the same sum."""
        sums = [price.share(self.luck.choice([1, 1, 2, 3])) for _ in range(self.luck.choice([1, 1, 2]))]
        await asyncio.gather(
            *(
                self.shop.ask(
                    Intention(
                        "capturePayment",
                        f"capture-{self.number}-{nth}",
                        STAFF,
                        {"paymentId": payment_id, "amount": part.input},
                    )
                )
                for nth, part in enumerate(sums)
            )
        )

    async def _refund(self, payment_id: str, price: Sum) -> None:
        """Up to four at once, which together may be more than there is."""
        part = price.share(self.luck.choice([1, 2, 3]))
        asked = {"paymentId": payment_id, "amount": part.input, "reason": "REQUESTED_BY_CUSTOMER"}
        keys = [f"refund-{self.number}-{nth}" for nth in range(self.luck.randint(1, 4))]
        await asyncio.gather(*(self.shop.ask(Intention("refundPayment", key, STAFF, asked)) for key in keys))


def _price(luck: Random) -> Sum:
    currency = luck.choice(list(CURRENCIES))
    per_unit, _ = CURRENCIES[currency]
    least = _LEAST if per_unit == 1 else _LEAST * per_unit  # above what Stripe takes at least, in all of them
    return Sum(luck.randint(least, _MOST * per_unit), currency)
