"""Access tokens, and where the payment service finds the key that they were signed with."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

AUDIENCE = "modular-payment-system"
CUSTOMER = "payments:read payments:write"
FINANCE = f"{CUSTOMER} payments:read:any payments:write:any refunds:write"
KEEPER = f"{FINANCE} webhooks:manage"


@dataclass(frozen=True)
class Issuer:
    url: str
    key: ECKey

    def token(self, user_id: str, scope: str) -> str:
        """Good for an hour."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": user_id,
            "scope": scope,
            "iat": now,
            "exp": now + 3600,
        }
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}, claims, self.key)


@contextmanager
def issuer() -> Iterator[Issuer]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    keys = json.dumps(KeySet([key]).as_dict(private=False)).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(keys)))
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Issuer(f"http://127.0.0.1:{server.server_port}", key)
        server.shutdown()
