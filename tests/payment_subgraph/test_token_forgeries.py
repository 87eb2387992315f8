"""The payment subgraph judges tests/contract/token_cases.json as everybody does."""

from collections.abc import AsyncIterator

import httpx
import pytest

from payment_subgraph.auth import KeySource, Verifier
from tests.contract.access_tokens import ACCEPTED, REFUSED, Issuer
from tests.contract.refusals import assert_refused
from tests.payment_subgraph.databases import SqliteFiles
from tests.payment_subgraph.world import AUDIENCE, ISSUER, SIGNING_KEY, World, serve_keys

pytestmark = pytest.mark.anyio

CONTRACT = Issuer(ISSUER, AUDIENCE, SIGNING_KEY)
MESSAGES = {
    "The access token is not valid or has expired.",
    "The Authorization header must be a Bearer token.",
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def one_world(sqlite_files: SqliteFiles) -> AsyncIterator[World]:
    with sqlite_files.fresh() as url:
        world = World.build(url)
        yield world
        await world.close()


@pytest.mark.parametrize("name", REFUSED)
async def test_a_forged_token_is_refused(
    one_world: World, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    authorization = CONTRACT.authorization(REFUSED[name])
    headers = [
        (b"accept", b"application/graphql-response+json"),
        (b"content-type", b"application/json"),
        (b"authorization", authorization.encode("latin-1")),
    ]
    caplog.set_level("DEBUG", "payment_subgraph")

    answer = await one_world.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)

    assert answer.status_code == 401
    assert_refused(answer.json(), messages=MESSAGES, authorization=authorization, log=caplog.text)


@pytest.mark.parametrize("name", ACCEPTED)
async def test_a_good_token_is_believed(name: str) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(serve_keys)) as client:
        verifier = Verifier(KeySource(f"{ISSUER}/jwks.json", client), ISSUER, AUDIENCE)

        viewer = await verifier.viewer(CONTRACT.authorization(ACCEPTED[name]))

    assert viewer.scopes == frozenset(ACCEPTED[name]["scopes"])


async def test_two_headers_are_refused_even_if_both_are_good(one_world: World) -> None:
    good = f"Bearer {CONTRACT.token()}"
    headers = [("authorization", good), ("authorization", good)]

    answer = await one_world.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)

    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
