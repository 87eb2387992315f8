"""Whether fields that share a response name can be merged, in time that grows with the document alone.

graphql-core compares all fields of one response name with each other, so that a document within every limit can take
a second. Here the selection sets that are merged at one place are read together, their fields grouped by response
name, each group compared with its first field, and the children of a whole group merged at once: a field is looked at
once. Only where some fields stand on object types, which exclude each other, and others on an abstract type, which
fits them all, are the latter looked at with each of the former; `COMPARED_FIELDS` bounds that.

Source: https://spec.graphql.org/draft/#sec-Field-Selection-Merging
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLOutputType,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from gateway.errors import TooComplex

COMPARED_FIELDS = 20_000
"""Four times what the limits let a document have, spelled out."""


@dataclass(eq=False, slots=True)
class FieldInSet:
    """A field of one selection set."""

    node: FieldNode
    parent: GraphQLNamedType | None
    type: GraphQLOutputType | None
    """None where the schema has no such field; that is another rule's to say."""

    @property
    def asked(self) -> Hashable:
        """The field's name and arguments."""
        arguments = self.node.arguments or ()
        return self.node.name.value, frozenset((each.name.value, _value(each.value)) for each in arguments)

    @property
    def children(self) -> "Merged":
        inner = self.node.selection_set
        return [(inner, get_named_type(self.type) if self.type else None)] if inner else []


Merged = list[tuple[SelectionSetNode, GraphQLNamedType | None]]
"""Selection sets that are merged at one place, each with the type its fields belong to."""


@dataclass(slots=True)
class SetContent:
    """One selection set with its inline fragments spelled out."""

    fields: list[tuple[str, FieldInSet]]
    """(response name, field)"""
    spreads: list[str]


class LinearOverlappingFieldsRule(ValidationRule):
    """Stands in for graphql-core's OverlappingFieldsCanBeMergedRule. Raises TooComplex beyond `COMPARED_FIELDS`."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._contents: dict[int, SetContent] = {}
        self._checked: set[Hashable] = set()
        self._spread: set[str] = set()
        self._left = COMPARED_FIELDS

    def leave_document(self, node: Any, *_: Any) -> None:
        """Fragments are compared where they are spread; unused ones by themselves."""
        for each in node.definitions:
            if isinstance(each, OperationDefinitionNode):
                root = self.context.schema.get_root_type(each.operation)
                self._check([(each.selection_set, root)], (), names=True, types=True)
        for each in node.definitions:
            if isinstance(each, FragmentDefinitionNode) and each.name.value not in self._spread:
                self._check([(each.selection_set, self._type(each))], (), names=True, types=True)

    def _check(self, merged: Merged, path: tuple[str, ...], *, names: bool, types: bool) -> None:
        """Compare what is merged at one place, and below. *path*: the response names of what was merged above.

        *names*: whether these objects can be one and the same, so that equal response names must mean equal fields;
        *types*: whether values must look alike because clients meet them under one name.
        """
        place = (names, types, frozenset(id(selection_set) for selection_set, _ in merged))
        if place in self._checked:
            return
        self._checked.add(place)
        for name, group in self._grouped(merged).items():
            if len(group) == 1:
                self._check(group[0].children, (), names=names, types=types)
            else:
                self._check_group(group, (*path, name), names=names, types=types)

    def _check_group(
        self, group: Sequence[FieldInSet], path: tuple[str, ...], *, names: bool, types: bool
    ) -> None:
        possible = _one_object_each(group) if names else []
        if any(self._names_conflict(alike, path) for alike in possible):
            return
        if types and self._types_conflict(group, path):
            return
        if len(possible) == 1:
            self._check(_children(group), path, names=True, types=types)
            return
        if types:
            self._check(_children(group), path, names=False, types=True)
        for alike in possible:
            self._check(_children(alike), path, names=True, types=False)

    # --- comparing ------------------------------------------------------------------------------------------------

    def _types_conflict(self, group: Sequence[FieldInSet], path: tuple[str, ...]) -> bool:
        known = [each for each in group if each.type]
        for other in known[1:]:
            if other.type is not known[0].type and _shape(other.type) != _shape(known[0].type):
                reason = f"they return conflicting types '{known[0].type}' and '{other.type}'"
                return self._report(path, reason, known[0], other)
        return False

    def _names_conflict(self, group: Sequence[FieldInSet], path: tuple[str, ...]) -> bool:
        first = group[0]
        asked = first.asked
        for other in group[1:]:
            if other.node.name.value != first.node.name.value:
                names = f"'{first.node.name.value}' and '{other.node.name.value}'"
                return self._report(path, f"{names} are different fields", first, other)
            if other.asked != asked:
                return self._report(path, "they have differing arguments", first, other)
        return False

    def _report(self, path: tuple[str, ...], reason: str, one: FieldInSet, other: FieldInSet) -> bool:
        where = " conflict because subfields ".join(f"'{name}'" for name in path)
        advice = "Use different aliases on the fields to fetch both if this was intentional."
        message = f"Fields {where} conflict because {reason}. {advice}"
        self.report_error(GraphQLError(message, [one.node, other.node]))
        return True

    # --- collecting -----------------------------------------------------------------------------------------------

    def _grouped(self, merged: Merged) -> dict[str, list[FieldInSet]]:
        """The fields of all sets, and of the fragments they spread, by response name."""
        groups: dict[str, list[FieldInSet]] = {}
        spread: set[str] = set()
        waiting = [*reversed(merged)]
        while waiting:
            content = self._content(*waiting.pop())
            self._count(len(content.fields))
            for name, each in content.fields:
                groups.setdefault(name, []).append(each)
            for name in content.spreads:
                fragment = self.context.get_fragment(name)
                if fragment and name not in spread:
                    spread.add(name)
                    waiting.append((fragment.selection_set, self._type(fragment)))
        self._spread |= spread
        return groups

    def _count(self, fields: int) -> None:
        self._left -= fields
        if self._left < 0:
            raise TooComplex(COMPARED_FIELDS)

    def _content(self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None) -> SetContent:
        if id(selection_set) not in self._contents:
            content = self._contents[id(selection_set)] = SetContent([], [])
            self._collect(selection_set, parent, content)
        return self._contents[id(selection_set)]

    def _collect(
        self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None, content: SetContent
    ) -> None:
        fields = getattr(parent, "fields", {})
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                definition = fields.get(node.name.value)
                name = node.alias.value if node.alias else node.name.value
                content.fields.append((name, FieldInSet(node, parent, definition and definition.type)))
            elif isinstance(node, FragmentSpreadNode):
                content.spreads.append(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                self._collect(
                    node.selection_set, self._type(node) if node.type_condition else parent, content
                )

    def _type(self, node: FragmentDefinitionNode | InlineFragmentNode) -> GraphQLNamedType | None:
        assert node.type_condition  # noqa: S101 — callers ask only where there is one
        return self.context.schema.get_type(node.type_condition.name.value)


def _children(group: Iterable[FieldInSet]) -> Merged:
    return [inner for each in group for inner in each.children]


def _one_object_each(group: Iterable[FieldInSet]) -> list[list[FieldInSet]]:
    """The group as each of its object types sees it: the type's own fields, and those that fit any type."""
    everywhere: list[FieldInSet] = []
    by_object: dict[int, list[FieldInSet]] = {}
    for each in group:
        if is_object_type(each.parent):
            by_object.setdefault(id(each.parent), []).append(each)
        else:
            everywhere.append(each)
    return [[*own, *everywhere] for own in by_object.values()] or [everywhere]


def _shape(type_: Any) -> Hashable:
    """What must be equal for values under one name to look alike: wrappers, and the type itself of leaves."""
    if is_list_type(type_):
        return "list", _shape(type_.of_type)
    if is_non_null_type(type_):
        return "non-null", _shape(type_.of_type)
    return type_.name if is_leaf_type(type_) else None


def _value(node: Any) -> Hashable:
    """Equal for equal values; the order of an input object's fields does not matter."""
    match node:
        case VariableNode():
            return "$", node.name.value
        case ListValueNode():
            return "list", tuple(map(_value, node.values))
        case ObjectValueNode():
            return "object", frozenset((each.name.value, _value(each.value)) for each in node.fields)
        case StringValueNode():
            return "string", node.value, bool(node.block)
        case _:
            return node.kind, getattr(node, "value", None)
