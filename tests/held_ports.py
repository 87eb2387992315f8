"""Ports for the processes a test starts, kept free for them."""

import socket
import sys


def held_port() -> int:
    """A port of 127.0.0.1 that nobody else is given while this process lives, and on which nobody listens yet.

    We are bound to it without listening. For Linux it is then taken, whoever asks for just any port; but a server that
    asks for this very one, with SO_REUSEADDR as servers do, may listen on it, and again after a restart. Other systems
    would refuse that: there it is only free now.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    if sys.platform == "linux":
        holder.detach()  # open until this process ends
    else:
        holder.close()
    return port
