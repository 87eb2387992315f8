"""Bodies and queries as Stripe takes them: `a[b][c]=1`, `a[]=x`, `a[0]=x`.

Source: https://docs.stripe.com/api (form-encoded request bodies)
"""

import re
from urllib.parse import parse_qsl

from fake_stripe.api_errors import ValidationError

Raw = str | dict[str, "Raw"]
RawHash = dict[str, Raw]
"""Everything is text or a hash; an array is a hash with the keys "0", "1", …"""

_DEEPEST = 20
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse(encoded: str) -> RawHash:
    """The nested parameters of a form-encoded body or a query."""
    parameters: RawHash = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        _put(parameters, _steps(name), value)
    return parameters


def _steps(name: str) -> list[str]:
    found = _NAME.fullmatch(name)
    if not found:
        raise ValidationError(f"Invalid parameter name: {name}", code="parameter_unknown", param=name)
    steps = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
    if len(steps) > _DEEPEST:
        raise ValidationError(f"Invalid parameter name: more than {_DEEPEST} levels", param=found[1])
    return steps


def _put(parameters: RawHash, steps: list[str], value: str) -> None:
    here = parameters
    for step in steps[:-1]:
        inner = here.setdefault(_key(here, step), {})
        if isinstance(inner, str):
            raise ValidationError("Invalid object", param=steps[0])
        here = inner
    here[_key(here, steps[-1])] = value


def _key(here: RawHash, step: str) -> str:
    """`[]` appends."""
    return step or str(len(here))
