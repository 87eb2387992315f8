"""A federation in memory: strict subgraphs over one set of objects, and the gateway in front of them.

Each case is a folder of subgraph schemas, `supergraphs/<case>/<subgraph>.graphql`, and their composition,
`supergraphs/<case>.graphql` (written by `compose.mjs`; `supergraphs/apollo/` has another composer's). Objects are plain dicts with a `__typename`, referring to each
other directly; a value may be a function of the field's arguments. The same objects behind the API schema, executed by
graphql-core alone, say what the right answer is.

A subgraph is strict: it validates every query against its own schema, answers no field it declares @external (unless
provided, a key, or sent to it), and checks that representations carry a complete key, everything a `@requires` field
needs, and nothing it does not know.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SelectionSetNode,
    Visitor,
    build_ast_schema,
    execute_sync,
    get_named_type,
    graphql_sync,
    is_leaf_type,
    is_object_type,
    parse,
    print_ast,
    validate,
    value_from_ast_untyped,
    visit,
)

from gateway.open_streams import OpenStreams
from gateway.operations.callers import Callers
from gateway.operations.operation import prepare
from gateway.operations.request import Request
from gateway.overload import Admission
from gateway.pipeline import Pipeline
from gateway.planner import plan_operation
from gateway.settings import Settings
from gateway.subgraphs.client import SubgraphClient, subgraph_transport
from gateway.subgraphs.events import SubgraphEvents
from gateway.subscriptions import Subscriptions
from gateway.supergraph.reader import load_supergraph
from tests.gateway.patience import LONG_S

SUPERGRAPHS = Path(__file__).parent / "supergraphs"
_compositions: ContextVar[Path] = ContextVar("compositions", default=SUPERGRAPHS)
_changes: ContextVar[Callable[[str], str]] = ContextVar("changes", default=lambda sdl: sdl)

Object = dict[str, Any]
FieldSet = SelectionSetNode


@dataclass(frozen=True)
class View:
    """An object in the hands of one subgraph."""

    object: Object
    provided: tuple[FieldSet, ...] = ()
    sent: Mapping[str, Any] = field(default_factory=dict)
    """The representation it was asked for with."""
    known_as: str | None = None
    """The type the subgraph takes it for, where that is an interface object."""


@dataclass(frozen=True)
class Declared:
    """What one subgraph says about one type."""

    keys: tuple[tuple[FieldSet, bool], ...]
    """(fields, resolvable)"""
    external: frozenset[str]
    requires: Mapping[str, FieldSet]
    provides: Mapping[str, FieldSet]


class Refusal(Exception):
    """The gateway asked for something this subgraph does not do."""


class Subgraph:
    """One strict subgraph."""

    def __init__(self, name: str, sdl: str, world: "World", own: Mapping[str, Any]) -> None:
        document = parse(sdl)
        self.name = name
        self.requests: list[Mapping[str, Any]] = []
        self.resolved: list[tuple[str, str]] = []
        """(type of the object, field) of everything it gave away."""
        self.headers: list[httpx.Headers] = []
        self.moved_away: frozenset[tuple[str, str]] = frozenset()
        """(type, field) that other subgraphs have taken over: here they would be out of date."""
        self._declared = _declarations(document)
        self._schema = _executable(document, self._declared)
        self._world = world
        self._own = own

    def answer(self, body: Mapping[str, Any], event: Object | None = None) -> Mapping[str, Any]:
        """To a query or mutation; to a subscription for one *event*, an object with the values of its root fields."""
        if event is None:
            self.requests.append(body)
        document = parse(body["query"])
        errors = validate(self._schema, document)
        assert not errors, f"{self.name} was sent an invalid query: {errors}\n{print_ast(document)}"
        used = {each.variable.name.value for each in document.definitions[0].variable_definitions or ()}
        assert set(body.get("variables", {})) <= used, f"{self.name} was sent variables it did not ask for"
        root = View(event or {"__typename": "Query"})
        result = execute_sync(
            self._schema,
            document,
            root,
            variable_values=body.get("variables"),
            field_resolver=self._resolve,
            type_resolver=lambda view, *_: view.known_as or view.object["__typename"],
        )
        refusals = [error for error in result.errors or () if isinstance(error.original_error, Refusal)]
        assert not refusals, f"{self.name}: {refusals}\n{body}"
        return result.formatted

    def _resolve(self, view: View, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        type_name, name = info.parent_type.name, info.field_name
        if name == "_entities" and type_name == "Query":
            return [self._entity(each) for each in arguments["representations"]]
        if name == "_service" and type_name == "Query":
            return View({"__typename": "_Service", "sdl": ""})
        self.resolved.append((view.object["__typename"], name))
        declared = self._declared.get(type_name)
        value = self._value(view, type_name, name, arguments, declared)
        if is_leaf_type(get_named_type(info.return_type)):
            return value
        below = [each for each in (_inner(provided, name) for provided in view.provided) if each]
        if declared and name in declared.provides:
            below.append(declared.provides[name])
        if declared:
            below += [inner for key, _ in declared.keys if (inner := _inner(key, name))]
        return _views(value, tuple(below))

    def _value(
        self, view: View, type_name: str, name: str, arguments: Mapping[str, Any], declared: Declared | None
    ) -> Any:
        is_key = declared is not None and any(_has(key, name) for key, _ in declared.keys)
        if declared and name in declared.external:
            if name in view.sent:
                return view.sent[name]
            if not is_key and not any(_has(provided, name) for provided in view.provided):
                raise Refusal(f"{type_name}.{name} is @external in {self.name}")
        if (type_name, name) in self.moved_away and not is_key:
            raise Refusal(f"{type_name}.{name} has moved away from {self.name}")
        if declared and name in declared.requires:
            self._check_sent(view, declared.requires[name], f"{type_name}.{name}")
        if type_name in {"Query", "Mutation"}:
            held = self._own.get(f"{type_name}.{name}", self._world.roots.get(f"{type_name}.{name}"))
        else:
            held = self._own.get(f"{type_name}.{name}", view.object.get(name))
        return held(**arguments) if callable(held) else held

    def _check_sent(self, view: View, required: FieldSet, where: str) -> None:
        for name, value in _projection(view.object, required).items():
            if name not in view.sent or not _is_same(value, view.sent[name]):
                raise Refusal(f"{where} in {self.name} needs {name} = {value}, but was sent {view.sent}")

    def _entity(self, representation: Any) -> View | None:
        type_name = representation.get("__typename")
        declared = self._declared.get(type_name)
        if declared is None:
            raise Refusal(f"{self.name} knows no entity {type_name}")
        self._check_names(representation, type_name, declared)
        keys = [key for key, resolvable in declared.keys if resolvable and _covers(representation, key)]
        if not keys:
            raise Refusal(f"{self.name} was sent no complete key of {type_name}: {representation}")
        for candidate in self._world.objects_of(type_name):
            if all(_matches(candidate, representation, key) for key in keys):
                return View(candidate, sent=representation, known_as=self._interface_object(type_name))
        return None

    def _interface_object(self, type_name: str) -> str | None:
        return (
            type_name
            if is_object_type(self._schema.type_map[type_name]) and self._world.is_interface(type_name)
            else None
        )

    def _check_names(self, representation: Mapping[str, Any], type_name: str, declared: Declared) -> None:
        known = {name for key, _ in declared.keys for name in _names(key)}
        known |= {name for required in declared.requires.values() for name in _names(required)}
        unknown = set(representation) - known - {"__typename"}
        if unknown:
            raise Refusal(f"{self.name} was sent {unknown} about {type_name}, which it did not ask for")


@dataclass(frozen=True)
class World:
    """All objects, and what the root fields give."""

    objects: tuple[Object, ...]
    roots: Mapping[str, Any]
    possible: Mapping[str, frozenset[str]]

    def is_interface(self, type_name: str) -> bool:
        return self.possible.get(type_name) != frozenset({type_name})

    def objects_of(self, type_name: str) -> Iterator[Object]:
        names = self.possible.get(type_name, frozenset({type_name}))
        return (each for each in self.objects if each["__typename"] in names)


@dataclass(frozen=True)
class Composition:
    """A supergraph, and the subgraph schemas it was composed of."""

    supergraph: str
    subgraphs: Mapping[str, str]


class Federation(httpx.AsyncBaseTransport):
    """A composed case, its subgraphs, and a gateway in front of them."""

    def __init__(
        self,
        case: str | Composition,
        objects: list[Object],
        roots: Mapping[str, Any],
        *,
        own: Mapping[str, Mapping[str, Any]] | None = None,
        settings: Settings | None = None,
        callers: Callers | None = None,
        draw: Callable[[], float] = lambda: 0.99,
    ) -> None:
        composition = _composition(case, _compositions.get()) if isinstance(case, str) else case
        self.supergraph = _supergraph(_changes.get()(composition.supergraph))
        possible = {name: frozenset(self.supergraph.possible_types(name)) for name in self.supergraph.types}
        self.world = World(tuple(objects), roots, possible)
        self.settings = settings or unhurried()
        self.subgraphs = {
            name: Subgraph(name, sdl, self.world, (own or {}).get(name, {}))
            for name, sdl in composition.subgraphs.items()
        }
        for name, subgraph in self.subgraphs.items():
            subgraph.moved_away = _moved_from(name, composition.subgraphs.values())
        self.broken: dict[str, Callable[[httpx.Request], Any]] = {}
        """Subgraph -> what it does instead of answering."""
        transport = subgraph_transport(1_000_000, self)
        client = SubgraphClient(self.supergraph.subgraphs, transport, self.settings.subgraph_timeout_s)
        self.pipeline = Pipeline(self.supergraph, client, self.settings, callers=callers, draw=draw)
        events = SubgraphEvents(self.supergraph.subgraphs, self, self.settings)
        self.streams = OpenStreams(self.settings.subscriptions)
        admission = Admission(self.settings.concurrent_requests)
        self.subscriptions = Subscriptions(self.pipeline, events, self.streams, admission, lambda _: None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        if name in self.broken:
            answer = self.broken[name](request)
            return await answer if asyncio.iscoroutine(answer) else answer
        subgraph = self.subgraphs[name]
        subgraph.headers.append(request.headers)
        return json_response(subgraph.answer(json.loads(request.content)))

    def plan(self, query: str, labels: frozenset[str] = frozenset(), **conditions: bool) -> str:
        """The printed plan, for these values of the @skip and @include variables."""
        operation = prepare(query, None, self.supergraph.api_schema, self.settings.limits)
        selection = operation.selection(self.supergraph, conditions)
        return str(plan_operation(operation.node, selection, self.supergraph, labels))

    def plans(self, query: str, expected: str, **others: Any) -> bool:
        """Whether the plan is the *expected* one, which a test may indent as it likes."""
        assert self.plan(query, **others) == dedent(expected).strip()
        return True

    def ask(self, query: str, variables: Mapping[str, Any] | None = None, **others: Any) -> dict[str, Any]:
        """The gateway's answer."""
        for subgraph in self.subgraphs.values():
            subgraph.requests.clear()
            subgraph.resolved.clear()
        request = Request(query, variables or {}, **others)
        answer: dict[str, Any] = json.loads(asyncio.run(self.pipeline.answer(request)).encoded())
        return answer

    def truth(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What graphql-core answers from the merged schema over the same objects."""
        return self._truth(query, {"__typename": "Query"}, variables)

    def truth_of(
        self, event: Object, query: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The same for one event of a subscription."""
        return self._truth(query, event, variables)

    def _truth(self, query: str, root: Object, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        result = graphql_sync(
            self.supergraph.api_schema,
            query,
            root,
            variable_values=dict(variables or {}),
            field_resolver=self._resolve_truth,
        )
        return result.formatted

    def _resolve_truth(self, source: Object, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        if info.parent_type.name in {"Query", "Mutation"}:
            held = self.world.roots.get(f"{info.parent_type.name}.{info.field_name}")
        else:
            held = source.get(info.field_name)
        return held(**arguments) if callable(held) else held

    def sent_to(self, name: str) -> list[Mapping[str, Any]]:
        """The requests a subgraph got for the last question."""
        return self.subgraphs[name].requests

    def resolved(self) -> set[tuple[str, str]]:
        """(type of the object, field) of everything that any subgraph gave away for the last question."""
        return {each for subgraph in self.subgraphs.values() for each in subgraph.resolved}

    def request_count(self) -> int:
        return sum(len(subgraph.requests) for subgraph in self.subgraphs.values())


def json_response(content: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=content)


def assert_answers_like_one_schema(federation: Federation, query: str, **variables: Any) -> dict[str, Any]:
    """The gateway says what the merged schema says; gives its data."""
    answer = federation.ask(query, variables)

    truth = federation.truth(query, variables)
    assert answer == truth
    assert json.dumps(answer["data"]) == json.dumps(truth["data"]), "the fields stand in another order"
    data: dict[str, Any] = answer["data"]
    return data


@contextmanager
def composed_by_apollo() -> Iterator[None]:
    """Federations made here are what Apollo's composer made of the same subgraphs: it writes supergraphs differently."""
    token = _compositions.set(SUPERGRAPHS / "apollo")
    yield
    _compositions.reset(token)


@contextmanager
def changed(change: Callable[[str], str]) -> Iterator[None]:
    """Federations made here have another text as their supergraph, as another composer might have written it."""
    token = _changes.set(change)
    yield
    _changes.reset(token)


def unhurried(**settings: Any) -> Settings:
    """The default but for these and the time limits: a machine that stands still for some seconds changes no answer."""
    limits = ("planning_timeout_s", "request_timeout_s", "subgraph_timeout_s", "connection_init_timeout_s")
    return Settings(**dict.fromkeys(limits, LONG_S) | settings)


@cache
def _composition(case: str, folder: Path) -> Composition:
    subgraphs = {file.stem: file.read_text() for file in sorted((SUPERGRAPHS / case).glob("*.graphql"))}
    return Composition((folder / f"{case}.graphql").read_text(), subgraphs)


@cache
def _supergraph(sdl: str) -> Any:
    return load_supergraph(sdl)


# --- reading subgraph schemas -------------------------------------------------------------------------------------

_OBJECTS = (
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
)


def _declarations(document: DocumentNode) -> dict[str, Declared]:
    found: dict[str, Declared] = {}
    for node in document.definitions:
        if isinstance(node, _OBJECTS):
            found[node.name.value] = _both(found.get(node.name.value), _declared(node))
    return found


def _both(one: Declared | None, other: Declared) -> Declared:
    if one is None:
        return other
    return Declared(
        one.keys + other.keys,
        one.external | other.external,
        {**one.requires, **other.requires},
        {**one.provides, **other.provides},
    )


def _declared(node: Any) -> Declared:
    fields = {each.name.value: each for each in node.fields or ()}
    is_external = any(_directives(node, "external"))
    return Declared(
        keys=tuple(
            (_field_set(each["fields"]), each.get("resolvable", True)) for each in _directives(node, "key")
        ),
        external=frozenset(
            name for name, each in fields.items() if is_external or any(_directives(each, "external"))
        ),
        requires={
            n: _field_set(d["fields"]) for n, each in fields.items() for d in _directives(each, "requires")
        },
        provides={
            n: _field_set(d["fields"]) for n, each in fields.items() for d in _directives(each, "provides")
        },
    )


@cache
def _overrides(sdl: str) -> frozenset[tuple[str, str, str]]:
    """(subgraph, type, field) of every @override without a label."""
    return frozenset(
        (override["from"], node.name.value, each.name.value)
        for node in parse(sdl).definitions
        if isinstance(node, _OBJECTS)
        for each in node.fields or ()
        for override in _directives(each, "override")
        if "label" not in override
    )


def _moved_from(name: str, others: Iterable[str]) -> frozenset[tuple[str, str]]:
    moved = frozenset[tuple[str, str, str]]().union(*map(_overrides, others))
    return frozenset((type_name, each) for source, type_name, each in moved if source == name)


def _directives(node: Any, name: str) -> Iterator[dict[str, Any]]:
    for each in node.directives or ():
        if each.name.value == name:
            yield {argument.name.value: argument.value.value for argument in each.arguments or ()}


def _field_set(text: str) -> FieldSet:
    return parse(f"{{ {text} }}").definitions[0].selection_set


def _executable(document: DocumentNode, declared: Mapping[str, Declared]) -> GraphQLSchema:
    """The schema a subgraph server executes: without federation directives, with `_entities`."""
    definitions: list[str] = []
    for node in document.definitions:
        if node.kind not in {"schema_extension", "directive_definition"}:
            text = print_ast(visit(node, _DirectiveStripper()))
            is_defined = _is_defined(document, node.name.value)
            definitions.append(text if is_defined else text.removeprefix("extend "))
    has_query = any(each.startswith("type Query") for each in definitions)
    entities = [name for name, held in declared.items() if held.keys and not _is_interface(document, name)]
    if entities:
        fields = "_entities(representations: [_Any!]!): [_Entity]! _service: _Service!"
        definitions += [
            "scalar _Any type _Service { sdl: String }",
            f"union _Entity = {' | '.join(entities)}",
            f"{'extend ' if has_query else ''}type Query {{ {fields} }}",
        ]
    return build_ast_schema(parse("\n".join(definitions)))


def _is_defined(document: DocumentNode, name: str) -> bool:
    return any(
        not node.kind.endswith("_extension") and getattr(node, "name", None) and node.name.value == name
        for node in document.definitions
    )


def _is_interface(document: DocumentNode, name: str) -> bool:
    return any(
        node.kind.startswith("interface") and node.name.value == name
        for node in document.definitions
        if getattr(node, "name", None)
    )


class _DirectiveStripper(Visitor):
    def enter_directive(self, *_: Any) -> Any:
        return self.REMOVE

    enter_const_directive = enter_directive


# --- field sets over objects --------------------------------------------------------------------------------------


def _fields(field_set: FieldSet, type_name: str | None = None) -> Iterator[FieldNode]:
    for node in field_set.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            condition = node.type_condition.name.value if node.type_condition else None
            if type_name is None or condition in {None, type_name}:
                yield from _fields(node.selection_set, type_name)


def _names(field_set: FieldSet) -> set[str]:
    return {node.name.value for node in _fields(field_set)}


def _has(field_set: FieldSet, name: str) -> bool:
    return name in _names(field_set)


def _inner(field_set: FieldSet, name: str) -> FieldSet | None:
    sets = [
        node.selection_set for node in _fields(field_set) if node.name.value == name and node.selection_set
    ]
    return (
        SelectionSetNode(selections=tuple(each for found in sets for each in found.selections))
        if sets
        else None
    )


def _views(value: Any, provided: tuple[FieldSet, ...]) -> Any:
    if isinstance(value, list):
        return [_views(each, provided) for each in value]
    if isinstance(value, dict) and "__typename" in value:
        return View(value, provided)
    return value


def _is_same(expected: Any, sent: Any) -> bool:
    """Whether what was sent is right; inner objects may say their `__typename` too, those of abstract types must."""
    if isinstance(expected, list):
        return isinstance(sent, list) and len(sent) == len(expected) and all(map(_is_same, expected, sent))
    if not isinstance(expected, dict) or not isinstance(sent, dict):
        return bool(expected == sent)
    names = set(expected) | {"__typename"} if "__typename" in expected else set(sent) - {"__typename"}
    return names == set(sent if "__typename" in expected else expected) and all(
        _is_same(expected[name], sent[name]) for name in names
    )


def _projection(value: Any, field_set: FieldSet) -> Any:
    if isinstance(value, list):
        return [_projection(each, field_set) for each in value]
    if value is None:
        return None
    depends_on_type = any(isinstance(node, InlineFragmentNode) for node in field_set.selections)
    found: dict[str, Any] = {"__typename": value.get("__typename")} if depends_on_type else {}
    for node in _fields(field_set, value.get("__typename")):
        arguments = {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
        held = value.get(node.name.value)
        held = held(**arguments) if callable(held) else held
        found[node.name.value] = _projection(held, node.selection_set) if node.selection_set else held
    return found


def _covers(representation: Any, field_set: FieldSet) -> bool:
    """Whether a key is complete. A part of it may be null, an inner object too."""
    if representation is None:
        return True
    if isinstance(representation, list):
        return all(_covers(each, field_set) for each in representation)
    return isinstance(representation, dict) and all(
        node.name.value in representation
        and (node.selection_set is None or _covers(representation[node.name.value], node.selection_set))
        for node in _fields(field_set)
    )


def _matches(candidate: Any, representation: Any, field_set: FieldSet) -> bool:
    return _projection(candidate, field_set) == _projection(representation, field_set)


__all__ = [
    "Composition",
    "Federation",
    "GraphQLError",
    "Object",
    "assert_answers_like_one_schema",
    "composed_by_apollo",
    "json_response",
]
