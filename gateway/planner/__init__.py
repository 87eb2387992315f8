"""Operation + supergraph -> query plan. Pure: no network, no clock; the same input gives the same plan.

walk.py         which ways there are to get each field, and which combination is cheapest
places.py       where a walk can stand, and what a subgraph resolves there
options.py      one way to get some fields; how ways combine
locations.py    the name every field has inside the gateway
fetch_graph.py  the chosen ways, laid out as fetches that depend on each other
"""

from gateway.planner.plan_operation import plan_operation

__all__ = ["plan_operation"]
