"""From which network address a request came, by whichever proxies. Pure.

`X-Forwarded-For` is what anybody may write. It is read only from a proxy that is trusted to have written its own entry
at the end, and no further than to the first address that is not such a proxy: what stands before that is a stranger's.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(peer: str | None, forwarded_for: str, trusted: Collection[Network]) -> str | None:
    """The nearest address that is none of the *trusted* proxies; `None` if they do not tell one.

    *peer*: the other end of the connection. *forwarded_for*: the header, empty if there is none.
    """
    nearest = _address(peer or "")
    while nearest is not None and _is_one_of(trusted, nearest):
        forwarded_for, _, last = forwarded_for.rpartition(",")
        nearest = _address(last)
    return None if nearest is None else str(nearest)


def client_network(address: str) -> str:
    """Whom an address stands for: of IPv6 a network of 64 bits, for who has one address of it has them all."""
    parsed = ip_address(address)
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _is_one_of(trusted: Collection[Network], address: Address) -> bool:
    return any(address in network for network in trusted)


def _address(text: str) -> Address | None:
    """`None` if it is none. The zone of an IPv6 address says something on one machine only, and is left out."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
