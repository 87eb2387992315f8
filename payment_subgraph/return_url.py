"""Where a payer may be sent back to. Pure."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

MAX_URL: Final = 2048


def is_return_url(text: str) -> bool:
    """https anywhere; plain http only to this machine, for development."""
    if len(text) > MAX_URL or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
