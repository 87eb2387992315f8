"""All hostile requests for one endpoint. Each must be answered soon, in order, and at nobody else's expense."""

from collections.abc import Callable, Iterator

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.bodies import hostile_bodies
from tests.hostile.documents import hostile_documents
from tests.hostile.headers import hostile_headers
from tests.hostile.introspections import hostile_introspections
from tests.hostile.representations import hostile_representations
from tests.hostile.request import HostileRequest
from tests.hostile.selections import hostile_selections
from tests.hostile.values import hostile_values

ATTACKS: tuple[Callable[[AttackedSchema], Iterator[HostileRequest]], ...] = (
    hostile_bodies,
    hostile_headers,
    hostile_documents,
    hostile_selections,
    hostile_introspections,
    hostile_values,
    hostile_representations,
)


def hostile_requests(sdl: str) -> list[HostileRequest]:
    """*sdl*: the schema that the endpoint serves, a client's API or a subgraph's own.

    Names are unique. A schema without circles cannot be asked for 40 levels: what comes out the same is there once.
    """
    schema = AttackedSchema(sdl)
    requests = (request for attack in ATTACKS for request in attack(schema))
    return list({request.wire: request for request in requests}.values())
