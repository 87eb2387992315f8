"""Who may have what: the rules that `@authenticated`, `@requiresScopes` and `@policy` make of a supergraph.

Pure. A *demand* is one thing a caller must have; a coordinate (type, field) can make several, and all must be met.
What a caller lacks is judged once for a request, against the demands the operation touches; the fields that are
denied for it are left out of the plan (`selection.py`) and answered null with an error (`response.py`).
docs/decisions/0008-authorization-by-rewriting.md says how the rules are read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from gateway.errors import Unauthorized

Alternatives = frozenset[frozenset[str]]
"""One set of names is enough, but all of it: `[["a"], ["b", "c"]]` is "a, or b and c"."""
Coordinate = tuple[str, str]
"""(type, field)"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as a verified access token says it."""

    is_authenticated: bool = False
    scopes: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()


ANONYMOUS = Caller()


SCOPES, POLICIES = "scopes", "policies"


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing a caller must have: to be known, or all names of one of the *alternatives*."""

    kind: str
    """`authenticated`, `scopes` or `policies`"""
    alternatives: Alternatives = frozenset()

    def is_met_by(self, caller: Caller) -> bool:
        if self.kind == "authenticated":
            return caller.is_authenticated
        held = caller.scopes if self.kind == SCOPES else caller.policies
        return any(names <= held for names in self.alternatives)


AUTHENTICATED = Demand("authenticated")

Demands = frozenset[Demand]
NONE: Demands = frozenset()


def lacking(touched: Demands, caller: Caller) -> Demands:
    """What *caller* does not have of the demands an operation touches."""
    return frozenset(each for each in touched if not each.is_met_by(caller))


@dataclass(frozen=True, slots=True)
class Touched:
    """What one operation may meet, whatever its variables say."""

    demands: Demands = NONE
    of_nodes: Mapping[int, Demands] = field(default_factory=dict)
    """id of a field node -> what the interface it is written on demands, besides what the object's type does."""


@dataclass(frozen=True)
class Authorization:
    """The demands of a whole supergraph."""

    of_fields: Mapping[Coordinate, Demands] = field(default_factory=dict)
    """Of fields of object types: everything that must be met before the field may be asked of such an object."""
    of_types: Mapping[str, Demands] = field(default_factory=dict)
    """Of object types: what must be met before an object may be seen at all."""
    of_interfaces: Mapping[Coordinate, Demands] = field(default_factory=dict)
    """Of fields of interfaces, where they are asked on the interface."""
    guarded: Mapping[Coordinate, tuple[str, ...]] = field(default_factory=dict)
    """Fields of object types that return an abstract type -> the types it can be, if each of them demands something."""
    possible: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Type -> the object types it can be, also those no client knows."""
    _known: dict[tuple[Coordinate, str], Demands] = field(default_factory=dict, init=False, repr=False)

    @property
    def is_empty(self) -> bool:
        return not (self.of_fields or self.of_types or self.of_interfaces)

    def touched_by(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        schema: GraphQLSchema,
    ) -> Touched:
        """Every demand an object or field that *operation* can reach may make."""
        if self.is_empty:
            return Touched()
        finder = _FieldFinder(TypeInfo(schema))
        for definition in _reached(operation, fragments):
            finder.look_into(definition)
        demands = NONE.union(*(self._known_around(*each) for each in finder.fields))
        of_nodes = ((id(node), self._on_interface(at)) for node, at in finder.nodes)
        return Touched(demands, {node: found for node, found in of_nodes if found})

    def _known_around(self, at: Coordinate, returned: str) -> Demands:
        if (at, returned) not in self._known:
            self._known[at, returned] = self._around(at, returned)
        return self._known[at, returned]

    def _around(self, at: Coordinate, returned: str) -> Demands:
        """What asking a field can come upon: on any object that may have it, and in the objects it returns."""
        holders = self.possible.get(at[0], ())
        of_field = (self.of_fields.get((each, at[1]), NONE) for each in holders)
        of_types = (self.of_types.get(each, NONE) for each in (*holders, *self.possible.get(returned, ())))
        return self._on_interface(at).union(*of_field, *of_types)

    def _on_interface(self, at: Coordinate) -> Demands:
        return self.of_interfaces.get(at, NONE)


def _reached(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[OperationDefinitionNode | FragmentDefinitionNode]:
    """The operation and each fragment it spreads, however deep, once."""
    yield operation
    seen: set[str] = set()
    waiting = [operation.selection_set]
    while waiting:
        for name in _spreads(waiting.pop()):
            if name not in seen:
                seen.add(name)
                yield fragments[name]
                waiting.append(fragments[name].selection_set)


def _spreads(selection_set: SelectionSetNode) -> Iterator[str]:
    inner = [selection_set]
    while inner:
        for node in inner.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                yield node.name.value
            elif getattr(node, "selection_set", None):
                inner.append(node.selection_set)  # type: ignore[attr-defined]  # looked up on the line before


class _FieldFinder(Visitor):
    """Collects the fields of a document with the types they are written on."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.fields: set[tuple[Coordinate, str]] = set()
        """(coordinate, the named type it returns)"""
        self.nodes: list[tuple[FieldNode, Coordinate]] = []
        self._types = types

    def look_into(self, definition: OperationDefinitionNode | FragmentDefinitionNode) -> None:
        visit(definition, TypeInfoVisitor(self._types, self))

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent, returned = self._types.get_parent_type(), self._types.get_type()
        assert parent is not None  # noqa: S101 — the operation is valid
        assert returned is not None  # noqa: S101
        at = (parent.name, node.name.value)
        self.fields.add((at, get_named_type(returned).name))
        self.nodes.append((node, at))


class Denials:
    """What of one operation a caller is denied.

    Fails closed: a demand that is not among those known to be met counts as lacking.
    """

    def __init__(self, authorization: Authorization, touched: Touched, lacking: Demands) -> None:
        self._authorization = authorization
        self._of_nodes = touched.of_nodes
        self._met = touched.demands - lacking

    def of_type(self, type_name: str) -> Unauthorized | None:
        """Why an object of *type_name* may not be seen; None: it may."""
        return _denial(self._authorization.of_types.get(type_name, NONE) - self._met)

    def of_field(self, type_name: str, nodes: Sequence[FieldNode]) -> Unauthorized | None:
        """Why a field of *type_name*, merged from *nodes*, may not be asked; None: it may.

        A field on an interface obeys the interface and the object's own type.
        """
        at = (type_name, nodes[0].name.value)
        of_nodes = (self._of_nodes.get(id(node), NONE) for node in nodes)
        demands = self._authorization.of_fields.get(at, NONE).union(*of_nodes)
        return _denial(demands - self._met) or self._of_all(self._authorization.guarded.get(at, ()))

    def _of_all(self, types: tuple[str, ...]) -> Unauthorized | None:
        """Nobody needs to ask for objects of which none may be seen."""
        denials = [self.of_type(each) for each in types]
        return denials[0] if denials and all(denials) else None


def _denial(missing: Demands) -> Unauthorized | None:
    if not missing:
        return None
    scopes = sorted(sorted(map(sorted, each.alternatives)) for each in missing if each.kind == SCOPES)
    return Unauthorized(is_anonymous=AUTHENTICATED in missing, required_scopes=scopes[0] if scopes else None)
