"""`text/event-stream`: what the reader makes of it, whichever way the network cuts it up."""

import random

import pytest

from gateway.event_stream import (
    COMPLETE,
    NEXT,
    PAUSE,
    EventStreamReader,
    EventTooLargeError,
    ServerSentEvent,
    written,
)


def read(*chunks: bytes, event_bytes: int = 1_000) -> list[tuple[str, bytes]]:
    reader = EventStreamReader(event_bytes)
    return [(event.name, event.data) for chunk in chunks for event in reader.read(chunk)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"event: next\ndata: 1\n\n", [("next", b"1")]),
        (b"event:next\r\ndata:1\r\n\r\n", [("next", b"1")]),
        (b"event: next\rdata: 1\r\r", [("next", b"1")]),
        (b"data: 1\n\n", [("message", b"1")]),
        (b"data: 1\ndata: 2\n\n", [("message", b"1\n2")]),
        (b"data:  1\n\n", [("message", b" 1")]),
        (b"data: a: b\n\n", [("message", b"a: b")]),
        (b"data\n\n", [("message", b"")]),
        (b"event: complete\n\n", [("complete", b"")]),
        (b"event: complete\ndata:\n\n", [("complete", b"")]),
        (b"\xef\xbb\xbfdata: 1\n\n", [("message", b"1")]),
        (b": comment\n\n:\n\n\n\ndata: 1\n\n", [("message", b"1")]),
        (b"id: 1\nretry: 3\nother\ndata: 1\n\n", [("message", b"1")]),
        (b"event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", [("b", b"1"), ("message", b"2")]),
        (b"event: \xff\ndata: 1\n\n", [("\N{REPLACEMENT CHARACTER}", b"1")]),
        (b"data: not finished\n", []),
        (b"", []),
    ],
)
def test_events_are_read_by_the_standard(stream: bytes, events: list[tuple[str, bytes]]) -> None:
    assert read(stream) == events


def test_the_cuts_of_the_network_make_no_difference() -> None:
    dice = random.Random(7)
    stream = b"event: next\r\ndata: {1}\r\n\r\n:\n\nevent: next\ndata: 2\ndata: 3\n\ndata: 4\r\r\n\r\nevent: complete\n\n"
    whole = read(stream)

    assert whole == [("next", b"{1}"), ("next", b"2\n3"), ("message", b"4"), ("complete", b"")]
    for _ in range(300):
        cuts = sorted(dice.randrange(len(stream) + 1) for _ in range(dice.randrange(12)))
        chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
        assert read(*chunks) == whole
    assert read(*(bytes([each]) for each in stream)) == whole


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: " + b"x" * 200],
        [b"x"] * 200,
        [b"data: 12345678\n"] * 20,
        [b": " + b"x" * 200],
    ],
)
def test_an_event_that_grows_too_large_is_not_read_to_its_end(chunks: list[bytes]) -> None:
    with pytest.raises(EventTooLargeError):
        read(*chunks, event_bytes=100)


def test_many_small_events_and_comments_are_not_one_large_one() -> None:
    assert len(read(*[b"data: 12345678\n\n:ping\n"] * 100, event_bytes=50)) == 100


def test_what_is_written_is_read() -> None:
    stream = written(NEXT, b'{"data":"\\n"}') + PAUSE + written(COMPLETE)

    assert list(EventStreamReader(100).read(stream)) == [
        ServerSentEvent("next", b'{"data":"\\n"}'),
        ServerSentEvent("complete", b""),
    ]
