import pytest

from fake_stripe.api_errors import ValidationError
from fake_stripe.form_encoding import parse


def test_brackets_nest():
    assert parse("a=1&b[c]=2&b[d][e]=3&f[]=4&f[]=5&g[0][h]=6") == {
        "a": "1",
        "b": {"c": "2", "d": {"e": "3"}},
        "f": {"0": "4", "1": "5"},
        "g": {"0": {"h": "6"}},
    }


def test_escapes_and_empty_values_are_kept():
    assert parse("metadata%5Bo%C3%B6%5D=a%26b&x=") == {"metadata": {"oö": "a&b"}, "x": ""}


@pytest.mark.parametrize("wrong", ["a[=1", "[a]=1", "a]b=1", "a=1&a[b]=2"])
def test_what_does_not_nest_is_refused(wrong: str):
    with pytest.raises(ValidationError):
        parse(wrong)
