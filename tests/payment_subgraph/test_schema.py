"""The schema as it is printed, and the catalogue of codes."""

import ast
import json
from pathlib import Path

import pytest
from graphql import build_ast_schema, parse

from payment_subgraph import errors, refusals
from payment_subgraph.commands import create_command
from payment_subgraph.payment import CaptureMethod
from payment_subgraph.schema import sdl

ROOT = Path(__file__).parents[2]
CATALOGUE = json.loads((ROOT / "schema" / "error_codes.json").read_text())
SHAREABLE = {"FieldError", "ValidationError", "NotFoundError", "RateLimitedError", "PageInfo"}


def codes(kind: type[errors.ServiceError]) -> set[str]:
    found = (
        {kind.__dict__["code"]}
        if "code" in kind.__dict__ and isinstance(kind.__dict__["code"], str)
        else set()
    )
    return found.union(*(codes(one) for one in kind.__subclasses__()))


def test_every_code_of_the_tree_is_in_the_catalogue() -> None:
    missing = codes(errors.ServiceError) - set(CATALOGUE)

    assert missing == set()
    assert len(codes(errors.ServiceError)) == 17


@pytest.mark.parametrize(
    "file", ["commands.py", "money.py", "use_cases.py", "refusals.py", "method_choice.py"]
)
def test_every_code_of_a_flaw_is_in_the_catalogue(file: str) -> None:
    tree = ast.parse((ROOT / "payment_subgraph" / file).read_text())
    flaws = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Flaw"
    ]
    named = {node.args[1].value for node in flaws if isinstance(node.args[1], ast.Constant)}
    named |= {code for code, _ in refusals._TOLD.values()}

    assert flaws
    assert named - set(CATALOGUE) == set()


def test_federation_is_of_the_version_that_composes() -> None:
    assert "https://specs.apollo.dev/federation/v2.9" in sdl()


def test_value_types_shared_with_other_subgraphs_are_shareable() -> None:
    document = parse(sdl())
    marked = {
        node.name.value
        for node in document.definitions
        if any(directive.name.value == "shareable" for directive in getattr(node, "directives", None) or ())
    }

    assert marked == SHAREABLE


def test_every_error_type_implements_the_interface() -> None:
    schema = build_ast_schema(parse(sdl()), assume_valid_sdl=True)
    interface = schema.type_map["Error"]

    for name, kind in schema.type_map.items():
        if name.endswith("Error") and name not in ("Error", "FieldError"):
            assert interface in kind.interfaces, name  # type: ignore[attr-defined]


def test_what_crosses_to_another_subgraph_is_nullable() -> None:
    printed = sdl()

    assert "  user: User\n" in printed
    assert "): PaymentConnection @requiresScopes" in printed
    assert "  paymentMethods: [PaymentMethod!] @requiresScopes" in printed


def test_a_command_is_checked_whole() -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        create_command(
            client_key="",
            owner_id="u",
            amount=("0", "EUR"),
            reference="r" * 256,
            description=None,
            capture_method=CaptureMethod.AUTOMATIC,
            payment_method_id=None,
            confirm=True,
            return_url=None,
            metadata=[("", "v")],
        )

    assert [flaw.code for flaw in refused.value.flaws] == [
        "REQUIRED",
        "AMOUNT_NOT_POSITIVE",
        "TOO_LONG",
        "REQUIRED",
        "REQUIRED",
    ]
