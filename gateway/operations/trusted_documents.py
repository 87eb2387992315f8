"""The documents that a manifest lists, for gateways that answer nothing else.

Two forms are read, as tools write them: an object of `document id: text` (GraphQL Code Generator and others), and
Apollo's, `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": …, "body": …}]}`. An id is
the SHA-256 of the text in hexadecimal; ids of another kind are taken as they are.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson

from gateway.errors import DocumentNotTrusted, SettingsError

APOLLO = "apollo-persisted-query-manifest"
PREFIX = "sha256:"
"""How GraphQL over HTTP writes the id of a document that is its SHA-256."""


class TrustedDocuments:
    def __init__(self, texts: Mapping[str, str]) -> None:
        """*texts*: by document id."""
        self._texts = texts
        self._known = frozenset(texts.values())

    def check(self, text: str) -> None:
        """Raises DocumentNotTrusted for any text but those of the manifest, letter by letter."""
        if text not in self._known:
            raise DocumentNotTrusted

    def text(self, document_id: str) -> str:
        """Raises DocumentNotTrusted for an id that is not in the manifest."""
        found = self._texts.get(document_id.removeprefix(PREFIX))
        if found is None:
            raise DocumentNotTrusted
        return found


def read_manifest(content: bytes) -> TrustedDocuments:
    """Raises SettingsError, with one sentence about what is wrong."""
    try:
        manifest = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise SettingsError(f"The manifest of trusted documents is not JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise SettingsError("The manifest of trusted documents must be a JSON object")
    documents = _apollo_documents(manifest) if manifest.get("format") == APOLLO else manifest.items()
    texts = dict(_checked(documents))
    if not texts:
        raise SettingsError("The manifest of trusted documents is empty, so nothing would be answered")
    return TrustedDocuments(texts)


def _apollo_documents(manifest: Mapping[str, Any]) -> Iterable[tuple[Any, Any]]:
    operations = manifest.get("operations")
    if manifest.get("version") != 1 or not isinstance(operations, list):
        raise SettingsError(f"The manifest of trusted documents is no {APOLLO} of version 1")
    return (
        (each.get("id"), each.get("body")) if isinstance(each, dict) else (None, None) for each in operations
    )


def _checked(documents: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, str]]:
    for document_id, text in documents:
        if not (isinstance(document_id, str) and document_id and isinstance(text, str) and text):
            raise SettingsError(
                "The manifest of trusted documents must hold texts by their ids, all of them strings"
            )
        plain_id = document_id.removeprefix(PREFIX)
        if _is_sha256(plain_id) and plain_id != sha256(text.encode()).hexdigest():
            raise SettingsError(
                f"In the manifest of trusted documents, {plain_id} is not the SHA-256 of its text"
            )
        yield plain_id, text


def _is_sha256(document_id: str) -> bool:
    return len(document_id) == 64 and all(each in "0123456789abcdef" for each in document_id)
