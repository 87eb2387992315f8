"""Gateways that answer the documents of a manifest and nothing else."""

import asyncio
import json
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.app import App, create_app
from gateway.errors import DocumentNotTrusted, SettingsError
from gateway.operations.trusted_documents import TrustedDocuments, read_manifest
from tests.gateway.test_entities import library
from tests.gateway.testbed import Federation

BOOK = "query Book { book(isbn: 1) { title } }"
ADD = 'mutation { addBook(isbn: 9, title: "x") { isbn } }'
BOOK_ID = sha256(BOOK.encode()).hexdigest()
ADD_ID = sha256(ADD.encode()).hexdigest()
EMMA = {"data": {"book": {"title": "Emma"}}}
MANIFEST = {BOOK_ID: BOOK, ADD_ID: ADD}


def written(manifest: Any) -> bytes:
    return json.dumps(manifest).encode()


def trusting(federation: Federation, manifest: Any = None) -> App:
    trusted = read_manifest(written(MANIFEST if manifest is None else manifest))
    return create_app(federation.supergraph, federation.settings, federation, trusted)


def asked(
    app: App, method: str = "POST", *, accept: str = "application/json", **parameters: Any
) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
            if method == "POST":
                return await client.post("/graphql", json=parameters, headers={"accept": accept})
            texts = {
                name: each if isinstance(each, str) else json.dumps(each) for name, each in parameters.items()
            }
            return await client.get(f"/graphql?{urlencode(texts)}", headers={"accept": accept})

    return asyncio.run(ask())


def codes(reply: httpx.Response) -> list[str]:
    return [each["extensions"]["code"] for each in reply.json()["errors"]]


def apollo(document_id: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": document_id}}


# --- asking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "named",
    [
        {"documentId": f"sha256:{BOOK_ID}"},
        {"documentId": BOOK_ID},
        {"extensions": apollo(BOOK_ID)},
        {"query": BOOK},
        {"query": BOOK, "documentId": f"sha256:{BOOK_ID}"},
        {"query": BOOK, "extensions": apollo(BOOK_ID), "operationName": "Book"},
    ],
)
def test_a_document_of_the_manifest_is_answered(method: str, named: dict[str, Any]) -> None:
    assert asked(trusting(library()), method, **named).json() == EMMA


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("accept", ["application/json", "application/json, text/event-stream"])
@pytest.mark.parametrize(
    "named",
    [
        {"query": "{ books { title } }"},
        {"query": f"{BOOK} "},
        {"query": f"{BOOK} query Other {{ books {{ title }} }}", "operationName": "Other"},
        {"query": "{ __schema { types { name } } }"},
        {"query": "{ books { title } }", "documentId": f"sha256:{BOOK_ID}"},
        {"query": "{ books { title } }", "extensions": apollo(BOOK_ID)},
        {"documentId": "sha256:" + "0" * 64},
        {"documentId": "nothing"},
        {"extensions": apollo("0" * 64)},
    ],
)
def test_any_other_is_refused_and_reaches_no_subgraph(
    method: str, accept: str, named: dict[str, Any]
) -> None:
    federation = library()

    reply = asked(trusting(federation), method, accept=accept, **named)

    assert codes(reply) == ["DOCUMENT_NOT_TRUSTED"]
    assert "data" not in reply.json()
    assert federation.request_count() == 0


def test_a_refused_document_is_not_answered_as_an_event_either() -> None:
    reply = asked(trusting(library()), accept="text/event-stream", query="{ books { title } }")

    assert "DOCUMENT_NOT_TRUSTED" in reply.text
    assert "title" not in reply.text


def test_the_newer_type_has_a_status_for_it() -> None:
    reply = asked(trusting(library()), accept="application/graphql-response+json", documentId="nothing")

    assert reply.status_code == 400


def test_a_trusted_mutation_is_not_executed_by_get() -> None:
    reply = asked(trusting(library()), "GET", documentId=f"sha256:{ADD_ID}")

    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"documentId": ""},
        {"documentId": 1},
        {"query": "", "documentId": None},
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"persistedQuery": {"sha256Hash": {}}}},
        {"query": 1, "documentId": BOOK_ID},
    ],
)
def test_a_request_that_names_no_document_is_a_bad_one(named: dict[str, Any]) -> None:
    reply = asked(trusting(library()), **named)

    assert (reply.status_code, codes(reply)) == (400, ["BAD_REQUEST"])


def test_without_a_manifest_documents_are_not_known_by_ids() -> None:
    federation = library()
    app = create_app(federation.supergraph, federation.settings, federation)

    assert codes(asked(app, documentId=BOOK_ID)) == ["BAD_REQUEST"]
    assert asked(app, query=BOOK, extensions=apollo("of another")).json() == EMMA


def test_with_another_manifest_a_document_that_was_answered_before_is_refused() -> None:
    app = trusting(library())
    before = asked(app, query=BOOK)
    asyncio.run(app.trust(TrustedDocuments({ADD_ID: ADD})))

    assert before.json() == EMMA
    assert codes(asked(app, query=BOOK)) == ["DOCUMENT_NOT_TRUSTED"]
    assert codes(asked(app, documentId=BOOK_ID)) == ["DOCUMENT_NOT_TRUSTED"]


def test_another_supergraph_trusts_the_same_documents() -> None:
    federation = library()
    app = trusting(federation)
    asyncio.run(app.serve(federation.supergraph))

    assert asked(app, documentId=BOOK_ID).json() == EMMA
    assert codes(asked(app, query="{ books { title } }")) == ["DOCUMENT_NOT_TRUSTED"]


# --- manifests ------------------------------------------------------------------------------------------------------


def test_apollos_form_is_read_too() -> None:
    operation = {"id": BOOK_ID, "name": "Book", "type": "query", "body": BOOK}
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]}

    assert asked(trusting(library(), manifest), extensions=apollo(BOOK_ID)).json() == EMMA


@pytest.mark.parametrize("document_id", ["Book", "9" * 32, f"sha256:{BOOK_ID}"])
def test_ids_of_other_kinds_are_taken_as_they_are(document_id: str) -> None:
    assert read_manifest(written({document_id: BOOK})).text(document_id) == BOOK


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"{}", "is empty"),
        (written({BOOK_ID: 1}), "all of them strings"),
        (written({BOOK_ID: ""}), "all of them strings"),
        (written({BOOK_ID: ADD}), f"{BOOK_ID} is not the SHA-256 of its text"),
        (written({"format": "apollo-persisted-query-manifest"}), "of version 1"),
        (
            written({"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}),
            "of version 1",
        ),
        (
            written({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [1]}),
            "all of them strings",
        ),
    ],
)
def test_a_broken_manifest_is_told_in_one_sentence(content: bytes, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_manifest(content)

    assert len(str(caught.value).splitlines()) == 1


def test_an_empty_text_is_never_trusted() -> None:
    with pytest.raises(DocumentNotTrusted):
        TrustedDocuments({BOOK_ID: BOOK}).check("")
