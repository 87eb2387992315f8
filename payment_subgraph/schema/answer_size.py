"""How large an answer grows, counted while it is made: what was asked for says only how large it could become."""

from typing import Final

from payment_subgraph.errors import QueryTooComplex
from payment_subgraph.limits import fields_below
from payment_subgraph.schema.context import Info

MAX_VALUES: Final = 50_000
"""About half a second, in which nobody else is answered."""
_VALUES_OF_A_ROW: Final = 8
"""What a row costs before any field of it is asked for."""


def count_rows(info: Info, rows: int) -> None:
    """Raise QueryTooComplex when the page of *rows* that the field gives makes the whole answer too large."""
    info.context.values += rows * (_VALUES_OF_A_ROW + _fields(info))
    if info.context.values > MAX_VALUES:
        raise QueryTooComplex("The answer is too large: ask for fewer fields, or for smaller pages.")


def _fields(info: Info) -> int:
    raw = info._raw_info  # noqa: SLF001 - Strawberry shows selections in another form, which is slow to make
    place = id(raw.field_nodes[0])
    if place not in info.context.fields_below:
        info.context.fields_below[place] = fields_below(raw.field_nodes, raw.fragments)
    return info.context.fields_below[place]
