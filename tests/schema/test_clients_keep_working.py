"""A change of the API that would break a client fails here, before the client meets it."""

import re
import subprocess
from collections.abc import Iterator

import pytest
from graphql import build_schema, parse, validate

from schema.__main__ import HERE, ROOT
from tests.schema.breaking_changes import breaking_changes

API = (HERE / "api.graphql").read_text()


def committed_versions() -> Iterator[str]:
    """The API as each commit that touched it left it, newest first; none in a checkout without history."""
    for commit in _git("log", "--format=%H", "--", "schema/api.graphql").split():
        yield _git("show", f"{commit}:schema/api.graphql")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def test_the_api_breaks_nobody_who_used_the_last_committed_one() -> None:
    earlier = next((version for version in committed_versions() if version != API), API)

    assert breaking_changes(earlier, API) == [], "mark it @deprecated and commit that first; then it may go"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("type Query { a: Int b: Int }", "type Query { a: Int }", ["Field Query.b was removed."]),
        (
            "type Query { a: Int! }",
            "type Query { a: Int }",
            ["Field Query.a changed type from Int! to Int."],
        ),
        (
            "type Query { a: Int }",
            "type Query { a(b: Int!): Int }",
            ["A required argument Query.a(b:) was added."],
        ),
    ],
)
def test_a_breaking_change_is_found(before: str, after: str, found: list[str]) -> None:
    assert breaking_changes(before, after) == found


def test_a_field_may_go_once_it_was_deprecated() -> None:
    before = 'type Query { a: Int b: Int @deprecated(reason: "Use a. Removal after 2027-03-01.") }'

    assert breaking_changes(before, "type Query { a: Int }") == []


def test_an_enum_value_may_go_once_it_was_deprecated() -> None:
    before = "type Query { mood: Mood } enum Mood { GOOD BAD SO_SO @deprecated }"

    assert breaking_changes(before, "type Query { mood: Mood } enum Mood { GOOD BAD }") == []
    assert breaking_changes(before, "type Query { mood: Mood } enum Mood { GOOD SO_SO @deprecated }") != []


def test_a_field_may_not_go_because_one_of_a_similar_name_was_deprecated() -> None:
    before = "type Query { pay: Int @deprecated payments: Int id: Int }"

    assert breaking_changes(before, "type Query { id: Int }") == ["Field Query.payments was removed."]


def readme_operations() -> list[str]:
    return re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def frontend_operations() -> list[str]:
    return [file.read_text() for file in sorted((ROOT / "frontend" / "src").rglob("*.graphql"))]


def test_readme_and_frontend_have_operations_to_check() -> None:
    assert readme_operations()
    assert frontend_operations()


@pytest.mark.parametrize("operation", [*readme_operations(), *frontend_operations()])
def test_an_operation_we_publish_is_valid(operation: str) -> None:
    assert validate(build_schema(API), parse(operation)) == []
