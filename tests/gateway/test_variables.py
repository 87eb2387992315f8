"""What is said of variables that do not fit: enough to put them right, and nothing that was in them."""

import pytest
from graphql import build_schema

from gateway.errors import BadUserInput
from gateway.operation import coerce_variables, prepare
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
        coerce_variables(operation, variables, API)

    assert named in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "None" not in str(refused.value)
