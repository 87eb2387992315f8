"""Supergraphs in which a short operation has very many plans, and such operations."""

from collections.abc import Iterable

from gateway.supergraph.model import Supergraph
from gateway.supergraph.reader import load_supergraph


def _graphs(count: int) -> str:
    values = (f'S{n} @join__graph(name: "s{n}", url: "http://s{n}")' for n in range(count))
    return f"enum join__Graph {{ {' '.join(values)} }}"


def _in_all(count: int, directive: str, rest: str = "") -> str:
    return " ".join(f"@{directive}(graph: S{n}{rest})" for n in range(count))


def _nested(inner: str, leaf: str, levels: int) -> str:
    for _ in range(levels):
        leaf = inner.replace("%", leaf)
    return leaf


def interfaces(graphs: int, types: int) -> Supergraph:
    """An interface, and a union, of many types; each subgraph has every type and two fields of its own on it."""
    fields = " ".join(
        f"f{n}: Int @join__field(graph: S{n}) n{n}: Node @join__field(graph: S{n})" for n in range(graphs)
    )
    placed, entity = _in_all(graphs, "join__type"), _in_all(graphs, "join__type", ', key: "id"')
    implements = _in_all(graphs, "join__implements", ', interface: "Node"')
    objects = (
        f"type T{n} implements Node {entity} {implements} {{ id: ID! {fields} }}" for n in range(types)
    )
    members = " ".join(_in_all(graphs, "join__unionMember", f', member: "T{n}"') for n in range(types))
    return load_supergraph(
        f"{_graphs(graphs)} type Query @join__type(graph: S0) {{ node: Node union: Any }}"
        f" interface Node {placed} {{ id: ID! {fields} }} {' '.join(objects)}"
        f" union Any {placed} {members} = {' | '.join(f'T{n}' for n in range(types))}"
    )


def chained_requires(graphs: int) -> Supergraph:
    """Each subgraph's field requires that of the one before; every subgraph leads to other things."""
    fields = [f"r0: Int @join__field(graph: S0) {_external('r0', 1)}"]
    fields += [
        f'r{n}: Int @join__field(graph: S{n}, requires: "r{n - 1}") {_external(f"r{n}", n + 1) if n + 1 < graphs else ""}'
        for n in range(1, graphs)
    ]
    fields += [f"c{n}: Thing @join__field(graph: S{n})" for n in range(graphs)]
    return _things(graphs, _in_all(graphs, "join__type", ', key: "id"'), ["id: ID!", *fields])


def _external(_name: str, graph: int) -> str:
    return f"@join__field(graph: S{graph}, external: true)"


def chained_keys(graphs: int) -> Supergraph:
    """Neighbours share a key, so that the way to a far subgraph leads through all between."""
    each = range(graphs)
    keys = " ".join(
        f'@join__type(graph: S{n}, key: "k{n}") @join__type(graph: S{n}, key: "k{n + 1}")' for n in each
    )
    owners = (
        f"k{n}: ID! " + " ".join(f"@join__field(graph: S{of})" for of in (n - 1, n) if of in each)
        for n in range(graphs + 1)
    )
    fields = (f"v{n}: Int @join__field(graph: S{n}) c{n}: Thing @join__field(graph: S{n})" for n in each)
    return _things(graphs, keys, [*owners, *fields])


def shared_parts(graphs: int) -> Supergraph:
    """An object that is no entity, of which every subgraph has another part."""
    parts = " ".join(f"v{n}: Int @join__field(graph: S{n})" for n in range(graphs))
    part = f" type Part {_in_all(graphs, 'join__type')} {{ {parts} part: Part }}"
    return _things(
        graphs,
        _in_all(graphs, "join__type", ', key: "id"'),
        ["id: ID! part: Part thing: Thing"],
        part,
    )


def _things(graphs: int, keys: str, fields: Iterable[str], rest: str = "") -> Supergraph:
    return load_supergraph(
        f"{_graphs(graphs)} type Query @join__type(graph: S0) {{ thing: Thing }}"
        f" type Thing {keys} {{ {' '.join(fields)} }}{rest}"
    )


def explosions() -> dict[str, tuple[Supergraph, str]]:
    """Name -> (supergraph, operation): each would take seconds to hours to plan to the end."""
    many = interfaces(graphs=8, types=40)
    leaves = " ".join(f"f{n}" for n in range(8))
    twice = " ".join(
        f"n{n} {{ {leaves} {' '.join(f'n{m} {{ {leaves} }}' for m in range(8))} }}" for n in range(8)
    )
    by_type = " ".join(f"... on T{n} {{ {leaves} n{n % 8} {{ {leaves} }} }}" for n in range(40))
    parts = " ".join(f"v{n}" for n in range(8))
    far = " ".join(f"c{n} {{ r23 {' '.join(f'c{m} {{ r23 }}' for m in range(24))} }}" for n in range(24))
    keys = " ".join(
        f"c{n} {{ v0 v15 {' '.join(f'c{m} {{ v0 v15 }}' for m in range(16))} }}" for n in range(16)
    )
    return {
        "deep interface": (many, f"{{ node {{ {_nested(f'{leaves} n0 {{ % }} n3 {{ id f1 }}', leaves, 15)} }} }}"),
        "wide interface": (many, f"{{ node {{ {leaves} {twice} }} }}"),
        "union": (many, f"{{ union {{ {by_type} }} }}"),
        "chained requires": (chained_requires(24), f"{{ thing {{ {far} }} }}"),
        "chained keys": (chained_keys(16), f"{{ thing {{ {keys} }} }}"),
        "shared parts": (
            shared_parts(8),
            f"{{ thing {{ {_nested('thing { part { v0 v1 v2 v3 } % }', f'part {{ {parts} }}', 20)} }} }}",
        ),
        "deep parts": (
            shared_parts(16),
            "{ thing { part { " + _nested(" ".join(f"v{n}" for n in range(16)) + " part { % }", "v0", 20) + " } } }",
        ),
    }  # fmt: skip
