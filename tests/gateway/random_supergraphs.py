"""Random federations: subgraph schemas cut out of one schema, and objects to fill it. The same seed gives the same one.

Not everything drawn composes: a key may be out of reach, an interface may lack a field. Who composes throws those away.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

Object = dict[str, Any]

HEAD = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@inaccessible", "@interfaceObject"])'
)
COLORS = ("RED", "GREEN", "BLUE")
LEAF_NAMES = ("name", "title", "size", "rank", "tag")
LEAVES = frozenset({"String", "Int", "ID", "Color"})
LEAF_TYPES = ("String", "String", "String!", "Int", "[String!]", "Color", "ID")
LINK_NAMES = ("owner", "items", "best", "peer")
WRAPPERS = ("{}", "{}", "{}", "[{}]", "[{}!]", "[{}!]!", "{}!", "[[{}]]")


@dataclass
class Declared:
    """One field as one subgraph declares it."""

    type: str
    arguments: str = ""
    directives: list[str] = field(default_factory=list)

    def text(self, name: str, *, is_old: bool = False) -> str:
        kept = [each for each in self.directives if not is_old or each != "@shareable"]
        return " ".join([f"{name}{self.arguments}: {self.type}", *kept])

    @property
    def is_new(self) -> bool:
        """Whether Federation 1 cannot say this."""
        return any(each.startswith(("@override", "@inaccessible")) for each in self.directives)

    @property
    def is_external(self) -> bool:
        return "@external" in self.directives

    @property
    def is_overridden_here(self) -> bool:
        return any(each.startswith("@override") for each in self.directives)

    def share(self) -> None:
        if "@shareable" not in self.directives and not self.is_external:
            self.directives.append("@shareable")


@dataclass
class TypeHere:
    """One type as one subgraph declares it."""

    kind: str
    fields: dict[str, Declared] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    unresolvable: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    is_interface_object: bool = False

    @property
    def is_new(self) -> bool:
        is_keyed_interface = self.kind == "interface" and bool(self.keys)
        is_so_itself = self.is_interface_object or bool(self.unresolvable) or is_keyed_interface
        return is_so_itself or any(each.is_new for each in self.fields.values())

    def text(self, name: str, *, is_old: bool = False, extends: bool = False) -> str:
        if self.kind == "union":
            return f"union {name} = {' | '.join(self.members)}"
        head = [f"{'extend ' if extends else ''}{self.kind} {name}"]
        if self.interfaces:
            head.append("implements " + " & ".join(self.interfaces))
        head += [f'@key(fields: "{key}")' for key in self.keys]
        head += [f'@key(fields: "{key}", resolvable: false)' for key in self.unresolvable]
        if self.is_interface_object:
            head.append("@interfaceObject")
        lines = [f"  {each.text(field_name, is_old=is_old)}" for field_name, each in self.fields.items()]
        return "\n".join([" ".join(head) + " {", *lines, "}"])


@dataclass
class Whole:
    """A field of the whole schema."""

    type: str
    arguments: str = ""

    @property
    def named(self) -> str:
        return self.type.strip("[]!")


@dataclass
class RandomFederation:
    """Subgraph name -> SDL, and the world behind them."""

    sdl: Mapping[str, str]
    objects: list[Object]
    roots: Mapping[str, Any]


def random_federation(seed: int, size: int = 1, *, may_narrow: bool = False) -> RandomFederation:
    """Of some two to four subgraphs and entities, times *size*.

    Only if it *may_narrow* does one subgraph say `User` where another says `Node`: not every composer writes that down.
    """
    drawing = _Drawing(Random(seed), size, may_narrow=may_narrow)
    return drawing.federation()


class _Drawing:
    def __init__(self, random: Random, size: int, *, may_narrow: bool) -> None:
        self._random = random
        self._size = size
        self._may_narrow = may_narrow
        self._is_easy = random.random() < (0.5 if size == 1 else 0.95)
        """Every subgraph knows every entity by its id, so that most of what is drawn composes."""
        self._graphs: list[dict[str, TypeHere]] = [{} for _ in range(size * random.randint(2, 4))]
        self._whole: dict[str, dict[str, Whole]] = {}
        self._keys: dict[str, list[str]] = {}
        self._implementations: dict[str, list[str]] = {}
        self._keyed_interfaces: set[str] = set()
        self._members: dict[str, list[str]] = {}
        self._values: list[str] = []
        self._extended: set[str] = set()
        """Types that some Federation 1 subgraph defines, others may extend them."""
        self._number = 0
        self._order: dict[tuple[str, str], int] = {}
        self._requiring = 0

    def federation(self) -> RandomFederation:
        self._draw_whole()
        self._hand_out_entities()
        self._hand_out_roots()
        self._finish_interfaces()
        self._add_requires()
        self._add_provides()
        self._add_overrides()
        self._share()
        self._hide()
        objects, roots = _Filling(
            self._random, self._graphs, self._whole, self._implementations, self._members
        ).fill()
        sdl = {f"s{number}": self._sdl(types) for number, types in enumerate(self._graphs)}
        return RandomFederation(sdl, objects, roots)

    def _sdl(self, types: Mapping[str, TypeHere]) -> str:
        is_old = self._chance(0.4) and not any(each.is_new for each in types.values())
        text = [self._extension(name, each) if is_old else each.text(name) for name, each in types.items()]
        return (
            "\n\n".join([*([] if is_old else [HEAD]), f"enum Color {{ {' '.join(COLORS)} }}", *text]) + "\n"
        )

    def _extension(self, name: str, here: TypeHere) -> str:
        """The type as Federation 1 writes it: an entity of elsewhere is extended, and the fields of its key are external."""
        is_elsewhere = sum(name in types for types in self._graphs) > 1
        if name not in self._keys or not is_elsewhere or name in self._extended:
            self._extended.add(name)
            return here.text(name, is_old=True)
        if self._chance(0.7):
            for key in {each for text in here.keys for each in _top_names(text)}:
                if "{" not in " ".join(here.keys) and not here.fields[key].is_external:
                    here.fields[key].directives.append("@external")
        return here.text(name, is_old=True, extends=True)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    # --- the whole schema -----------------------------------------------------------------------------------------

    def _draw_whole(self) -> None:
        entities = [f"E{number}" for number in range(self._size * self._random.randint(2, 4))]
        self._values = [f"V{number}" for number in range(self._size * self._random.randint(0, 2))]
        concrete = [*entities, *self._values]
        self._draw_abstract_types(entities, concrete)
        self._whole["Org"] = {"id": Whole("ID!"), "name": Whole("String")}
        for each in self._values:
            self._whole[each] = self._leaves(1, 3)
        for each in entities:
            self._whole[each] = {"id": Whole("ID!")} | self._leaves(1, 4)
            self._keys[each] = ["id"]
            self._other_keys(each)
        self._draw_common_fields([*concrete, *self._members])
        targets = [*concrete, *self._implementations, *self._members]
        for each in concrete:
            for name in self._random.sample(
                LINK_NAMES, self._random.randint(0, 2 if each in entities else 1)
            ):
                self._whole[each][name] = Whole(self._wrapped(self._random.choice(targets)))

    def _draw_abstract_types(self, entities: list[str], concrete: list[str]) -> None:
        if self._chance(0.6):
            self._implementations["I"] = self._random.sample(entities, self._random.randint(1, len(entities)))
            if self._chance(0.6):
                self._keyed_interfaces.add("I")
        if self._chance(0.4) and self._values:
            self._implementations["J"] = list(self._values)
        if self._chance(0.6):
            self._members["U"] = self._random.sample(concrete, self._random.randint(2, len(concrete)))

    def _draw_common_fields(self, targets: list[str]) -> None:
        for interface, implementing in self._implementations.items():
            common = self._leaves(1, 2)
            if self._chance(0.3):
                common[self._random.choice(LINK_NAMES)] = Whole(self._wrapped(self._random.choice(targets)))
            self._whole[interface] = ({"id": Whole("ID!")} if interface == "I" else {}) | common
            for each in implementing:
                self._whole[each] |= common

    def _leaves(self, least: int, most: int) -> dict[str, Whole]:
        names = self._random.sample(LEAF_NAMES, self._random.randint(least, most))
        return {name: self._leaf() for name in names}

    def _leaf(self) -> Whole:
        arguments = (
            self._random.choice(["(n: Int = 1)", "(c: Color)", "(n: Int!)"]) if self._chance(0.15) else ""
        )
        return Whole(self._random.choice(LEAF_TYPES), arguments)

    def _wrapped(self, target: str) -> str:
        return self._random.choice(WRAPPERS).format(target)

    def _other_keys(self, entity: str) -> None:
        fields = self._whole[entity]
        if self._chance(0.3):
            fields["code"] = Whole("String!")
            self._keys[entity].append("code")
        if self._chance(0.2):
            fields["org"] = Whole("Org!")
            self._keys[entity].append("org { id }")
        if self._chance(0.2):
            fields["area"] = Whole("Int!")
            self._keys[entity].append(
                self._random.choice(["id area", "area code" if "code" in fields else "area id"])
            )
        if self._chance(0.15):
            fields["parts"] = Whole("[Org!]!")
            self._keys[entity].append("parts { id }")
        if self._chance(0.2):
            self._keys[entity] = self._keys[entity][::-1]

    # --- handing out ----------------------------------------------------------------------------------------------

    def _hand_out_entities(self) -> None:
        for entity, keys in self._keys.items():
            holders = self._random.sample(self._graphs, self._random.randint(1, len(self._graphs)))
            for types in holders:
                self._declare_entity(
                    types, entity, self._random.sample(keys, self._random.randint(1, len(keys)))
                )
            in_keys = {name for key in keys for name in key.replace("{", " ").split()} - {"}"}
            for name, whole in list(self._whole[entity].items()):
                if name not in in_keys:
                    for types in self._random.sample(holders, 1 + (self._chance(0.3) and len(holders) > 1)):
                        self._declare_field(types, entity, name, whole)

    def _declare_entity(
        self, types: dict[str, TypeHere], entity: str, keys: list[str], *, stub: bool = False
    ) -> None:
        here = types.setdefault(entity, TypeHere("type"))
        if self._is_easy and "id" not in keys:
            keys = [*keys, "id"]
        for key in keys:
            (here.unresolvable if stub and self._chance(0.6) else here.keys).append(key)
            for name in _top_names(key):
                self._declare_field(types, entity, name, self._whole[entity][name])

    def _declare_field(self, types: dict[str, TypeHere], parent: str, name: str, whole: Whole) -> None:
        if name not in types[parent].fields:
            types[parent].fields[name] = Declared(whole.type, whole.arguments)
            self._declare(types, whole.named)

    def _declare(self, types: dict[str, TypeHere], name: str) -> None:
        """Make a subgraph know a type, at least as something it can refer to."""
        if name in types or (name not in self._whole and name not in self._members):
            return
        if name in self._keys:
            self._declare_entity(types, name, [self._random.choice(self._keys[name])], stub=True)
        elif name in self._members:
            self._declare_union(types, name)
        elif name in self._implementations:
            self._declare_interface(types, name)
        else:
            self._declare_value(types, name)

    def _declare_value(self, types: dict[str, TypeHere], name: str) -> None:
        types[name] = TypeHere("type")
        kept = {
            n: w for n, w in self._whole[name].items() if n == "id" or not self._chance(0.15)
        } or self._whole[name]
        for field_name, whole in kept.items():
            self._declare_field(types, name, field_name, whole)

    def _declare_union(self, types: dict[str, TypeHere], name: str) -> None:
        everyone = self._members[name]
        members = (
            self._random.sample(everyone, self._random.randint(1, len(everyone)))
            if self._chance(0.4)
            else everyone
        )
        types[name] = TypeHere("union", members=list(members))
        for member in members:
            self._declare(types, member)

    def _declare_interface(self, types: dict[str, TypeHere], name: str) -> None:
        types[name] = TypeHere("interface")
        implementing = self._implementations[name]
        if name in self._keyed_interfaces:
            if not any(each in types for each in implementing) and self._chance(0.5):
                self._declare_interface_object(types, name)
                return
            for each in implementing:
                self._declare(types, each)
            return
        if not any(each in types for each in implementing):
            self._declare(types, self._random.choice(implementing))

    def _declare_interface_object(self, types: dict[str, TypeHere], name: str) -> None:
        here = types[name] = TypeHere("type", is_interface_object=True)
        here.fields["id"] = Declared("ID!")
        (here.keys if self._chance(0.8) else here.unresolvable).append("id")
        for _ in range(self._random.randint(0, 2) if here.keys else 0):
            self._number += 1
            self._whole[name][f"extra{self._number}"] = whole = self._leaf()
            here.fields[f"extra{self._number}"] = Declared(whole.type, whole.arguments)
            for each in self._implementations[name]:
                self._whole[each][f"extra{self._number}"] = whole

    def _hand_out_roots(self) -> None:
        targets = [*self._keys, *self._keys, *self._values, *self._implementations, *self._members]
        for types in self._graphs:
            types["Query"] = TypeHere("type")
        for types in self._graphs:
            for _ in range(self._random.randint(1, 2)):
                self._number += 1
                self._draw_root(types, f"root{self._number}", self._random.choice(targets))
            if self._chance(0.3):
                types["Mutation"] = TypeHere("type")
                for _ in range(self._random.randint(1, 2)):
                    self._number += 1
                    whole = Whole(self._wrapped(self._random.choice(targets)))
                    self._declare_field(types, "Mutation", f"do{self._number}", whole)

    def _draw_root(self, types: dict[str, TypeHere], name: str, target: str) -> None:
        whole = Whole(self._wrapped(target))
        holders = [types]
        if self._chance(0.25):
            holders.append(self._random.choice([each for each in self._graphs if each is not types]))
        concrete = [*self._implementations.get(target, ()), *self._members.get(target, ())]
        for number, each in enumerate(holders):
            is_narrow = self._may_narrow and number and concrete and self._chance(0.4)
            narrow = Whole(whole.type.replace(target, self._random.choice(concrete))) if is_narrow else whole
            self._declare_field(each, "Query", name, narrow)

    def _finish_interfaces(self) -> None:
        for types in self._graphs:
            for interface in [name for name, here in types.items() if here.kind == "interface"]:
                self._finish_interface(types, interface)

    def _finish_interface(self, types: dict[str, TypeHere], interface: str) -> None:
        implementing = [each for each in self._implementations[interface] if each in types]
        if interface in self._keyed_interfaces:
            self._give_key(types, interface, implementing)
        common = [
            name
            for name in self._whole[interface]
            if all(name in types[each].fields for each in implementing)
        ]
        if not common:
            common = [next(iter(self._whole[interface]))]
            for each in implementing:
                self._declare_field(types, each, common[0], self._whole[each][common[0]])
        for name in common:
            whole = self._whole[interface][name]
            types[interface].fields[name] = Declared(whole.type, whole.arguments)
        for each in implementing:
            types[each].interfaces.append(interface)

    def _give_key(self, types: dict[str, TypeHere], interface: str, implementing: list[str]) -> None:
        """An interface has a key only where all its types are known, by the same key."""
        for each in implementing:
            if "id" not in types[each].keys:
                self._declare_entity(types, each, ["id"])
                if "id" in types[each].unresolvable:
                    types[each].unresolvable.remove("id")
        if set(implementing) == set(self._implementations[interface]):
            types[interface].keys.append("id")

    # --- directives -----------------------------------------------------------------------------------------------

    def _fields_here(self) -> Iterator[tuple[dict[str, TypeHere], str, TypeHere, str]]:
        for types in self._graphs:
            for type_name, here in list(types.items()):
                if here.kind == "type" and type_name in self._keys:
                    for name in list(here.fields):
                        yield types, type_name, here, name

    def _holders(self, type_name: str, name: str) -> list[dict[str, TypeHere]]:
        return [
            types
            for types in self._graphs
            if type_name in types
            and name in types[type_name].fields
            and not types[type_name].fields[name].is_external
        ]

    def _is_in_key(self, type_name: str, name: str) -> bool:
        return any(name in key.replace("{", " ").split() for key in self._keys[type_name])

    def _add_requires(self) -> None:
        """Fields require only what comes before them in some order, so that nothing requires itself."""
        order = [(type_name, name) for type_name, fields in self._whole.items() for name in fields]
        self._random.shuffle(order)
        self._order = {each: number for number, each in enumerate(order)}
        for types, type_name, here, name in self._fields_here():
            self._requiring = self._order[type_name, name]
            if not here.keys or self._is_in_key(type_name, name) or len(self._holders(type_name, name)) != 1:
                continue
            if not self._chance(0.35) or here.fields[name].is_external:
                continue
            self._require(types, type_name, here, name)

    def _may_require(self, type_name: str, name: str) -> bool:
        return self._order[type_name, name] < self._requiring

    def _simple(self, types: Mapping[str, TypeHere], type_name: str) -> str:
        """A leaf or two of what a subgraph itself has of a type."""
        names = [
            name
            for name, each in types[type_name].fields.items()
            if each.type.strip("[]!") in LEAVES
            and not each.arguments
            and not each.is_external
            and self._may_require(type_name, name)
        ]
        return " ".join(names[:2])

    def _require(self, types: dict[str, TypeHere], type_name: str, here: TypeHere, name: str) -> None:
        candidates = [
            each
            for each in self._whole[type_name]
            if each not in here.fields
            and not self._is_in_key(type_name, each)
            and not each.startswith("extra")
            and self._may_require(type_name, each)
        ]
        texts = []
        for each in self._random.sample(candidates, min(len(candidates), self._random.randint(1, 2))):
            whole = self._whole[type_name][each]
            text = self._required_text(types, each, whole)
            if text:
                here.fields[each] = Declared(whole.type, whole.arguments, ["@external"])
                self._declare(types, whole.named)
                texts.append(text)
        if texts:
            here.fields[name].directives.append(f'@requires(fields: "{" ".join(texts)}")')

    def _required_text(self, types: dict[str, TypeHere], name: str, whole: Whole) -> str | None:
        if whole.arguments:
            return f"{name}{self._random.choice(_GIVEN[whole.arguments])}"
        if whole.named not in self._whole and whole.named not in self._members:
            return name
        self._declare(types, whole.named)
        here = types[whole.named]
        if here.is_interface_object:
            return None
        if here.kind == "type":
            inner = self._simple(types, whole.named)
            if whole.named in self._keys and self._chance(0.6):
                inner = self._external_leaf(types, whole.named) or inner
        else:
            members = here.members or [each for each in self._implementations[whole.named] if each in types]
            of_types = ((each, self._simple(types, each)) for each in members)
            inner = " ".join(f"... on {each} {{ {leaves} }}" for each, leaves in of_types if leaves)
        return f"{name} {{ {inner} }}" if inner else None

    def _external_leaf(self, types: dict[str, TypeHere], type_name: str) -> str | None:
        """A leaf of an entity that only other subgraphs have, declared here as external."""
        here = types[type_name]
        candidates = [
            each
            for each, whole in self._whole[type_name].items()
            if each not in here.fields
            and not whole.arguments
            and whole.named not in self._whole
            and whole.named not in self._members
            and not self._is_in_key(type_name, each)
            and self._holders(type_name, each)
            and self._may_require(type_name, each)
        ]
        if not candidates:
            return None
        name = self._random.choice(candidates)
        here.fields[name] = Declared(self._whole[type_name][name].type, "", ["@external"])
        return name

    def _add_provides(self) -> None:
        for types in self._graphs:
            for here in list(types.values()):
                for declared in list(here.fields.values()):
                    target = declared.type.strip("[]!")
                    if target in self._keys and here.kind == "type" and self._chance(0.25):
                        self._provide(types, declared, target)

    def _provide(self, types: dict[str, TypeHere], declared: Declared, target: str) -> None:
        there = types[target]
        candidates = [
            each
            for each, whole in self._whole[target].items()
            if (each not in there.fields or there.fields[each].is_external)
            and not self._is_in_key(target, each)
            and not whole.arguments
            and whole.named not in self._whole
            and whole.named not in self._members
            and self._holders(target, each)
        ]
        if not candidates or declared.is_external:
            return
        name = self._random.choice(candidates)
        if name not in there.fields:
            there.fields[name] = Declared(self._whole[target][name].type, "", ["@external"])
        declared.directives.append(f'@provides(fields: "{name}")')

    def _add_overrides(self) -> None:
        for types, type_name, here, name in self._fields_here():
            others = [each for each in self._holders(type_name, name) if each is not types]
            declared = here.fields[name]
            if (
                len(others) != 1
                or self._is_in_key(type_name, name)
                or declared.is_external
                or not self._chance(0.3)
            ):
                continue
            other = others[0][type_name].fields[name]
            if any(
                each.startswith(("@override", "@requires"))
                for each in [*other.directives, *declared.directives]
            ):
                continue
            source = self._graphs.index(others[0])
            label = ', label: "percent(50)"' if self._chance(0.3) else ""
            declared.directives.append(f'@override(from: "s{source}"{label})')

    def _share(self) -> None:
        for types in self._graphs:
            for type_name, here in types.items():
                if here.kind != "type" or here.is_interface_object:
                    continue
                for name, declared in here.fields.items():
                    is_shared = len(self._holders(type_name, name)) > 1 and not self._moves(type_name, name)
                    if is_shared or self._is_provided(type_name, name):
                        declared.share()

    def _hide(self) -> None:
        for types in self._graphs:
            for type_name, here in types.items():
                if type_name in self._keys and not here.is_interface_object:
                    for declared in here.fields.values():
                        if self._chance(0.04) and not declared.is_external:
                            declared.directives.append("@inaccessible")

    def _moves(self, type_name: str, name: str) -> bool:
        return any(each[type_name].fields[name].is_overridden_here for each in self._holders(type_name, name))

    def _is_provided(self, type_name: str, name: str) -> bool:
        return any(
            type_name in types
            and name in types[type_name].fields
            and types[type_name].fields[name].is_external
            for types in self._graphs
        )


_GIVEN = {"(n: Int = 1)": ["", "(n: 2)"], "(c: Color)": ["", "(c: RED)"], "(n: Int!)": ["(n: 1)", "(n: 2)"]}


def _top_names(key: str) -> list[str]:
    names, depth = [], 0
    for word in key.split():
        if word == "{":
            depth += 1
        elif word == "}":
            depth -= 1
        elif not depth:
            names.append(word)
    return names


class _Filling:
    """Objects for every type, referring to each other; what no subgraph in question can name is left out."""

    def __init__(
        self,
        random: Random,
        graphs: list[dict[str, TypeHere]],
        whole: Mapping[str, Mapping[str, Whole]],
        implementations: Mapping[str, list[str]],
        members: Mapping[str, list[str]],
    ) -> None:
        self._random = random
        self._graphs = graphs
        self._whole = whole
        self._concrete = {**implementations, **members}
        self._entities: dict[str, list[Object]] = {}
        self._count = 0

    def fill(self) -> tuple[list[Object], dict[str, Any]]:
        for name in self._whole:
            if name.startswith("E"):
                self._entities[name] = [self._blank(name) for _ in range(self._random.randint(1, 3))]
        for name, objects in self._entities.items():
            for each in objects:
                self._fill(each, name, 0)
        roots = {
            f"Query.{name}": self._value(
                declared.type, self._nameable("Query", name, declared.type.strip("[]!")), 0
            )
            for types in self._graphs
            for name, declared in types["Query"].fields.items()
        }
        return [each for objects in self._entities.values() for each in objects], roots

    def _blank(self, name: str) -> Object:
        self._count += 1
        return {"__typename": name, "id": f"{name}-{self._count}"}

    def _fill(self, into: Object, type_name: str, depth: int) -> None:
        self._count += 1
        mark = self._count
        for name, whole in self._whole[type_name].items():
            if name == "code":
                into[name] = f"code-{mark}"
            elif name == "area":
                into[name] = mark
            elif name == "org":
                into[name] = {"__typename": "Org", "id": f"org-{mark}", "name": f"Org {mark}"}
            elif name == "parts":
                into[name] = [
                    {"__typename": "Org", "id": f"part-{mark}-{number}", "name": None} for number in range(2)
                ]
            elif name != "id":
                names = self._nameable(type_name, name, whole.named)
                into[name] = _with_arguments(self._value(whole.type, names, depth), whole)

    def _nameable(self, type_name: str, name: str, target: str) -> list[str]:
        """The object types that every subgraph with the field can answer with."""
        if target not in self._whole and target not in self._concrete:
            return [target]
        if target not in self._concrete:
            return [target]
        names = list(self._concrete[target])
        for types in self._graphs:
            here = types.get(type_name)
            if here and name in here.fields:
                there = self._known_as(here.fields[name].type.strip("[]!"), types)
                names = [each for each in names if each in there]
        return names

    def _known_as(self, target: str, types: Mapping[str, TypeHere]) -> list[str]:
        """The object types a subgraph can answer with where it declares *target*."""
        if target not in self._concrete:
            return [target]
        here = types[target]
        if here.is_interface_object:
            return self._concrete[target]
        return here.members or [
            each for each in self._concrete[target] if each in types and target in types[each].interfaces
        ]

    def _value(self, type_text: str, names: list[str], depth: int) -> Any:
        if type_text.endswith("!"):
            return self._non_null(type_text[:-1], names, depth)
        return None if self._random.random() < 0.12 else self._non_null(type_text, names, depth)

    def _non_null(self, type_text: str, names: list[str], depth: int) -> Any:
        if type_text.startswith("["):
            return [
                self._value(type_text[1:-1], names, depth)
                for _ in range(self._random.choice([0, 1, 2, 2, 3]))
            ]
        return self._one(type_text, names, depth)

    def _one(self, name: str, names: list[str], depth: int) -> Any:
        self._count += 1
        match name:
            case "String" | "ID":
                return f"{name.lower()}-{self._count}"
            case "Int":
                return self._count
            case "Color":
                return self._random.choice(COLORS)
        if not names:
            raise NothingFits
        concrete = self._random.choice(names)
        if concrete in self._entities:
            return self._random.choice(self._entities[concrete])
        if depth > 3:
            raise NothingFits
        made: Object = {"__typename": concrete}
        self._fill(made, concrete, depth + 1)
        return made


class NothingFits(Exception):
    """No object can stand where one has to."""


def _with_arguments(value: Any, whole: Whole) -> Any:
    """A field with arguments answers differently for each of them."""
    if (
        not whole.arguments
        or whole.named not in {"String", "Int", "ID"}
        or value is None
        or isinstance(value, list)
    ):
        return value if not whole.arguments else lambda **_: value
    default = {"n": 1} if "= 1" in whole.arguments else {}
    if whole.named == "Int":
        return lambda **given: value + 1000 * int((default | given).get("n") or 7)
    return lambda **given: f"{value}{sorted((default | given).items())}"


__all__ = ["NothingFits", "RandomFederation", "random_federation"]
