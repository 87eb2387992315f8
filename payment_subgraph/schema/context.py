"""What a resolver gets from its request."""

from dataclasses import dataclass, field
from typing import Any

import strawberry

from payment_subgraph.books import Books
from payment_subgraph.customers import Customers
from payment_subgraph.loaders import Loaders
from payment_subgraph.open_streams import OpenStreams
from payment_subgraph.outbox import Outbox
from payment_subgraph.pages import Pages
from payment_subgraph.saved_methods import SavedMethods
from payment_subgraph.syncing import Syncing
from payment_subgraph.timeline import Timeline
from payment_subgraph.turns import Turns
from payment_subgraph.use_cases import UseCases
from payment_subgraph.viewer import Viewer
from payment_subgraph.watching import Watching


@dataclass(slots=True)
class Context:
    """One per request. *operation_name* is what the request named, if it named one.

    *started* turns True when execution begins: errors before it are the document's.
    """

    viewer: Viewer
    pages: Pages
    books: Books
    use_cases: UseCases
    syncing: Syncing
    outbox: Outbox
    timeline: Timeline
    customers: Customers
    saved_methods: SavedMethods
    turns: Turns
    operation_name: str | None = None
    unusual: bool = False
    """Whether it costs more than most: a document never met before, or a large request. Then it waits for its turn."""
    started: bool = False
    representations: int = 0
    """How many entities this request has asked for by key."""
    values: int = 0
    """How many values its answer holds so far, about."""
    fields_below: dict[int, int] = field(default_factory=dict)
    """See `answer_size`."""
    watching: Watching = field(kw_only=True)
    streams: OpenStreams = field(kw_only=True)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Load anew from here on: a mutation has changed what was loaded before it."""
        self.loaders = Loaders(self.pages, self.books, self.timeline, self.saved_methods.repository)

    def begin_event(self, loaders: Loaders) -> None:
        """Each event of a subscription is an answer of its own."""
        self.loaders, self.values = loaders, 0


Info = strawberry.Info[Context, Any]
