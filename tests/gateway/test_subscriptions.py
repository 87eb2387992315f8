"""Subscriptions: one subgraph brings the events, the others complete each of them."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway.errors import RequestError, TooManySubscriptions
from gateway.operations.request import Request
from gateway.settings import Limits
from tests.gateway.auction import CLOCK, END, VASE, Auction, bid, sale, scripted, then_silent
from tests.gateway.testbed import json_response, unhurried

BIDS = "subscription { bidPlaced { amount lot { title estimate expert { name } } bidder { name city } } }"


def test_the_rest_of_the_plan_follows_each_event() -> None:
    assert Auction(scripted()).plans(
        BIDS,
        """
        QueryPlan {
          Subscription {
            Primary: {
              Fetch(service: "lots") {
                bidPlaced {
                  amount
                  lot {
                    title
                    id
                  }
                  bidder {
                    id
                  }
                }
              }
            },
            Rest: {
              Sequence {
                Parallel {
                  Flatten(path: "bidPlaced.lot") {
                    Fetch(service: "estimates") {
                      {
                        ... on Lot { __typename id }
                      } =>
                      {
                        ... on Lot {
                          estimate
                          expert {
                            id
                          }
                        }
                      }
                    }
                  },
                  Flatten(path: "bidPlaced.bidder") {
                    Fetch(service: "people") {
                      {
                        ... on Person { __typename id }
                      } =>
                      {
                        ... on Person {
                          name
                          city
                        }
                      }
                    }
                  },
                },
                Flatten(path: "bidPlaced.lot.expert") {
                  Fetch(service: "people") {
                    {
                      ... on Person { __typename id }
                    } =>
                    {
                      ... on Person {
                        name
                      }
                    }
                  }
                },
              }
            }
          }
        }
        """,
    )


def test_a_subscription_one_subgraph_can_serve_alone_has_no_rest() -> None:
    assert Auction(scripted()).plans(
        "subscription { secondsLeft }",
        """
        QueryPlan {
          Subscription {
            Primary: {
              Fetch(service: "lots") {
                secondsLeft
              }
            },
            Rest: {}
          }
        }
        """,
    )


def test_every_event_is_answered_as_one_schema_would() -> None:
    events = [bid(10), bid(20, CLOCK, None), bid(30)]
    auction = Auction(scripted(*events, END))

    answers = auction.all_answers(BIDS)

    assert answers == [auction.truth_of(event, BIDS) for event in events]
    assert answers[1]["data"]["bidPlaced"]["lot"]["expert"] is None


def test_requires_arguments_aliases_and_fragments_work_in_events() -> None:
    query = """
        subscription Sales($in: String, $no: Boolean = false) {
          now: lotOnSale { ...Lot usd: estimate(currency: $in) id @skip(if: true) ... @include(if: $no) { weight } __typename }
        }
        fragment Lot on Lot { postage estimate }
    """
    auction = Auction(scripted(sale(VASE), sale(None), sale(CLOCK), END))

    answers = auction.all_answers(query, {"in": "USD"})

    assert answers == [auction.truth_of(sale(lot), query, {"in": "USD"}) for lot in (VASE, None, CLOCK)]
    assert list(answers[0]["data"]["now"]) == ["postage", "estimate", "usd", "__typename"]
    assert answers[0]["data"]["now"]["usd"] == 110


def test_only_the_variables_of_the_root_field_go_up_with_it() -> None:
    query = (
        "subscription ($lot: ID, $in: String) { bidPlaced(lot: $lot) { lot { estimate(currency: $in) } } }"
    )
    auction = Auction(scripted(bid(1), END))

    auction.all_answers(query, {"lot": "l1", "in": "USD"})

    sent = json.loads(auction.subscribed[0].content)
    assert sent["variables"] == {"lot": "l1"}
    assert sent["query"] == "subscription($lot: ID) { bidPlaced(lot: $lot) { lot { id } } }"


def test_the_callers_headers_go_with_the_subscription_and_with_each_completion() -> None:
    auction = Auction(scripted(bid(1), bid(2), END))

    async def subscribed() -> None:
        query = "subscription { bidPlaced { bidder { name } } }"
        request = Request(query, headers=((b"authorization", b"Bearer x"),))
        async with auction.subscriptions.open(request, "r-1") as answers:
            assert len([answer async for answer in answers]) == 2

    asyncio.run(subscribed())

    sent = [auction.subscribed[0].headers, *auction.subgraphs["people"].headers]
    assert [headers["authorization"] for headers in sent] == ["Bearer x"] * 3


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_failing_completion_costs_its_fields_of_that_event_only() -> None:
    auction = Auction(scripted(bid(1), bid(2), END))
    answers = iter([httpx.ConnectError("down"), None])

    def once_broken(request: httpx.Request) -> httpx.Response:
        if failure := next(answers):
            raise failure
        return json_response(auction.subgraphs["people"].answer(json.loads(request.content)))

    auction.broken["people"] = once_broken

    first, second = auction.all_answers("subscription { bidPlaced { amount bidder { name } } }")

    assert first["data"] == {"bidPlaced": {"amount": 1, "bidder": None}}
    assert [(each["path"], each["extensions"]["code"]) for each in first["errors"]] == [
        (["bidPlaced", "bidder", "name"], "SUBGRAPH_UNAVAILABLE")
    ]
    assert second == {"data": {"bidPlaced": {"amount": 2, "bidder": {"name": "Ann"}}}}


def test_an_event_can_carry_errors_of_its_own() -> None:
    errors = [
        {"message": "No lot.", "path": ["now", "title"], "extensions": {"code": "GONE", "debug": {"x": 1}}}
    ]
    event = {"data": {"now": None}, "errors": errors}
    auction = Auction(scripted(b"event: next\ndata: " + json.dumps(event).encode() + b"\n\n", END))

    [answer] = auction.all_answers("subscription { now: lotOnSale { title } }")

    assert answer["data"] == {"now": None}
    assert answer["errors"][0]["path"] == ["now", "title"]
    assert answer["errors"][0]["extensions"]["code"] == "GONE"
    assert answer["errors"][0]["extensions"]["service"] == "lots"


def test_a_null_where_none_may_be_takes_the_events_data_along() -> None:
    auction = Auction(scripted(b'event: next\ndata: {"data":{"secondsLeft":null}}\n\n', END))

    [answer] = auction.all_answers("subscription { secondsLeft }")

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_SUBGRAPH_VALUE"


@pytest.mark.parametrize("status", [200, 400])
def test_a_refusal_by_the_subgraph_is_the_only_answer(status: int) -> None:
    auction = Auction(scripted())
    refusal = {"errors": [{"message": "Log in.", "extensions": {"code": "UNAUTHENTICATED"}}]}
    auction.broken["lots"] = lambda _: json_response(refusal, status)

    [answer] = auction.all_answers("subscription { lotOnSale { title } }")

    assert answer["data"] == {"lotOnSale": None}
    assert answer["errors"][0]["message"] == "Log in."
    assert answer["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "service": "lots"}


def _refused(_: httpx.Request) -> Any:
    raise httpx.ConnectError("refused")


async def _hangs(_: httpx.Request) -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (_refused, "SUBGRAPH_UNAVAILABLE"),
        (_hangs, "DEADLINE_EXCEEDED"),
        (lambda _: httpx.Response(200, text="<html>"), "SUBGRAPH_UNAVAILABLE"),
        (lambda _: httpx.Response(502, headers={"content-type": "text/event-stream"}, text=""), "SUBGRAPH_UNAVAILABLE"),
        (lambda _: httpx.Response(200, json={"x": 1}), "SUBGRAPH_UNAVAILABLE"),
        (lambda _: httpx.Response(200, content=b"[" * 200_000), "SUBGRAPH_UNAVAILABLE"),
    ],
)  # fmt: skip
def test_a_subgraph_that_does_not_begin_is_an_answer_with_an_error(
    caplog: pytest.LogCaptureFixture, behaviour: Any, code: str
) -> None:
    auction = Auction(scripted(), unhurried(subgraph_timeout_s=0.05, event_bytes=100_000))
    auction.broken["lots"] = behaviour

    [answer] = auction.all_answers("subscription { secondsLeft }")

    assert answer["data"] is None
    assert [(each["path"], each["extensions"]) for each in answer["errors"]] == [
        (["secondsLeft"], {"code": code, "service": "lots"})
    ]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"request r-1: {code} of subgraph lots: ")


@pytest.mark.parametrize(
    "broken",
    [
        b"",  # the stream just ends
        b"event: next\ndata: {\n\n",
        b"event: next\ndata: [1]\n\n",
        b"event: next\ndata: null\n\n",
        b"event: next\ndata: {}\n\n",
        b"event: next\n\n",
        b"event: next\ndata: " + b"1" * 2_000,
        b"event: next\n" + b"data: 1\n" * 2_000,
    ],
)
def test_a_subgraph_that_dies_or_talks_nonsense_ends_the_stream_with_an_error(broken: bytes) -> None:
    after = [broken, sale(CLOCK), END] if broken else []
    auction = Auction(scripted(sale(VASE), *after), unhurried(event_bytes=1_000))

    first, last = auction.all_answers("subscription { lotOnSale { title } }")

    assert first == {"data": {"lotOnSale": {"title": "Vase"}}}
    assert last["data"] == {"lotOnSale": None}
    assert last["errors"] == [
        {
            "message": "The service 'lots' is not available.",
            "path": ["lotOnSale"],
            "extensions": {"code": "SUBGRAPH_UNAVAILABLE", "service": "lots"},
        }
    ]


def test_comments_and_events_of_other_names_are_passed_over() -> None:
    noise = b": ping\n\nevent: heartbeat\ndata: {}\n\ndata: unnamed\n\nid: 7\nretry: 10\n\n"
    auction = Auction(scripted(noise, sale(VASE), noise, END, sale(CLOCK)))

    answers = auction.all_answers("subscription { lotOnSale { title } }")

    assert answers == [{"data": {"lotOnSale": {"title": "Vase"}}}]


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "subscription { __typename }",
        "subscription { __schema { description } }",
        "subscription { secondsLeft lotOnSale { title } }",
        "subscription { secondsLeft __typename }",
        "subscription { secondsLeft ... on Subscription { more: secondsLeft } }",
        "subscription { ...F } fragment F on Subscription { secondsLeft lotOnSale { title } }",
        "subscription { secondsLeft @skip(if: true) }",
        "subscription ($x: Boolean!) { secondsLeft @include(if: $x) }",
        "subscription { nothing }",
        "subscription",
        "subscription {",
    ],
)
def test_what_is_no_subscription_is_refused_before_anything_is_opened(query: str) -> None:
    auction = Auction(scripted())

    with pytest.raises(RequestError) as refused:
        auction.all_answers(query)

    assert refused.value.code in {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
    assert not auction.subscribed


@pytest.mark.parametrize(
    ("query", "variables", "limits", "code"),
    [
        ("subscription { lotOnSale { expert { id } } }", {}, Limits(depth=2), "QUERY_TOO_DEEP"),
        ("subscription { a: secondsLeft }", {}, Limits(aliases=0), "TOO_MANY_ALIASES"),
        ("subscription ($lot: ID) { bidPlaced(lot: $lot) { amount } }", {"lot": {}}, Limits(), "BAD_USER_INPUT"),
        (BIDS, {}, Limits(planning_steps=3), "PLAN_TOO_COMPLEX"),
    ],
)  # fmt: skip
def test_limits_and_variables_are_judged_as_for_queries(
    query: str, variables: dict[str, Any], limits: Limits, code: str
) -> None:
    auction = Auction(scripted(), unhurried(limits=limits))

    with pytest.raises(RequestError) as refused:
        auction.all_answers(query, variables)

    assert refused.value.code == code
    assert not auction.subscribed


def test_only_so_many_subscriptions_are_open_at_once() -> None:
    auction = Auction(then_silent(sale(VASE)), unhurried(subscriptions=2))
    query = "subscription { lotOnSale { title } }"

    async def crowded() -> None:
        async with auction.answers(query) as one:
            await anext(one)
            async with auction.answers(query), auction.answers("{ me { name } }") as question:
                with pytest.raises(TooManySubscriptions):
                    async with auction.answers(query):
                        pass
                assert [json.loads(answer.encoded())["data"] async for answer in question] == [
                    {"me": {"name": "Ann"}}
                ]
            async with auction.answers(query) as again:
                await anext(again)

    asyncio.run(crowded())

    assert auction.streams.subscriptions == 0


def test_a_subscription_is_not_answered_in_one_piece() -> None:
    auction = Auction(scripted())

    answer = asyncio.run(auction.pipeline.answer(Request("subscription { secondsLeft }")))

    assert (answer.status, answer.errors[0]["extensions"]["code"]) == (406, "BAD_REQUEST")
    assert not auction.subscribed


# --- pace and end ---------------------------------------------------------------------------------------------------


def test_an_event_is_read_only_when_the_one_before_was_taken() -> None:
    auction = Auction(scripted(*[sale(VASE)] * 1_000, END))

    async def slow() -> None:
        async with auction.answers("subscription { lotOnSale { title } }") as answers:
            for taken in range(1, 4):
                await anext(answers)
                assert auction.read == taken

    asyncio.run(slow())


def test_leaving_closes_the_stream_of_the_subgraph() -> None:
    auction = Auction(then_silent(sale(VASE)))

    async def left() -> None:
        async with auction.answers("subscription { lotOnSale { title } }") as answers:
            await anext(answers)
            assert not auction.is_over.is_set()
        assert auction.is_over.is_set()

    asyncio.run(left())


def test_a_reader_that_is_cancelled_while_it_waits_closes_the_stream_of_the_subgraph() -> None:
    auction = Auction(then_silent(sale(VASE)))
    has_one = asyncio.Event()

    async def read() -> None:
        async with auction.answers("subscription { lotOnSale { title } }") as answers:
            async for _ in answers:
                has_one.set()

    async def cancelled() -> None:
        reading = asyncio.create_task(read())
        await has_one.wait()
        reading.cancel()
        await asyncio.wait({reading})
        assert reading.cancelled()
        assert auction.is_over.is_set()

    asyncio.run(cancelled())


def test_one_plan_serves_all_events_and_all_callers() -> None:
    auction = Auction(scripted(bid(1), bid(2), END))
    auction.all_answers(BIDS)
    plans = auction.pipeline._plans

    auction.all_answers(BIDS)

    assert len(plans) == 1


def test_the_plan_is_shown_with_the_events() -> None:
    auction = Auction(scripted(sale(VASE), END), unhurried(show_plans=True))

    async def asked() -> list[dict[str, Any]]:
        request = Request("subscription { lotOnSale { title } }", wants_plan=True)
        async with auction.subscriptions.open(request, "r-1") as answers:
            return [json.loads(answer.encoded()) async for answer in answers]

    [answer] = asyncio.run(asked())

    assert answer["extensions"]["queryPlan"].startswith("QueryPlan {\n  Subscription {")
