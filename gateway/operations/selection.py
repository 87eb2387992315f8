"""What is selected at one place, merged: fragments inlined, @skip/@include decided, equal fields joined.

A `Selection` answers "which fields does an object of type T give here?", and answers with the same `Field`
object wherever the same nodes are meant, so that two types with the same fields can be seen to have the same.

What the caller may not have is still *asked*, and so stands in the answer, but no longer among the *fields* that are
planned: there its place is taken by `__typename`, which costs nothing and tells the objects it is denied for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NameNode,
    Node,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from gateway.errors import Unauthorized
from gateway.supergraph.authorization import Denials

TYPENAME = "__typename"

Covers = Callable[[str, str], bool]
"""(type condition, object type) -> whether the object fits."""


class Field:
    """One field of the answer (or of a requirement) with everything selected below it."""

    __slots__ = ("_denials", "_nodes", "arguments", "name", "response_key", "selection", "variables")

    def __init__(
        self,
        nodes: tuple[FieldNode, ...],
        selection: "Selection | None" = None,
        denials: Denials | None = None,
    ) -> None:
        node = nodes[0]
        self.name = node.name.value
        self.response_key = node.alias.value if node.alias else self.name
        self.arguments = _print_arguments(node)
        self.variables = frozenset(_walk_variables((*(node.arguments or ()), *_kept_directives(node))))
        self.selection = selection
        self._nodes = nodes
        self._denials = denials

    @property
    def signature(self) -> str:
        """What is asked, apart from the name it is asked under and from what is selected below."""
        return self.name + self.arguments

    def is_open_to(self, types: Iterable[str]) -> bool:
        """Whether the caller may have the field of objects of each of *types*: else it is asked type by type."""
        denials = self._denials
        return denials is None or not any(denials.of_field(each, self._nodes) for each in types)

    def with_selection(self, selection: "Selection") -> "Field":
        """The same field asking for less below."""
        smaller = object.__new__(Field)
        for name in ("_denials", "_nodes", "arguments", "name", "response_key", "variables"):
            setattr(smaller, name, getattr(self, name))
        smaller.selection = selection
        return smaller

    def __repr__(self) -> str:
        return f"Field({self.response_key}: {self.signature})"


@dataclass(eq=False, slots=True)
class Document:
    """What the selections of one operation (or one field set) have in common."""

    covers: Covers
    fragments: Mapping[str, FragmentDefinitionNode] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """The values of the variables that @skip and @include read."""
    denials: Denials | None = None
    """What the caller may not have; None for field sets, whose fields no client sees."""
    merged: dict[tuple[int, ...], Field] = field(default_factory=dict)
    typenames: dict[str, Field] = field(default_factory=dict)

    def field_of(self, nodes: tuple[FieldNode, ...]) -> Field:
        key = tuple(map(id, nodes))
        if key not in self.merged:
            sets = tuple(node.selection_set for node in nodes if node.selection_set)
            self.merged[key] = Field(nodes, Selection(self, sets) if sets else None, self.denials)
        return self.merged[key]

    def typename_as(self, response_key: str) -> Field:
        if response_key not in self.typenames:
            node = FieldNode(name=NameNode(value=TYPENAME), alias=NameNode(value=response_key))
            self.typenames[response_key] = Field((node,))
        return self.typenames[response_key]

    def is_skipped(self, node: SelectionNode) -> bool:
        return any(self._skips(directive) for directive in node.directives or ())

    def _skips(self, directive: DirectiveNode) -> bool:
        name = directive.name.value
        if name not in {"skip", "include"}:
            return False
        value: Any = next(each.value for each in directive.arguments or () if each.name.value == "if")
        is_on = self.conditions.get(value.name.value) if isinstance(value, VariableNode) else value.value
        return bool(is_on) == (name == "skip")


@dataclass(frozen=True, slots=True)
class Selected:
    """What is selected of objects of one type; each mapping by response key, in the order of the answer."""

    asked: Mapping[str, Field]
    fields: Mapping[str, Field]
    """What is planned."""
    denied: Mapping[str, Unauthorized]
    """Why some of what is asked is not."""
    denied_whole: Unauthorized | None = None
    """Why such an object may not be seen at all, where it comes out of a field that may have others as well."""


class Selection:
    """The merged selection sets at one place of an operation."""

    def __init__(self, document: Document, sets: tuple[SelectionSetNode, ...]) -> None:
        self._document = document
        self._sets = sets
        self._by_type: dict[str, Selected] = {}

    def fields(self, type_name: str) -> Mapping[str, Field]:
        """Response key -> field to be planned, in the order of the answer, for an object of *type_name*."""
        return self.of_type(type_name).fields

    def of_type(self, type_name: str) -> Selected:
        if type_name not in self._by_type:
            self._by_type[type_name] = self._collect(type_name)
        return self._by_type[type_name]

    def _collect(self, type_name: str) -> Selected:
        nodes: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in self._sets:
            self._gather(selection_set, type_name, nodes, visited)
        asked = {key: self._document.field_of(tuple(each)) for key, each in nodes.items()}
        denials = self._document.denials
        return self._permitted(type_name, asked, nodes, denials) if denials else Selected(asked, asked, {})

    def _permitted(
        self,
        type_name: str,
        asked: Mapping[str, Field],
        nodes: Mapping[str, Sequence[FieldNode]],
        denials: Denials,
    ) -> Selected:
        reasons = {key: denials.of_field(type_name, each) for key, each in nodes.items()}
        denied = {key: reason for key, reason in reasons.items() if reason}
        typename = self._document.typename_as
        fields = {key: typename(key) if key in denied else each for key, each in asked.items()}
        denied_whole = denials.of_type(type_name)
        if denied_whole and not fields:
            fields[TYPENAME] = typename(TYPENAME)
        return Selected(asked, fields, denied, denied_whole)

    def _gather(
        self,
        selection_set: SelectionSetNode,
        type_name: str,
        nodes: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        for node in selection_set.selections:
            if self._document.is_skipped(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                nodes.setdefault(key, []).append(node)
            else:
                self._gather_fragment(node, type_name, nodes, visited)

    def _gather_fragment(
        self, node: SelectionNode, type_name: str, nodes: dict[str, list[FieldNode]], visited: set[str]
    ) -> None:
        fragment: InlineFragmentNode | FragmentDefinitionNode
        if isinstance(node, FragmentSpreadNode):
            if node.name.value in visited:
                return
            visited.add(node.name.value)
            fragment = self._document.fragments[node.name.value]
        else:
            assert isinstance(node, InlineFragmentNode)  # noqa: S101 — the third and last kind of selection
            fragment = node
        condition = fragment.type_condition
        if condition is None or self._document.covers(condition.name.value, type_name):
            self._gather(fragment.selection_set, type_name, nodes, visited)


class OneField(Selection):
    """A piece of another selection: a single field, for the types that have it."""

    def __init__(self, fields: Mapping[str, Mapping[str, Field]]) -> None:
        self._by_type = {each: Selected(asked, asked, {}) for each, asked in fields.items()}

    def of_type(self, type_name: str) -> Selected:
        return self._by_type.get(type_name, NOTHING)


NOTHING = Selected({}, {}, {})


def _print_arguments(node: FieldNode) -> str:
    arguments = ", ".join(_print(argument) for argument in node.arguments or ())
    directives = "".join(" " + _print(each) for each in _kept_directives(node))
    return (f"({arguments})" if arguments else "") + directives


def _kept_directives(node: FieldNode) -> list[DirectiveNode]:
    """@skip and @include are decided here, other directives are the subgraph's."""
    return [each for each in node.directives or () if each.name.value not in {"skip", "include"}]


def _print(node: Node) -> str:
    """On one line, and independent of how it was written: block strings become plain ones."""
    return " ".join(print_ast(visit(node, _PlainStrings())).split("\n"))


class _PlainStrings(Visitor):
    def enter_string_value(self, node: StringValueNode, *_: Any) -> StringValueNode | None:
        return StringValueNode(value=node.value, block=False) if node.block else None


def _walk_variables(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, VariableNode):
            yield node.name.value
        elif hasattr(node, "value"):
            yield from _walk_variables((node.value,))
        for inner in ("values", "fields", "arguments"):
            yield from _walk_variables(getattr(node, inner, None) or ())
