"""How the three parts of a token are written down, rightly and wrongly."""

import base64
import json
from collections.abc import Callable
from typing import NamedTuple

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Parts(NamedTuple):
    head: str
    payload: str
    signature: bytes

    @property
    def seal(self) -> str:
        return base64url(self.signature)

    def members(self) -> tuple[dict[str, object], dict[str, object]]:
        head, payload = (json.loads(base64.urlsafe_b64decode(f"{part}==")) for part in self[:2])
        return head, payload


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _compact(parts: Parts) -> str:
    return f"{parts.head}.{parts.payload}.{parts.seal}"


def _json(members: dict[str, object]) -> str:
    return base64url(json.dumps(members).encode())


def _after_signing(**claims: object) -> Callable[[Parts], str]:
    def spelled(parts: Parts) -> str:
        _, payload = parts.members()
        return f"{parts.head}.{_json(payload | claims)}.{parts.seal}"

    return spelled


def _header_after_signing(**header: object) -> Callable[[Parts], str]:
    def spelled(parts: Parts) -> str:
        head, _ = parts.members()
        return f"{_json(head | header)}.{parts.payload}.{parts.seal}"

    return spelled


def _unused_bits(part: str) -> str:
    """The same bytes for a decoder that does not look at the bits beyond the last byte."""
    assert len(part) % 4, "this part has no unused bits"
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) | 1]


def _padded(part: str) -> str:
    return part + "=" * (-len(part) % 4 or 4)


def _as_json(parts: Parts) -> str:
    return json.dumps({"protected": parts.head, "payload": parts.payload, "signature": parts.seal})


SPELLINGS: dict[str, Callable[[Parts], str]] = {
    "as it should be": _compact,
    # --- other content under the signature ---
    "another sub after signing": _after_signing(sub="usr_admin"),
    "more scopes after signing": _after_signing(scope="a b users:write refunds:write"),
    "a later end after signing": _after_signing(exp=253402300799),
    "one more claim after signing": _after_signing(admin=True),
    "another alg after signing": _header_after_signing(alg="none"),
    "another kid after signing": _header_after_signing(kid="other"),
    "another typ after signing": _header_after_signing(typ="application/at+jwt"),
    "the header written anew after signing": lambda parts: (
        f"{base64url(json.dumps(parts.members()[0], indent=1).encode())}.{parts.payload}.{parts.seal}"
    ),
    "the payload without its last character": lambda parts: f"{parts.head}.{parts.payload[:-1]}.{parts.seal}",
    "the payload with four more characters": lambda parts: f"{parts.head}.{parts.payload}AAAA.{parts.seal}",
    "header and payload change places": lambda parts: f"{parts.payload}.{parts.head}.{parts.seal}",
    "the payload twice": lambda parts: f"{parts.head}.{parts.payload}.{parts.payload}",
    "the header twice": lambda parts: f"{parts.head}.{parts.head}.{parts.seal}",
    # --- more or fewer parts ---
    "without signature": lambda parts: f"{parts.head}.{parts.payload}",
    "with an empty signature": lambda parts: f"{parts.head}.{parts.payload}.",
    "without header": lambda parts: f".{parts.payload}.{parts.seal}",
    "without payload": lambda parts: f"{parts.head}..{parts.seal}",
    "the payload alone": lambda parts: parts.payload,
    "the signature alone": lambda parts: f"..{parts.seal}",
    "a dot in front": lambda parts: f".{_compact(parts)}",
    "a dot behind": lambda parts: f"{_compact(parts)}.",
    "a fourth part": lambda parts: f"{_compact(parts)}.{parts.seal}",
    "five parts": lambda parts: f"{parts.head}.{parts.payload}.{parts.seal}.{parts.seal}.{parts.seal}",
    "twice with a dot between": lambda parts: f"{_compact(parts)}.{_compact(parts)}",
    "a thousand dots": lambda parts: f"{_compact(parts)}{'.' * 1000}",
    "two dots between": lambda parts: f"{parts.head}..{parts.payload}.{parts.seal}",
    # --- another alphabet ---
    "the header padded": lambda parts: f"{_padded(parts.head)}.{parts.payload}.{parts.seal}",
    "the payload padded": lambda parts: f"{parts.head}.{_padded(parts.payload)}.{parts.seal}",
    "the signature padded": lambda parts: f"{parts.head}.{parts.payload}.{_padded(parts.seal)}",
    "unused bits of the signature": lambda parts: f"{parts.head}.{parts.payload}.{_unused_bits(parts.seal)}",
    "a plus in the signature": lambda parts: f"{parts.head}.{parts.payload}.+{parts.seal[1:]}",
    "a slash in the signature": lambda parts: f"{parts.head}.{parts.payload}./{parts.seal[1:]}",
    "in capitals": lambda parts: _compact(parts).upper(),
    "percent-encoded dots": lambda parts: _compact(parts).replace(".", "%2E"),
    "slashes instead of dots": lambda parts: _compact(parts).replace(".", "/"),
    "a blank in the payload": lambda parts: (
        f"{parts.head}.{parts.payload[:9]} {parts.payload[9:]}.{parts.seal}"
    ),
    "a tab in the payload": lambda parts: (
        f"{parts.head}.{parts.payload[:9]}\t{parts.payload[9:]}.{parts.seal}"
    ),
    "a blank behind the header": lambda parts: f"{parts.head} .{parts.payload}.{parts.seal}",
    "a zero byte behind": lambda parts: f"{_compact(parts)}\0",
    "a no-break space behind": lambda parts: f"{_compact(parts)}\xa0",
    "a unit separator in front": lambda parts: f"\x1f{_compact(parts)}",
    "an umlaut in the signature": lambda parts: f"{parts.head}.{parts.payload}.\xe4{parts.seal[1:]}",
    "a byte order mark in front": lambda parts: f"\xef\xbb\xbf{_compact(parts)}",
    "in quotes": lambda parts: f'"{_compact(parts)}"',
    "in angle brackets": lambda parts: f"<{_compact(parts)}>",
    "in base64 once more": lambda parts: base64url(_compact(parts).encode()),
    "the parts not encoded": lambda parts: ".".join(
        base64.urlsafe_b64decode(f"{part}==").decode("latin-1") for part in (parts.head, parts.payload)
    ),
    "as JSON": _as_json,
    "as JSON in base64": lambda parts: base64url(_as_json(parts).encode()),
    # --- too large ---
    "a million characters behind": lambda parts: _compact(parts) + "A" * 1_000_000,
    "a million dots behind": lambda parts: _compact(parts) + "." * 1_000_000,
    "a long header": lambda parts: f"{'A' * 100_000}.{parts.payload}.{parts.seal}",
}
