"""Our own ids: prefix and ULID, lower case, sortable by time. The provider's prefixes are not used."""

from ulid import ULID


def new_payment_id() -> str:
    return _new("pay")


def new_operation_id() -> str:
    return _new("op")


def new_refund_id() -> str:
    return _new("rfd")


def new_dispute_id() -> str:
    return _new("dsp")


def new_inbox_id() -> str:
    return _new("whe")


def _new(prefix: str) -> str:
    return f"{prefix}_{str(ULID()).lower()}"
