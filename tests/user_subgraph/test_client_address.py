"""From where a request came: only trusted proxies are believed, and no further than to the first stranger."""

from ipaddress import ip_network

import pytest

from user_subgraph.client_address import client_address, client_network

TRUSTED = frozenset({ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")})


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "found"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "203.0.113.1", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "203.0.113.1, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "203.0.113.1, 192.0.2.7,10.1.2.3 ", "192.0.2.7"),
        ("::ffff:127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:DB9:0::7", "2001:db9::7"),
        ("fe80::7%eth0", "", "fe80::7"),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "10.0.0.1", None),
        ("127.0.0.1", "192.0.2.7, ", None),
        ("127.0.0.1", "192.0.2.7, unknown", None),
        ("127.0.0.1", "192.0.2.7:443", None),
        ("127.0.0.1", "192.0.2.7, \N{SNOWMAN}", None),
        ("", "192.0.2.7", None),
        (None, "192.0.2.7", None),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_trusted_proxy(
    peer: str | None, forwarded_for: str, found: str | None
) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == found


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert client_address("127.0.0.1", "192.0.2.7", frozenset()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
    ],
)
def test_who_has_one_address_of_ipv6_has_its_whole_network(address: str, network: str) -> None:
    assert client_network(address) == network


def test_an_address_always_fits_its_column() -> None:
    zone = "x" * 1000
    longest = client_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%" + zone, "", TRUSTED)

    assert longest == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
