"""What answers clients at the moment: all that is made of one supergraph and one manifest, and replaced together."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.pipeline import Pipeline
from gateway.subgraphs.readiness import Readiness
from gateway.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class Serving:
    pipeline: Pipeline
    subscriptions: Subscriptions
    readiness: Readiness


Current = Callable[[], Serving]
"""Gives what serves at the moment."""
