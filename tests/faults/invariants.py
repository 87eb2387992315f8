"""What must hold when all is quiet, whatever went wrong before. Pure.

I1 to I9 are those of the design. Effects are what the ledger holds: it is the only one so far.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from payment_subgraph.ledger import Account, PostingKind, off_from_provider
from tests.faults.books import Books, Row, StripePayment, StripeRefund

_LIVE_REFUND: Final = {"pending", "requires_action", "succeeded"}
_DONE_OR_NOT: Final = {
    "PaymentDeclinedError",
    "PaymentProviderError",
    "InvalidPaymentStateError",
    "RefundExceedsAvailableError",
    "DuplicatePaymentError",
}
_OF_AMOUNTS: Final = (PostingKind.CAPTURE, PostingKind.REFUND)
_STATUS: Final = {
    "requires_payment_method": "REQUIRES_PAYMENT_METHOD",
    "requires_confirmation": "REQUIRES_CONFIRMATION",
    "requires_action": "REQUIRES_ACTION",
    "processing": "PROCESSING",
    "requires_capture": "REQUIRES_CAPTURE",
    "succeeded": "SUCCEEDED",
    "canceled": "CANCELED",
}


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


Checker = Callable[[Books], Iterator[str]]


def one_intent_per_payment(books: Books) -> Iterator[str]:
    """I1"""
    of_payment = Counter(each.payment_id for each in books.stripe_payments)
    for payment_id, count in of_payment.items():
        if count > 1:
            yield f"{count} PaymentIntents for {payment_id}"
    for order, count in _paid_orders(books).items():
        if count > 1:
            yield f"{count} payments collected for {order}"


def _paid_orders(books: Books) -> Counter[tuple[str, str]]:
    paid = {each.payment_id for each in books.stripe_payments if each.status == "succeeded"}
    return Counter((row["owner_id"], row["reference"]) for row in books.payments if row["id"] in paid)


def one_movement_per_intention(books: Books) -> Iterator[str]:
    """I2"""
    keys = Counter((row["actor_id"], row["kind"], row["client_key"]) for row in books.operations)
    for key, count in keys.items():
        if count > 1:
            yield f"{count} operations under the key {key}"
    for refund_id, count in Counter(each.refund_id for each in books.stripe_refunds).items():
        if refund_id is not None and count > 1:
            yield f"{count} refunds at Stripe for {refund_id}"
    captures = Counter(row["payment_id"] for row in books.operations if _succeeded(row, "CAPTURE"))
    yield from (f"{count} captures of {payment_id}" for payment_id, count in captures.items() if count > 1)


def _succeeded(operation: Row, kind: str) -> bool:
    return (operation["kind"], operation["state"]) == (kind, "SUCCEEDED")


def refunds_within_what_was_captured(books: Books) -> Iterator[str]:
    """I3"""
    refunded: Counter[str] = Counter()
    for refund in books.stripe_refunds:
        if refund.status in _LIVE_REFUND:
            refunded[refund.intent] += refund.amount
    for payment in books.stripe_payments:
        if refunded[payment.id] > payment.received:
            yield f"{refunded[payment.id]} refunded of {payment.received} on {payment.id}"
    for row in books.payments:
        if row["amount_refunded"] + row["amount_refund_pending"] > row["amount_captured"]:
            yield f"{row['id']} says it has refunded more than it captured"


def no_refund_was_accepted_that_stripe_refuses(books: Books) -> Iterator[str]:
    """I3"""
    for row in books.operations:
        accepted = row["kind"] == "REFUND" and row["refund_id"] is not None
        if accepted and row["result"] and row["result"].kind == "REFUND_EXCEEDS":
            yield f"refund {row['refund_id']} was accepted, and Stripe had to refuse it"


def nothing_at_stripe_without_a_row(books: Books) -> Iterator[str]:
    """I4"""
    ours = {row["provider_payment_id"] for row in books.payments}
    yield from (f"{each.id} is no payment of ours" for each in books.stripe_payments if each.id not in ours)
    refunds = {row["provider_refund_id"]: row["id"] for row in books.refunds}
    for refund in books.stripe_refunds:
        if refund.id not in refunds or refund.refund_id not in (None, refunds[refund.id]):
            yield f"{refund.id} is no refund of ours, or not the one it was made for"
    operations = {row["id"] for row in books.operations}
    for made in _made_at_stripe(books):
        if made.operation_id is not None and made.operation_id not in operations:
            yield f"{made.id} was made by {made.operation_id}, of which we know nothing"


def _made_at_stripe(books: Books) -> list[StripePayment | StripeRefund]:
    return [*books.stripe_payments, *books.stripe_refunds]


def no_operation_is_open(books: Books) -> Iterator[str]:
    """I5"""
    for row in books.operations:
        if row["resolved_at"] is None:
            yield f"operation {row['id']} ({row['kind']}) is still open: {row['state']}"


def payments_are_as_stripe_has_them(books: Books) -> Iterator[str]:
    """I5: one that Stripe does not have is one that was never made."""
    known = {each.id: each for each in books.stripe_payments}
    for row in books.payments:
        theirs = known.get(row["provider_payment_id"])
        if theirs is None:
            if row["status"] != "FAILED":
                yield f"{row['id']} is {row['status']}, and Stripe has nothing of it"
        elif (row["status"], row["amount_captured"]) != (_STATUS[theirs.status], theirs.received):
            yield f"{row['id']} is {row['status']}, {theirs.id} is {theirs.status}"


def no_payment_is_frozen(books: Books) -> Iterator[str]:
    """I5: Stripe contradicts nobody in a rig where only we act; a state that went back would look like it."""
    for row in books.payments:
        if row["frozen_reason"] is not None:
            yield f"{row['id']} is frozen: {row['frozen_reason']}"


def refunds_are_as_stripe_has_them(books: Books) -> Iterator[str]:
    """I5"""
    known = {each.id: each for each in books.stripe_refunds}
    for row in books.refunds:
        theirs = known.get(row["provider_refund_id"])
        status = theirs.status.upper() if theirs else "FAILED"
        if row["status"] != status:
            yield f"{row['id']} is {row['status']}, at Stripe {status}"


def sums_are_stripes(books: Books) -> Iterator[str]:
    """I6: to the cent, by currency."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    for row in books.payments:
        ours[row["currency"]] += row["amount_captured"] - row["amount_refunded"]
    for payment in books.stripe_payments:
        theirs[payment.currency] += payment.received
    for refund in books.stripe_refunds:
        theirs[refund.currency] -= refund.amount if refund.status == "succeeded" else 0
    for currency in ours.keys() | theirs.keys():
        if ours[currency] != theirs[currency]:
            yield f"we hold {ours[currency]} {currency}, Stripe {theirs[currency]}"


def each_payment_holds_what_its_charges_do(books: Books) -> Iterator[str]:
    """I6: to the cent, by payment; what is on its way back counts as given back, as at Stripe."""
    captured: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for charge in books.stripe_charges:
        captured[charge.intent] += charge.captured
        refunded[charge.intent] += charge.refunded
    for row in books.payments:
        intent = row["provider_payment_id"]
        ours = row["amount_captured"], row["amount_refunded"] + row["amount_refund_pending"]
        theirs = captured[intent], refunded[intent]
        if ours != theirs:
            yield f"{row['id']} says {ours} were captured and refunded, the charges of {intent} {theirs}"


def refunds_add_up(books: Books) -> Iterator[str]:
    """I6: what a payment says was refunded is what its refunds say."""
    refunded: Counter[str] = Counter()
    for row in books.refunds:
        refunded[row["payment_id"]] += row["amount_minor"] if row["status"] == "SUCCEEDED" else 0
    for row in books.payments:
        if refunded[row["id"]] != row["amount_refunded"]:
            yield f"{row['id']} says {row['amount_refunded']} was refunded, its refunds {refunded[row['id']]}"


def the_ledger_is_balanced(books: Books) -> Iterator[str]:
    """I6"""
    sums: Counter[tuple[str, str]] = Counter()
    for entry in books.entries:
        sums[entry["txn_id"], entry["currency"]] += entry["amount_minor"]
    yield from (f"{txn} is {total} {currency} off" for (txn, currency), total in sums.items() if total)


def the_ledger_is_what_the_payments_say(books: Books) -> Iterator[str]:
    """I6"""
    held: Counter[str] = Counter()
    for entry in books.entries:
        counts = entry["account"] == Account.STRIPE_CLEARING and entry["kind"] in _OF_AMOUNTS
        held[entry["payment_id"]] += entry["amount_minor"] if counts else 0
    for row in books.payments:
        says = row["amount_captured"] - row["amount_refunded"]
        if held[row["id"]] != says:
            yield f"{row['id']} says {says}, the ledger {held[row['id']]}"


def the_balance_is_stripes(books: Books) -> Iterator[str]:
    """I6: what the ledger says Stripe holds for us is the sum of its balance transactions, to the cent."""
    ours: Counter[str] = Counter()
    for entry in books.entries:
        ours[entry["currency"]] += entry["amount_minor"] if entry["account"] == Account.STRIPE_BALANCE else 0
    for currency, more in off_from_provider(ours, books.stripe_balance).items():
        yield f"the ledger has {more} {currency} more in Stripe's balance than there is"


def effects_happened_once(books: Books) -> Iterator[str]:
    """I8: a posting for what was captured, one for each refund that arrived, two for one that did and came back."""
    postings = Counter(_subject(txn) for txn in {entry["txn_id"] for entry in books.entries})
    for row in books.payments:
        wanted = {1} if row["amount_captured"] else {0}
        if postings[row["id"]] not in wanted:
            yield f"{postings[row['id']]} postings for the capture of {row['id']}"
    for row in books.refunds:
        wanted = {"SUCCEEDED": {1}, "FAILED": {0, 2}, "CANCELED": {0, 2}}.get(row["status"], {0})
        if postings[row["id"]] not in wanted:
            yield f"{postings[row['id']]} postings for {row['id']}, which is {row['status']}"


def _subject(txn_id: str) -> str:
    """The row whose change was posted: the rest is its version."""
    return txn_id.rpartition(":")[0]


def what_was_acknowledged_is_stored(books: Books) -> Iterator[str]:
    """I7"""
    yield from (f"{event} was answered with 2xx, and is not here" for event in books.delivered - books.events)


def one_answer_per_intention(books: Books) -> Iterator[str]:
    """I9: however often it is asked."""
    members: dict[tuple[str, str], set[str]] = defaultdict(set)
    for told in books.told:
        members[told.kind, told.key].add(told.member)
    for (kind, key), answers in members.items():
        if len(answers) > 1:
            yield f"{kind} {key} was answered {' and '.join(sorted(answers))}"


def no_success_was_told_that_stripe_denies(books: Books) -> Iterator[str]:
    """I9"""
    known = {each.payment_id for each in books.stripe_payments} | {
        each.refund_id for each in books.stripe_refunds
    }
    status = {each.payment_id: each.status for each in books.stripe_payments}
    for told in books.told:
        if told.member in {"PaymentSuccess", "RefundSuccess"} and told.object_id not in known:
            yield f"{told.kind} {told.key} was told of {told.object_id}, and Stripe has none"
        if told.kind != "refundPayment" and told.status in _FINAL:
            now = status.get(told.object_id, told.status.lower())
            if now != told.status.lower():
                yield f"{told.kind} {told.key} was told {told.status}, {told.object_id} is {now}"
        wanted = _END.get(told.kind) if told.member == "PaymentSuccess" else None
        if wanted is not None and status.get(told.object_id) != wanted:
            yield f"{told.kind} {told.key} was told of success, {told.object_id} is not {wanted}"


_FINAL: Final = {"SUCCEEDED", "CANCELED"}
_END: Final = {"capturePayment": "succeeded", "cancelPayment": "canceled"}


def no_failure_was_told_that_stripe_denies(books: Books) -> Iterator[str]:
    """I9: what was told to have been refused or declined was not done behind the client's back, nor can it be."""
    states = {(row["kind"], row["client_key"]): row for row in books.operations}
    done = {each.operation_id for each in _made_at_stripe(books)}
    for told in (each for each in books.told if each.member in _DONE_OR_NOT):
        operation = states.get((_KIND[told.kind], told.key))
        if operation is None:
            yield f"{told.kind} {told.key} was told {told.member}, and its key would do it yet"
            continue
        declined = told.member == "PaymentDeclinedError"  # then there is an object, which was not paid
        if operation["state"] == "SUCCEEDED" or (operation["id"] in done and not declined):
            yield f"{told.kind} {told.key} was told {told.member}, and it was done"


_KIND: Final = {
    "createPayment": "CREATE",
    "confirmPayment": "CONFIRM",
    "capturePayment": "CAPTURE",
    "cancelPayment": "CANCEL",
    "refundPayment": "REFUND",
}


def what_was_captured_somebody_asked_for(books: Books) -> Iterator[str]:
    """I9: and was told that it was done."""
    asked = {row["payment_id"] for row in books.operations if _succeeded(row, "CAPTURE")}
    for payment in books.stripe_payments:
        if payment.manual and payment.status == "succeeded" and payment.payment_id not in asked:
            yield f"{payment.payment_id} was captured, and no capture is known to have been done"


CHECKERS: Final[dict[str, Checker]] = {
    "I1 one intent per payment": one_intent_per_payment,
    "I2 one movement per intention": one_movement_per_intention,
    "I3 refunds within what was captured": refunds_within_what_was_captured,
    "I3 no refund was accepted that Stripe refuses": no_refund_was_accepted_that_stripe_refuses,
    "I4 nothing at Stripe without a row": nothing_at_stripe_without_a_row,
    "I5 no operation is open": no_operation_is_open,
    "I5 payments are as Stripe has them": payments_are_as_stripe_has_them,
    "I5 no payment is frozen": no_payment_is_frozen,
    "I5 refunds are as Stripe has them": refunds_are_as_stripe_has_them,
    "I6 sums are Stripe's": sums_are_stripes,
    "I6 each payment holds what its charges do": each_payment_holds_what_its_charges_do,
    "I6 refunds add up": refunds_add_up,
    "I6 the ledger is balanced": the_ledger_is_balanced,
    "I6 the ledger is what the payments say": the_ledger_is_what_the_payments_say,
    "I6 the balance is Stripe's": the_balance_is_stripes,
    "I8 each effect once": effects_happened_once,
    "I7 what was acknowledged is stored": what_was_acknowledged_is_stored,
    "I9 one answer per intention": one_answer_per_intention,
    "I9 no success was told that Stripe denies": no_success_was_told_that_stripe_denies,
    "I9 no failure was told that Stripe denies": no_failure_was_told_that_stripe_denies,
    "I9 what was captured somebody asked for": what_was_captured_somebody_asked_for,
}


def violations(books: Books) -> list[Violation]:
    return [Violation(name, what) for name, check in CHECKERS.items() for what in check(books)]
