"""`python -m examples.order_fulfilment [PORT] [FILE]`: receive what the payment service tells, at `/payments`.

`OUTBOX_SECRET` is the one that the payment service signs with; the orders are in the SQLite file FILE.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from examples.order_fulfilment.shop import Shop
from examples.order_fulfilment.signature import Forged, verify

PORT = 8020
MAX_BODY_BYTES = 64 * 1024


class Receiver(ThreadingHTTPServer):
    def __init__(self, port: int, shop: Shop, secret: str) -> None:
        self.shop, self.secret = shop, secret
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """2xx only when it is done: anything else, and the message comes again."""

    server: Receiver
    timeout = 10

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY_BYTES:
            self._answer(413)
            return
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            message_id = verify(self.server.secret, headers, body, time.time())
        except Forged as reason:
            self.log_message("refused: %s", reason)
            self._answer(400)
            return
        message = json.loads(body)
        new = self.server.shop.take(message_id, message)
        self.log_message("%s %s %s", message_id, message["type"], "done" if new else "was done before")
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    shop = Shop(sys.argv[2] if len(sys.argv) > 2 else "orders.sqlite3")
    with Receiver(port, shop, os.environ["OUTBOX_SECRET"]) as receiver:
        print(f"order fulfilment: http://127.0.0.1:{receiver.server_address[1]}/payments", flush=True)
        receiver.serve_forever()


if __name__ == "__main__":
    main()
