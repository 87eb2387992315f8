"""The messages of graphql-transport-ws, as either side reads and writes them.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import orjson

SUBPROTOCOL = "graphql-transport-ws"

BY_CLIENTS = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})
BY_SERVERS = frozenset({"connection_ack", "ping", "pong", "next", "error", "complete"})

_WITH_ID = frozenset({"subscribe", "next", "error", "complete"})

REASON_BYTES = 123
"""As much as fits into the frame that closes a WebSocket."""


class CloseCode(IntEnum):
    NORMAL = 1000
    GOING_AWAY = 1001
    MESSAGE_TOO_LARGE = 1009
    TRY_AGAIN_LATER = 1013
    BAD_MESSAGE = 4400
    UNAUTHORIZED = 4401
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    TOO_MANY_INITS = 4429


class BadMessageError(Exception):
    """Not a message of the protocol. The protocol wants the WebSocket closed."""


@dataclass(frozen=True, slots=True)
class Message:
    type: str
    id: str = ""
    """Of the operation; empty where the type has none."""
    payload: Any = None

    def written(self) -> str:
        members = {"type": self.type, "id": self.id or None, "payload": self.payload}
        return orjson.dumps({name: value for name, value in members.items() if value is not None}).decode()


def read_message(text: str | bytes, known: frozenset[str]) -> Message:
    """A message of one of the *known* types. Raises BadMessageError.

    A payload has the type that is told by the message's: an object for `subscribe` and `next`, a list with something
    in it for `error`, an object or None for all others.
    """
    if isinstance(text, bytes):
        raise BadMessageError("Messages are text.")
    try:
        members = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadMessageError("The message is not JSON.") from error
    if not isinstance(members, dict):
        raise BadMessageError("The message is not an object.")
    return _checked(Message(members.get("type", ""), members.get("id", ""), members.get("payload")), known)


def _checked(message: Message, known: frozenset[str]) -> Message:
    if not isinstance(message.type, str) or message.type not in known:
        raise BadMessageError("The message has no known type.")
    if not isinstance(message.id, str) or bool(message.id) != (message.type in _WITH_ID):
        raise BadMessageError(f"The message of type '{message.type}' has a wrong id.")
    if not _fits(message):
        raise BadMessageError(f"The message of type '{message.type}' has a wrong payload.")
    return message


def _fits(message: Message) -> bool:
    match message.type:
        case "subscribe" | "next":
            return isinstance(message.payload, dict)
        case "error":
            return isinstance(message.payload, list) and bool(message.payload)
        case _:
            return message.payload is None or isinstance(message.payload, dict)


def close_reason(text: str) -> str:
    """*text*, cut to what a close frame can hold."""
    return text.encode()[:REASON_BYTES].decode("utf-8", "ignore")
