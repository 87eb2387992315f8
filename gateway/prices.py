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


@dataclass(frozen=True, slots=True)
class Prices:
    """What the supergraph says about costs."""

    types: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[tuple[str, str], int] = field(default_factory=dict)
    arguments: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """(type, field, argument) -> what giving the argument adds"""
    sizes: Mapping[tuple[str, str], ListSize] = field(default_factory=dict)


NO_PRICES = Prices()
