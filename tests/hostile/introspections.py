"""Introspection: every schema has circles there."""

from collections.abc import Iterator

from graphql import get_introspection_query

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.request import HostileRequest, posted


def hostile_introspections(schema: AttackedSchema) -> Iterator[HostileRequest]:
    for name, text in _texts(schema):
        yield posted(f"introspection: {name}", text)


def _texts(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    yield "as tools do it", get_introspection_query()
    yield "in a mutation", "mutation { __schema { queryType { name } } }"
    yield "of nothing", '{ __type(name: "Nothing") { name } }'
    yield "of a long name", f'{{ __type(name: "{"N" * 100_000}") {{ name }} }}'
    yield "without a name", "{ __type { name } }"
    type_ = schema.type.name
    for levels in (2, 3, 4, 6, 8, 9, 12, 30, 100, 900):
        fields = "fields { type { " * levels + "name" + " } }" * levels
        yield f"{levels} times types of fields", f"{{ __schema {{ types {{ {fields} }} }} }}"
        yield f"{levels} times types of fields of one type", f'{{ __type(name: "{type_}") {{ {fields} }} }}'
        of_type = "ofType { " * levels + "name" + " }" * levels
        yield f"{levels} times ofType", f"{{ __schema {{ types {{ fields {{ type {{ {of_type} }} }} }} }} }}"
    for levels in (2, 4, 6, 9):
        turns = "possibleTypes { interfaces { " * levels + "name" + " } }" * levels
        yield f"{levels} times interfaces of possible types", f"{{ __schema {{ types {{ {turns} }} }} }}"
        wide = "fields { type { ofType { " * levels + "name" + " } } }" * levels
        yield f"{levels} times types of fields in lists", f"{{ __schema {{ types {{ {wide} }} }} }}"
    whole = "{ types { name description fields { name description args { name } } inputFields { name } } directives { name } }"
    for count in (5, 20, 45, 190):
        yield (
            f"{count} times the whole schema",
            "{ " + " ".join(f"a{n}: __schema {whole}" for n in range(count)) + " }",
        )
        yield (
            f"{count} times one type",
            "{ "
            + " ".join(
                f'a{n}: __type(name: "{type_}") {{ fields {{ name type {{ name fields {{ name }} }} }} }}'
                for n in range(count)
            )
            + " }",
        )
        yield (
            f"{count} times the SDL",
            "{ " + " ".join(f"a{n}: _service {{ sdl }}" for n in range(count)) + " }",
        )
    yield (
        "through a fragment that holds itself",
        ("{ __schema { types { ...F } } } fragment F on __Type { fields { type { ...F } } }"),
    )
    bomb = " ".join(f"fragment F{n} on __Type {{ fields {{ type {{ ...F{n + 1} }} }} }}" for n in range(6))
    yield (
        "through a row of fragments",
        f"{{ __schema {{ types {{ ...F0 }} }} }} {bomb} fragment F6 on __Type {{ name }}",
    )
