"""Our own ids: prefix and ULID, lower case, sortable by time. The provider's prefixes are not used."""

from typing import Final

from ulid import ULID

SAVED_METHOD: Final = "mth"


def new_payment_id() -> str:
    return _new("pay")


def new_operation_id() -> str:
    return _new("op")


def new_refund_id() -> str:
    return _new("rfd")


def new_book_difference_id() -> str:
    return _new("bkd")


def new_dispute_id() -> str:
    return _new("dsp")


def new_inbox_id() -> str:
    return _new("whe")


def new_customer_id() -> str:
    return _new("ctm")


def new_saved_method_id() -> str:
    return _new(SAVED_METHOD)


def _new(prefix: str) -> str:
    return f"{prefix}_{str(ULID()).lower()}"
