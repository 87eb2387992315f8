"""Answers that come a byte at a time, over a real socket."""

import asyncio
import itertools
from contextlib import suppress

import pytest

from payment_subgraph.processor import OutcomeUnknown
from payment_subgraph.stripe_processor import NETWORK_RETRIES, StripeHttp, StripeProcessor
from tests.payment_subgraph.tcp_server import tcp_server

pytestmark = pytest.mark.anyio


class ImpatientHttp(StripeHttp):
    """The SDK waits between its tries; here it need not."""

    async def sleep_async(self, _secs: float) -> None:
        return


async def test_an_answer_that_never_ends_is_one_that_did_not_come() -> None:
    asked = itertools.count()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        next(asked)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
        with suppress(ConnectionResetError):  # the client hangs up
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    async with tcp_server(drip) as port:
        processor = StripeProcessor(
            "sk_test_drip",
            environment="test",
            api_base=f"http://127.0.0.1:{port}",
            http_client=ImpatientHttp(within_s=0.3),
        )
        async with asyncio.timeout(10):
            with pytest.raises(OutcomeUnknown):
                await processor.fetch_payment("pi_1")
        await processor.close()

    assert next(asked) == NETWORK_RETRIES + 1
