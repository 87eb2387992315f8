"""One connection of a client as waitress has it, but a request cannot arrive for ever, byte by byte."""

import time

from waitress.channel import HTTPChannel


class PunctualChannel(HTTPChannel):
    """While a request arrives, waitress' clock for silent connections stands still at its first byte."""

    _began: float | None = None

    def received(self, data: bytes) -> bool:
        read: bool = super().received(data)
        if self.request is None:
            self._began = None
        else:
            self._began = self._began or time.time()
            self.last_activity = self._began
        return read
