"""How an operation is measured before it is validated, and an answer while it is made."""

import pytest
from graphql import GraphQLSyntaxError, parse

from payment_subgraph.errors import QueryTooComplex
from payment_subgraph.limits import (
    MAX_ALIASES,
    MAX_DEFINITIONS,
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_ROOT_FIELDS,
    check_items,
    check_size,
)
from payment_subgraph.parsing import MAX_CHARACTERS, MAX_COMMENTS, MAX_TOKENS, parsed
from payment_subgraph.schema import SCHEMA
from payment_subgraph.schema.answer_size import MAX_VALUES
from payment_subgraph.schema.prepared_document import MAX_REMEMBERED_CHARACTERS, PreparedDocuments
from tests.payment_subgraph.world import ADA, World

HALF = MAX_FIELDS // 2


@pytest.mark.parametrize(
    ("within", "beyond", "message"),
    [
        ("{ " + "a " * (MAX_TOKENS - 2) + "}", "{ " + "a " * (MAX_TOKENS - 1) + "}", "tokens"),
        ("#\n" * MAX_COMMENTS + "{ a }", "#\n" * MAX_COMMENTS + "{ a } #", "comments"),
        ("{ a }" + " " * (MAX_CHARACTERS - 5), "{ a }" + " " * (MAX_CHARACTERS - 4), "code points"),
        ("{ a" * 100 + " }" * 100, "{ a" * 300 + " }" * 300, "nested too deeply"),
    ],
)
def test_a_text_is_bounded_before_anything_is_built_of_it(within: str, beyond: str, message: str) -> None:
    assert parsed(within).definitions
    with pytest.raises(QueryTooComplex, match=message):
        parsed(beyond)


def test_what_is_no_graphql_is_a_syntax_error() -> None:
    with pytest.raises(GraphQLSyntaxError):
        parsed("{ a")


def doubled(levels: int) -> str:
    """2^levels fields."""
    fragments = [f"fragment F{n} on T {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return f"{{ ...F0 }} {' '.join(fragments)} fragment F{levels} on T {{ a }}"


def spelled(count: int, text: str) -> str:
    return " ".join(text.format(number) for number in range(count))


@pytest.mark.parametrize(
    ("within", "beyond", "message"),
    [
        ("{ a " * MAX_DEPTH + "}" * MAX_DEPTH, "{ a " * (MAX_DEPTH + 1) + "}" * (MAX_DEPTH + 1), "deep"),
        (f"{{ a {{ {'b ' * (MAX_FIELDS - 1)} }} }}", f"{{ a {{ {'b ' * MAX_FIELDS} }} }}", "many fields"),
        (f"{{ a {{ {'...{b} ' * (HALF - 1)} }} }}", f"{{ a {{ {'...{b} ' * HALF} }} }}", "many fields"),
        (doubled(5), doubled(20), "many fields"),
        ("{ ...F } fragment F on T { ...F }", doubled(20).replace("{ a }", "{ ...G }"), "many fields"),
        (
            f"{{ a {{ {spelled(MAX_ALIASES, 'a{}: b')} }} }}",
            f"{{ a {{ {spelled(MAX_ALIASES + 1, 'a{}: b')} }} }}",
            "many aliases",
        ),
        (
            f"{{ {spelled(MAX_ROOT_FIELDS, 'a{}')} }}",
            f"{{ {spelled(MAX_ROOT_FIELDS + 1, 'a{}')} }}",
            "many root fields",
        ),
        (
            spelled(MAX_DEFINITIONS, "query Q{} {{ a }}"),
            spelled(MAX_DEFINITIONS + 1, "query Q{} {{ a }}"),
            "many operations and fragments",
        ),
        (
            "{ __schema { a } __type { a } _service { a } }",
            "{ ...F _service { a } } fragment F on Query { a: __schema { a } b: __schema { a } c: __schema { a } }",
            "many descriptions",
        ),
    ],
)
def test_a_document_is_measured_with_its_fragments_written_out(
    within: str, beyond: str, message: str
) -> None:
    check_size(parse(within))
    with pytest.raises(QueryTooComplex, match=message):
        check_size(parse(beyond))


def test_pages_multiply_what_is_below_them() -> None:
    document = parse(
        "query ($n: Int) { payments(first: 100) { nodes { refunds(first: $n) { nodes { a } } } } }"
    )

    check_items(document, {"n": 100})
    with pytest.raises(QueryTooComplex, match="many list items"):
        check_items(document, {"n": 1000})


@pytest.mark.anyio
async def test_good_documents_are_remembered_and_bad_ones_are_not() -> None:
    documents = PreparedDocuments(SCHEMA._schema)

    good = [await documents.prepared("{ __typename }") for _ in range(2)]
    bad = [await documents.prepared("{ nothing }") for _ in range(2)]

    assert good[0] is good[1]
    assert bad[0] is not bad[1]
    assert bad[0].errors


@pytest.mark.anyio
async def test_the_documents_least_recently_used_are_forgotten() -> None:
    documents = PreparedDocuments(SCHEMA._schema)
    padding = " " * (MAX_REMEMBERED_CHARACTERS // 4)
    first = await documents.prepared("{ __typename }")
    second = await documents.prepared("{ b: __typename }" + padding)

    for name in "cd":
        await documents.prepared(f"{{ {name}: __typename }}" + padding)
        assert await documents.prepared("{ __typename }") is first
    await documents.prepared("{ e: __typename }" + padding)

    assert await documents.prepared("{ __typename }") is first
    assert await documents.prepared("{ b: __typename }" + padding) is not second


@pytest.mark.anyio
async def test_fields_to_compare_with_each_other_are_bounded() -> None:
    documents = PreparedDocuments(SCHEMA._schema)

    def equal(count: int) -> str:
        return "{ payments { " + "nodes { id } " * count + "} }"

    assert (await documents.prepared(equal(20))).errors == []
    with pytest.raises(QueryTooComplex, match="too many fields of the same name"):
        await documents.prepared(equal(200))


@pytest.mark.anyio
async def test_an_answer_is_bounded_by_what_is_there_and_not_by_what_could_be(small_world: World) -> None:
    """The same customer a hundred times is one who is found a hundred times."""
    for _ in range(10):
        await small_world.create()
    query = """query ($r: [_Any!]!) { _entities(representations: $r) { ... on User {
      payments(first: 100) { nodes { %s } } } } }"""
    many = " ".join(f"a{n}: id" for n in range(MAX_VALUES // 1000))
    me = [{"__typename": "User", "id": ADA.id}] * 100

    small = await small_world.ask(query % "id", ADA, r=me)
    large = await small_world.ask(query % many, ADA, r=me)

    assert "errors" not in small
    assert {error["extensions"]["code"] for error in large["errors"]} == {"QUERY_TOO_COMPLEX"}


def through_fragments(count: int, deep: int, opening: str) -> str:
    """So many fragments in a row, each so deep."""
    names = [f"...F{number}" for number in range(1, count)] + ["__typename"]
    bodies = [f"{opening} {{ " * deep + name + " }" * deep for name in names]
    fragments = (f"fragment F{number} on Query {{ {body} }}" for number, body in enumerate(bodies))
    return " ".join(["{ ...F0 }", *fragments])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "text",
    [through_fragments(3, 190, "a"), through_fragments(3, 150, "..."), through_fragments(6, 80, "...")],
)
async def test_what_is_deep_through_its_fragments_is_refused(small_world: World, text: str) -> None:
    answer = await small_world.ask(text, None)

    assert answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"
