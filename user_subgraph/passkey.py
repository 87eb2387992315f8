"""A passkey: a key pair on somebody's device, of which we have the public half (W3C Web Authentication, Level 3). Pure."""

import re
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from user_subgraph.errors import FieldCode
from user_subgraph.user import UserId
from user_subgraph.user_input import FieldProblem, name

MOST_PASSKEYS = 20
# What mail programs know an address by, other scripts' dots too, and what would end the quotation.
_IN_LINKS = re.compile('[".:/@\u3002\uff0e\uff61]+')


@dataclass(frozen=True)
class Credential:
    """What a device has made. `id`: its own, 1,023 bytes at most. `public_key`: in COSE's form (RFC 9052).

    `sign_count`: how often it says it was used; those that are shared among devices do not count, and say 0.
    `transports`: how it is reached, in the browser's words.
    """

    id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


@dataclass(frozen=True)
class Passkey:
    """`id`: ours, and what people see. `last_used_at`: `None` if never."""

    id: str
    user_id: UserId
    name: str
    credential: Credential
    created_at: datetime
    last_used_at: datetime | None = None

    @property
    def in_words(self) -> str:
        """For a mail to its owner. Whoever added it has named it, perhaps a thief: the name is to become no link there."""
        return f'"{_IN_LINKS.sub(" ", self.name)}"'


def new_passkey(user_id: UserId, name: str, credential: Credential, now: datetime) -> Passkey:
    return Passkey(f"pk_{ULID()}".lower(), user_id, name, credential, now)


def passkey_name(value: str) -> str:
    """What its owner tells it by: 1 to 100 characters."""
    given = name(value)
    if given is None:
        raise FieldProblem(
            FieldCode.REQUIRED, "Give it a name that tells it from others, such as the device's."
        )
    return given
