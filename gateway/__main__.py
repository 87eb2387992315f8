"""`python -m gateway --supergraph FILE --port N`: serve one supergraph."""

import os
import signal
import sys


def _leave(*_: object) -> None:
    """End at once: there is nobody yet who is being answered.

    Nothing gentler will do: an exception raised amid an import can be lost in it, and a log may be busy with a line.
    """
    os.write(2, b"gateway: stopped before it served\n")
    os._exit(0)


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    # Who asks for a reload already while the first load runs must not end it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from gateway.start import start  # noqa: PLC0415 — takes most of a second, in which a signal can come

    return start()


if __name__ == "__main__":
    sys.exit(main())
