"""Access tokens: which are believed, for how long, and what happens while their issuer is away."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, KeySet

from gateway.clients import access_token
from gateway.clients.access_token import AccessTokens
from gateway.clients.issuer_keys import IssuerKeys
from gateway.clients.token_claims import LEEWAY_S, UnverifiedToken
from gateway.errors import TokensUncheckable, Unauthenticated
from gateway.settings import TokenSettings
from gateway.supergraph.authorization import ANONYMOUS, Caller
from tests.contract.access_tokens import REFUSED, Issuer

ISSUER = Issuer("http://issuer.test", "the-api", ECKey.generate_key("P-256", auto_kid=True))
OTHER_KEY = ECKey.generate_key("P-256", auto_kid=True)
SETTINGS = TokenSettings("http://issuer.test/jwks", ISSUER.issuer, ISSUER.audience)

Serve = Callable[[httpx.Request], Any]


def key_set(*keys: ECKey) -> httpx.Response:
    return httpx.Response(200, json=KeySet(list(keys)).as_dict(private=False))


def serve_keys(_: httpx.Request) -> httpx.Response:
    return key_set(ISSUER.key)


def tokens(serve: Serve = serve_keys, now: Callable[[], float] = time.time, **keys: Any) -> AccessTokens:
    return AccessTokens(SETTINGS, IssuerKeys(SETTINGS.jwks_url, httpx.MockTransport(serve), **keys), now)


def header(token: str) -> tuple[bytes, ...]:
    return (f"Bearer {token}".encode(),)


def identify(checks: AccessTokens, *authorization: str) -> Caller:
    return asyncio.run(checks.identify(tuple(each.encode("latin-1") for each in authorization)))


def test_no_header_is_anonymous() -> None:
    assert identify(tokens()) is ANONYMOUS


def test_two_headers_are_refused_even_if_both_are_good() -> None:
    good = f"Bearer {ISSUER.token()}"

    with pytest.raises(Unauthenticated):
        identify(tokens(), good, good)


@pytest.mark.parametrize(
    ("claim", "policies"), [({}, []), ({"policies": ["p", "two words"]}, ["p", "two words"])]
)
def test_policies_are_those_the_issuer_lists(claim: dict[str, Any], policies: list[str]) -> None:
    assert identify(tokens(), f"Bearer {ISSUER.token(**claim)}").policies == frozenset(policies)


@pytest.mark.parametrize("claim", ["p", 1, [1], {"p": True}])
def test_policies_in_another_form_are_refused(claim: Any) -> None:
    with pytest.raises(Unauthenticated):
        identify(tokens(), f"Bearer {ISSUER.token(policies=claim)}")


# --- remembered callers -----------------------------------------------------------------------------------------------


def test_a_token_is_checked_once_and_believed_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    checked, clock = [], [time.time()]
    claims = UnverifiedToken.claims
    monkeypatch.setattr(UnverifiedToken, "claims", lambda *args: checked.append(1) or claims(*args))
    checks = tokens(now=lambda: clock[0])
    token = f"Bearer {ISSUER.token(exp=int(clock[0]) + 100)}"

    for _ in range(3):
        identify(checks, token)
    once = len(checked)
    clock[0] += 100 + LEEWAY_S + 1

    assert once == 1
    with pytest.raises(Unauthenticated):
        identify(checks, token)
    assert not checks._known


def test_no_more_callers_are_remembered_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_token, "REMEMBERED_CALLERS", 3)
    checks = tokens()

    for number in range(5):
        assert identify(checks, f"Bearer {ISSUER.token(sub=str(number))}").is_authenticated

    assert len(checks._known) == 3


def test_bad_tokens_are_not_remembered() -> None:
    checks = tokens()
    for case in REFUSED.values():
        with pytest.raises(Unauthenticated):
            identify(checks, ISSUER.authorization(case))

    assert not checks._known


def test_a_key_that_is_withdrawn_takes_its_tokens_along() -> None:
    served, clock = [ISSUER.key], [1000.0]
    checks = tokens(lambda _: key_set(*served), clock=lambda: clock[0])
    old = f"Bearer {ISSUER.token()}"
    identify(checks, old)
    served[:] = [OTHER_KEY]
    clock[0] += 11
    identify(checks, f"Bearer {ISSUER.token(key=OTHER_KEY)}")

    with pytest.raises(Unauthenticated):
        identify(checks, old)


# --- keys -------------------------------------------------------------------------------------------------------------


def test_keys_are_fetched_once_and_again_for_an_unknown_one_but_not_at_will() -> None:
    fetched, clock = [], [1000.0]

    def serve(request: httpx.Request) -> httpx.Response:
        fetched.append(request.url)
        return key_set(ISSUER.key) if len(fetched) == 1 else key_set(ISSUER.key, OTHER_KEY)

    checks = tokens(serve, clock=lambda: clock[0])
    for number in range(3):
        identify(checks, f"Bearer {ISSUER.token(sub=str(number))}")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            identify(checks, f"Bearer {ISSUER.token(key=OTHER_KEY)}")
    once = len(fetched)
    clock[0] += 11
    identify(checks, f"Bearer {ISSUER.token(key=OTHER_KEY)}")

    assert once == 1
    assert len(fetched) == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(503),
        lambda _: httpx.Response(200, text="no json"),
        lambda _: httpx.Response(200, json={"keys": [{}]}),
        lambda _: httpx.Response(200, json=[]),
    ],
)
def test_without_keys_nobody_is_let_in_nor_called_a_liar(answer: Serve) -> None:
    with pytest.raises(TokensUncheckable):
        identify(tokens(answer), f"Bearer {ISSUER.token()}")


def test_an_issuer_that_cannot_be_reached_is_asked_again_in_a_second() -> None:
    asked, clock = [], [1000.0]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) == 1:
            raise httpx.ConnectError("nobody there", request=request)
        return key_set(ISSUER.key)

    checks = tokens(answer, clock=lambda: clock[0])
    for _ in range(5):
        with pytest.raises(TokensUncheckable):
            identify(checks, f"Bearer {ISSUER.token()}")
    once = len(asked)
    clock[0] += 1

    assert once == 1
    assert identify(checks, f"Bearer {ISSUER.token()}").is_authenticated


def test_known_keys_stay_good_while_the_issuer_is_away() -> None:
    up = [True]
    checks = tokens(lambda _: key_set(ISSUER.key) if up[0] else httpx.Response(503), refetch_every_s=0)
    identify(checks, f"Bearer {ISSUER.token()}")
    up[0] = False

    with pytest.raises(Unauthenticated):
        identify(checks, f"Bearer {ISSUER.token(key=OTHER_KEY)}")
    assert identify(checks, f"Bearer {ISSUER.token(sub='another')}").is_authenticated


def test_keys_in_use_are_fetched_again_when_they_are_old_and_nobody_waits_for_it() -> None:
    fetched, clock, served = [], [1000.0], [ISSUER.key, OTHER_KEY]
    let = asyncio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        fetched.append(request)
        if len(fetched) > 1:
            await let.wait()
        return key_set(*served)

    async def in_turns() -> None:
        checks = tokens(serve, clock=lambda: clock[0])
        of_other = header(ISSUER.token(key=OTHER_KEY))
        await checks.identify(of_other)
        served.remove(OTHER_KEY)
        clock[0] += 301
        for number in range(3):
            await checks.identify(header(ISSUER.token(sub=str(number))))
        let.set()
        while checks._keys._fetching:
            await asyncio.wait([checks._keys._fetching])
        with pytest.raises(Unauthenticated):
            await checks.identify(of_other)

    asyncio.run(in_turns())
    assert len(fetched) == 2


def test_the_same_keys_once_more_leave_callers_known() -> None:
    clock = [1000.0]
    checks = tokens(clock=lambda: clock[0])
    identify(checks, f"Bearer {ISSUER.token()}")
    clock[0] += 11
    with pytest.raises(Unauthenticated):
        identify(checks, f"Bearer {ISSUER.token(key=OTHER_KEY)}")

    assert checks._keys.edition == 1


def test_all_who_wait_for_the_keys_share_one_fetch_and_may_leave() -> None:
    fetched, asked, arrived = [], asyncio.Event(), asyncio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        fetched.append(request)
        asked.set()
        await arrived.wait()
        return key_set(ISSUER.key)

    async def at_once() -> list[Caller]:
        checks = tokens(serve)
        first, *others = (asyncio.create_task(checks.identify(header(ISSUER.token()))) for _ in range(4))
        await asked.wait()
        first.cancel()
        await _ended(first)
        arrived.set()
        return await asyncio.gather(*others)

    assert all(each.is_authenticated for each in asyncio.run(at_once()))
    assert len(fetched) == 1


async def _ended(task: "asyncio.Task[Any]") -> None:
    await asyncio.wait([task])
    assert task.cancelled()
