"""Access tokens: which are believed, and what happens while the user service is away."""

import asyncio
from typing import Any

import anyio
import httpx
import pytest
from joserfc.jwk import ECKey, KeySet

from payment_subgraph.auth import KeySource, Verifier
from payment_subgraph.errors import KeySetUnavailable, Unauthenticated
from payment_subgraph.viewer import ANONYMOUS
from tests.payment_subgraph.world import ADA, AUDIENCE, ISSUER, SIGNING_KEY, World, serve_keys

pytestmark = pytest.mark.anyio

OTHER_KEY = ECKey.generate_key("P-256", auto_kid=True)


def verifier(handler: Any = serve_keys, **keys: Any) -> Verifier:
    client = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return Verifier(KeySource("http://users.test/jwks", client, **keys), ISSUER, AUDIENCE)


async def test_a_valid_token_names_its_viewer() -> None:
    viewer = await verifier().viewer(f"Bearer {ADA.token()}")

    assert viewer.user_id == ADA.id
    assert viewer.scopes == {"payments:read", "payments:write"}


async def test_no_header_is_anonymous() -> None:
    assert await verifier().viewer(None) is ANONYMOUS


async def test_keys_are_fetched_once_and_again_for_an_unknown_one_but_not_at_will() -> None:
    fetched, now = [], [1000.0]

    def serve(request: httpx.Request) -> httpx.Response:
        fetched.append(request.url)
        keys = [SIGNING_KEY] if len(fetched) == 1 else [SIGNING_KEY, OTHER_KEY]
        return httpx.Response(200, json=KeySet(keys).as_dict(private=False))

    checks = verifier(serve, clock=lambda: now[0])
    for _ in range(3):
        await checks.viewer(f"Bearer {ADA.token()}")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await checks.viewer(f"Bearer {ADA.token(key=OTHER_KEY)}")
    once = len(fetched)
    now[0] += 11
    viewer = await checks.viewer(f"Bearer {ADA.token(key=OTHER_KEY)}")

    assert once == 1
    assert len(fetched) == 2
    assert viewer.user_id == ADA.id


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), httpx.Response(200, text="no json"), httpx.Response(200, json={"keys": [{}]})],
)
async def test_without_keys_nobody_is_let_in_nor_called_a_liar(answer: httpx.Response) -> None:
    with pytest.raises(KeySetUnavailable):
        await verifier(lambda _: answer).viewer(f"Bearer {ADA.token()}")


async def test_without_keys_the_user_service_is_not_asked_at_every_request() -> None:
    asked, now = [], [1000.0]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return serve_keys(request) if len(asked) > 1 else httpx.Response(503)

    checks = verifier(answer, clock=lambda: now[0])
    for _ in range(5):
        with pytest.raises(KeySetUnavailable):
            await checks.viewer(f"Bearer {ADA.token()}")
    once = len(asked)
    now[0] += 1

    assert once == 1
    assert (await checks.viewer(f"Bearer {ADA.token()}")).user_id == ADA.id


async def test_known_keys_stay_good_while_the_user_service_is_away() -> None:
    up = [True]
    checks = verifier(
        lambda request: serve_keys(request) if up[0] else httpx.Response(503), refetch_every_s=0
    )
    await checks.viewer(f"Bearer {ADA.token()}")
    up[0] = False

    with pytest.raises(Unauthenticated):
        await checks.viewer(f"Bearer {ADA.token(key=OTHER_KEY)}")
    assert (await checks.viewer(f"Bearer {ADA.token()}")).user_id == ADA.id


async def test_keys_in_use_are_fetched_again_when_they_are_old_and_nobody_waits_for_it() -> None:
    fetched, now, served = [], [1000.0], [SIGNING_KEY, OTHER_KEY]
    let = anyio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        fetched.append(request)
        if len(fetched) > 1:
            await let.wait()
        return httpx.Response(200, json=KeySet(list(served)).as_dict(private=False))

    checks = verifier(serve, clock=lambda: now[0])
    of_other = f"Bearer {ADA.token(key=OTHER_KEY)}"
    await checks.viewer(of_other)
    served.remove(OTHER_KEY)
    now[0] += 301
    for _ in range(3):
        await checks.viewer(of_other)
    let.set()
    while checks.keys._fetching:
        await asyncio.wait([checks.keys._fetching])

    with pytest.raises(Unauthenticated):
        await checks.viewer(of_other)
    assert len(fetched) == 2


async def test_a_bad_token_is_an_error_of_the_whole_request(small_world: World) -> None:
    headers = {"authorization": f"Bearer {ADA.token(exp=1)}", "accept": "application/graphql-response+json"}

    response = await small_world.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)

    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in response.json()
