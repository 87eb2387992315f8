"""A webhook endpoint that verifies every delivery with Stripe's SDK and answers as the test wants."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

from tests.fake_stripe.running_fake import WEBHOOK_SECRET


class WebhookEndpoint:
    """What arrived, in order; a delivery that is not signed is a failure of the test."""

    def __init__(self) -> None:
        self.arrived: list[stripe.Event] = []
        self.forged: list[str] = []
        self.statuses: list[int] = []
        """The answers to the next deliveries; after them, 200."""
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        self.gate = threading.Event()
        """Answers wait for it; open unless a test closes it."""
        self.gate.set()

    def types(self) -> list[str]:
        """The types that arrived."""
        return [event.type for event in self.arrived]

    def answer(self, payload: bytes, signature: str) -> int:
        """Take one delivery in."""
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
        self.gate.wait(60)
        with self._lock:
            self._busy -= 1
            try:
                self.arrived.append(stripe.Webhook.construct_event(payload, signature, WEBHOOK_SECRET))
            except stripe.SignatureVerificationError:
                self.forged.append(signature)
                return 400
            return self.statuses.pop(0) if self.statuses else 200


@contextmanager
def serving(endpoint: WebhookEndpoint) -> Iterator[str]:
    """Serve *endpoint* on a free port; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(endpoint.answer(payload, self.headers["Stripe-Signature"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
            """Nothing on the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/webhooks"
    finally:
        endpoint.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()
