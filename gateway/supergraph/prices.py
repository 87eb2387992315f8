"""What a supergraph says about the costs of its parts: `@cost` and `@listSize`.

Source: https://ibm.github.io/graphql-specs/cost-spec.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ListSize:
    """`@listSize` of one field."""

    assumed_size: int | None = None
    slicing_arguments: tuple[str, ...] = ()
    """`first`, or `input.first`"""
    sized_fields: frozenset[str] = frozenset()
    """The children that come as often; none: all."""
    requires_one: bool = False
    """Whether exactly one of the slicing arguments must be given."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What the supergraph says about costs. Where it says nothing, `cost.py` knows what holds."""

    types: Mapping[str, int] = field(default_factory=dict)
    """Type -> what a field of that type costs, or an argument or input field: of an interface or union, the most that
    an object of it can."""
    fields: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(type, field) -> what it costs by itself: of an interface, the most that the field of an object type does"""
    arguments: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """(type, field, argument) -> what giving the argument adds"""
    input_fields: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(input type, field) -> what giving the field adds"""
    sizes: Mapping[tuple[str, str], ListSize] = field(default_factory=dict)


NO_PRICES = Prices()
