"""schema/error_codes.json: the catalogue that clients and services share."""

import json

import pytest

from schema.__main__ import HERE

CATALOGUE = json.loads((HERE / "error_codes.json").read_text())


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_entry_says_where_what_and_whether_to_retry(code: str) -> None:
    entry = CATALOGUE[code]

    assert entry["where"] in {"errors", "data", "field"}
    assert isinstance(entry["retryable"], bool)
    assert entry["meaning"].endswith(".")
