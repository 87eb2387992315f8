"""An object of the provider's whose form this release does not know, and what is known of it all the same. Pure."""

from dataclasses import dataclass
from datetime import datetime

from payment_subgraph.book_difference import BookObject
from payment_subgraph.money import Money


@dataclass(frozen=True, slots=True)
class UnreadableObject:
    """Everything but the first three is None where that cannot be read either.

    *why*: what is wrong with it, for the log. *provider_payment_id*: of the payment object that it is, or belongs to.
    *payment_id* and *environment*: what we wrote on that, if it was told. *status*: in the provider's own word.
    *within*: the id of the object around it, which cannot be read for that reason.
    """

    kind: BookObject
    provider_object_id: str
    why: str
    made_at: datetime | None = None
    provider_payment_id: str | None = None
    payment_id: str | None = None
    environment: str | None = None
    amount: Money | None = None
    status: str | None = None
    within: str | None = None

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.provider_object_id} cannot be read: {self.why}"


class Unreadable(Exception):
    """Raised where one object was asked for. Not a ProcessorError: the provider answered, and will say so again."""

    def __init__(self, found: UnreadableObject) -> None:
        self.object = found
        super().__init__(str(found))
