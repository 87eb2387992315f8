"""What is said of variables that do not fit: enough to put them right, and nothing that was in them."""

from typing import Any

import pytest
from graphql import build_schema, parse
from graphql.execution.values import get_variable_values

from gateway.errors import BadUserInput
from gateway.operations.operation import prepare
from gateway.operations.variables import Variables
from gateway.settings import Limits

API = build_schema("""
  enum Mood { GOOD BAD }
  input Account { email: String! password: String! }
  type Query { register(account: Account, age: Int, mood: Mood, ages: [Int!], id: ID, adult: Boolean, weight: Float): ID }
""")
QUERY = """query ($account: Account, $age: Int, $mood: Mood, $ages: [Int!], $id: ID, $adult: Boolean, $weight: Float) {
  register(account: $account, age: $age, mood: $mood, ages: $ages, id: $id, adult: $adult, weight: $weight) }"""


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"account": {"email": "a@b.c", "password": "hunter2", "phone": "hunter2"}}, "unknown field 'phone'"),
        ({"account": {"password": "hunter2"}}, "required field 'email'"),
        ({"account": {"email": None, "password": "hunter2"}}, "at .email: Expected value of non-null type"),
        ({"account": {"email": ["hunter2"], "password": "hunter2"}}, "at .email"),
        ({"account": "hunter2"}, "to be an object"),
        ({"age": "hunter2"}, "non-integer value"),
        ({"age": {"value: hunter2": "hunter2"}}, "non-integer value"),
        ({"ages": [1, "hunter2"]}, "at [1]"),
        ({"mood": "hunter2"}, "'Mood' enum"),
        ({"mood": ["hunter2"]}, "Mood"),
        ({"id": {"hunter2": 1}}, "ID"),
        ({"adult": "hunter2"}, "Boolean"),
        ({"weight": "hunter2"}, "Float"),
    ],
)
def test_a_refusal_names_the_place_and_not_the_value(variables: dict[str, object], named: str) -> None:
    operation = prepare(QUERY, None, API, Limits())

    with pytest.raises(BadUserInput) as refused:
        operation.variables.coerced(variables)

    assert named in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "None" not in str(refused.value)


WIDE = build_schema("""
  scalar Json
  enum Mood { GOOD BAD }
  input Filter @oneOf { name: String age: Int }
  input Page { size: Int = 10 after: ID mood: Mood = GOOD inner: Page pages: [Page!] need: Boolean! }
  type Query { find(a: Json): ID }
""")
TYPES = [
    *(
        "Int",
        "Int!",
        "ID",
        "ID!",
        "String",
        "Boolean",
        "Float",
        "Json",
        "Json!",
        "Mood",
        "Mood!",
        "Filter",
        "Page",
    ),
    *("[Int]", "[Int!]!", "[[Int]]", "[Page!]", "[Mood!]", "[Filter]", "[Json!]"),
]
VALUES: list[Any] = [
    *(
        None,
        1,
        -(2**31),
        2**31,
        1.0,
        1.5,
        True,
        "",
        "1",
        "GOOD",
        "UGLY",
        [],
        [1],
        [None],
        [[1], None],
        ["GOOD"],
    ),
    *(
        {},
        {"need": True},
        {"need": None},
        {"need": True, "size": None},
        {"need": True, "size": 3, "mood": "BAD"},
    ),
    {
        "need": True,
        "size": 3,
        "mood": "BAD",
        "after": "x",
        "inner": {"need": True, "size": 1, "mood": "GOOD"},
    },
    {"need": True, "size": 3, "mood": "BAD", "inner": {"need": True}, "pages": [{"need": False}]},
    *({"need": True, "pages": {"need": False}}, {"need": 1}, {"need": True, "more": 1}, [{"need": True}]),
    *(
        {"name": "Ada"},
        {"name": "Ada", "age": 3},
        {"name": None},
        {"age": 3.0},
        [{"age": 3}],
        {"x": [1, {"y": None}]},
    ),
]


@pytest.mark.parametrize("default", ["", " = null", " = 3", ' = "x"', " = [1]", " = GOOD", " = {need: true}"])
@pytest.mark.parametrize("declared", TYPES)
def test_variables_are_coerced_as_graphql_core_does_it(declared: str, default: str) -> None:
    if declared.endswith("!") and default == " = null":
        return
    document = parse(f"query ($a: {declared}{default}) {{ find(a: $a) }}")
    (operation,) = document.definitions
    variables = Variables(operation.variable_definitions, WIDE)

    for given in [{}, *({"a": value} for value in VALUES)]:
        expected = get_variable_values(WIDE, operation.variable_definitions, given)
        if isinstance(expected, list):
            with pytest.raises(BadUserInput):
                variables.coerced(given)
        else:
            assert variables.coerced(given) == expected.coerced
