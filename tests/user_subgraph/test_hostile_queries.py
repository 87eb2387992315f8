"""Operations made to hurt are refused before they cost anything, and what is refused is not remembered."""

from dataclasses import replace

import pytest
from graphql import get_introspection_query

from tests.user_subgraph.service import Service
from tests.work import calls_made


@pytest.fixture
def backend() -> str:
    """The database plays no part here."""
    return "sqlite"


def bomb(levels: int) -> str:
    """2^levels fields: each fragment spreads the next one twice."""
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return f"{{ ...F0 }} {' '.join(fragments)} fragment F{levels} on Query {{ __typename }}"


def deep(levels: int) -> str:
    return "{ users { edges " + "{ node " * levels + "{ id }" + " }" * levels + " } }"


def chain(length: int) -> str:
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(length)]
    return f"{{ ...F0 }} {' '.join(fragments)} fragment F{length} on Query {{ __typename }}"


def deep_chain(levels: int, fragments: int, opening: str) -> str:
    """Fragments, none of them too deep by itself, that lead each other down."""
    return "{ ...F0 } " + " ".join(
        f"fragment F{n} on Query {{ {opening * levels}...F{n + 1}{'}' * levels} }}" for n in range(fragments)
    )


HOSTILE = {
    "a bomb of fragments": bomb(20),
    "a larger bomb": bomb(60),
    "a deep selection": deep(30),
    "a very deep selection": deep(1000),
    "a long chain of fragments": chain(500),
    "a deep chain of fields": deep_chain(50, 14, "a{"),
    "a deep chain of inline fragments": deep_chain(50, 14, "...{"),
    "a deep chain that nobody spreads": "{ __typename } " + deep_chain(50, 14, "a{").partition("} ")[2],
    "many fields that nobody spreads": "{ __typename } fragment A on User { " + "id " * 2400 + "}",
    "many aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(51)) + " }",
    "many fields": "{ " + "__typename " * 501 + "}",
    "many tokens": "{ __typename " + "@skip(if: false) " * 2000 + "}",
    "a nested argument": "{ users(filter: " + "{search: " * 200 + '""' + "}" * 200 + ") { nodes { id } } }",
    "a nested list": "{ users(filter: {status: " + "[" * 300 + "]" * 300 + "}) { nodes { id } } }",
    "aliased logins": "mutation { "
    + " ".join(f'a{n}: login(input: {{email: "a", password: "b"}}) {{ __typename }}' for n in range(6))
    + " }",
    "logins in a fragment": "mutation { ...A } fragment A on Mutation { ... { "
    + " ".join(f'a{n}: login(input: {{email: "a", password: "b"}}) {{ __typename }}' for n in range(6))
    + " } }",
    "fields to compare with each other": "{ " + "me { id } " * 200 + "}",
    "spreads of nothing": "{ ...F } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(20)),
    "the whole schema again and again": "{ "
    + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(9))
    + " }",
    "comments": "#\n" * 1000 + "{ __typename }",
    "a long text": "{ __typename }" + " " * 30_000,
    "many operations": " ".join(f"query Q{n} {{ {'__typename ' * 40} }}" for n in range(200)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_too_complex_and_does_not_explode(service: Service, name: str) -> None:
    refused: list[str] = []

    work = calls_made(lambda: refused.append(service.refusal(HOSTILE[name])["code"]))

    assert refused == ["QUERY_TOO_COMPLEX"]
    assert work < 1_000_000  # twice the work at each fragment would be a million times that


@pytest.mark.parametrize(
    "query",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...A }",
        "{ ...Nowhere }",
        "{ __typename } fragment Unused on Query { __typename }",
        "{ users(first: 1) { nodes { id } } users(first: 2) { nodes { id } } }",
        "{ a: __typename a: me { id } }",
    ],
)
def test_invalid_documents_are_invalid(service: Service, query: str) -> None:
    answer = service.answer(query)

    assert "data" not in answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


def test_the_number_of_validation_errors_is_bounded(service: Service) -> None:
    answer = service.answer("{ " + " ".join(f"nothing{number}" for number in range(90)) + " }")

    assert len(answer["errors"]) <= 11


@pytest.mark.parametrize("levels", [1, 6])
def test_what_stays_within_the_limits_runs(service: Service, levels: int) -> None:
    assert service.data(bomb(levels)) == "Query"


def test_the_usual_introspection_fits(service: Service) -> None:
    assert service.data(get_introspection_query(specified_by_url=True, input_value_deprecation=True))


def test_introspection_can_be_switched_off_and_with_it_every_hint(service: Service) -> None:
    closed = Service(replace(service.settings, introspection=False))

    for query in ("{ __schema { types { name } } }", '{ __type(name: "User") { name } }'):
        errors = closed.answer(query)["errors"]
        assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
    assert closed.data("{ _service { sdl } }") == {"sdl": None}
    hint, no_hint = (which.answer("{ mee { id } }")["errors"][0]["message"] for which in (service, closed))
    assert hint == "Cannot query field 'mee' on type 'Query'. Did you mean 'me'?"
    assert no_hint == "Cannot query field 'mee' on type 'Query'."
    closed.close()


def test_good_documents_are_remembered_and_bad_ones_are_not(service: Service) -> None:
    memory = service.parts.view.operations.memory
    service.answer("{ __typename }")
    service.answer("{ nothing }")

    assert "{ __typename }" in memory
    assert "{ nothing }" not in memory
