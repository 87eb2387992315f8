"""Answers that come a byte at a time, over a real socket."""

import asyncio
from contextlib import suppress

import pytest

from payment_subgraph.processor import OutcomeUnknown
from payment_subgraph.stripe_processor import NETWORK_RETRIES, StripeHttp, StripeProcessor
from tests.payment_subgraph.tcp_server import tcp_server

pytestmark = pytest.mark.anyio


class ImpatientHttp(StripeHttp):
    """The SDK waits between its tries; here it need not, and they are counted."""

    pauses = 0

    async def sleep_async(self, _secs: float) -> None:
        self.pauses += 1


async def test_an_answer_that_never_ends_is_one_that_did_not_come() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
        with suppress(ConnectionResetError):  # the client hangs up
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    http = ImpatientHttp(within_s=0.3)
    async with tcp_server(drip) as port:
        processor = StripeProcessor(
            "sk_test_drip",
            environment="test",
            api_base=f"http://127.0.0.1:{port}",
            http_client=http,
        )
        async with asyncio.timeout(60):
            with pytest.raises(OutcomeUnknown):
                await processor.fetch_payment("pi_1")
        await processor.close()

    assert http.pauses == NETWORK_RETRIES
