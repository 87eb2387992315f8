"""An authenticator app: six digits from a secret and the time (RFC 6238)."""

import base64
import hmac
import time
from dataclasses import dataclass

STEP_S = 30


@dataclass
class Authenticator:
    """*secret* is base 32. *last_step*: of the newest code it has shown."""

    secret: str
    last_step: int = 0

    def new_code(self) -> str:
        """One that it has not shown before: the service allows for a clock that is a step ahead."""
        self.last_step = max(self.last_step + 1, int(time.time()) // STEP_S)
        return self._code(self.last_step)

    def _code(self, step: int) -> str:
        digest = hmac.digest(base64.b32decode(self.secret), step.to_bytes(8, "big"), "sha1")
        start = digest[-1] & 0xF
        number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
        return f"{number % 1_000_000:06}"
