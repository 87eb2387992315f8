"""Texts that hurt whoever reads them: the lexer, the parser, and the rules that walk over every definition."""

from collections.abc import Iterator

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.request import HostileRequest, posted


def hostile_documents(schema: AttackedSchema) -> Iterator[HostileRequest]:
    for attacks in (
        _ignored_characters,
        _brackets,
        _values,
        _names,
        _characters,
        _definitions,
        _variable_definitions,
        _directives,
        _broken,
    ):
        for name, text in attacks(schema):
            yield posted(f"document: {name}", text)


def _ignored_characters(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    plain = f"{{ {schema.field(schema.leaf)} }}"
    for count in (100, 10_000, 90_000):
        yield f"{count} comments", "#\n" * count + plain
        yield f"{count} commas", "," * count + plain
        yield f"{count} blanks", " " * count + plain
        yield f"{count} carriage returns", "\r" * count + plain
        yield f"{count} byte order marks", "\ufeff" * (count // 2) + plain
    yield "one long comment", "#" + "x" * 180_000 + "\n" + plain
    yield "one long comment beyond ASCII", "#" + "😀" * 12_000 + "\n" + plain
    yield "comments alone", "#\n" * 50_000
    yield "comments between all tokens", plain.replace(" ", "#x\n" * 2_000)
    yield "nothing but blanks", " " * 1_000
    yield "an error behind many lines", "\n" * 90_000 + "{ ? }"
    yield "an error at the end of a long line", " " * 180_000 + "{ ? }"


def _brackets(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    opening = schema.opening
    for depth in (50, 400, 1_000, 5_000, 60_000):
        yield f"{depth} open braces", "{" * depth
        yield f"{depth} nested selections", "{a" * depth + "}" * depth
        yield f"{depth} nested selections of a known field", f"{{ {opening} " * depth + "}" * depth
        yield f"{depth} nested lists", f"{{ __type(name: {'[' * depth}{']' * depth}) {{ name }} }}"
        yield f"{depth} nested objects", f"{{ __type(name: {'{a:' * depth}1{'}' * depth}) {{ name }} }}"
        yield f"{depth} open lists", "{ __type(name: " + "[" * depth
        yield f"{depth} open objects", "{ __type(name: " + "{a:" * depth
        yield f"{depth} list types", f"query ($x: {'[' * depth}Int{']' * depth}) {{ __typename }}"
        yield f"{depth} closing braces", "{ __typename }" + "}" * depth
    yield (
        "lists and objects in turn",
        "{ __type(name: " + "[{a:" * 1_000 + "1" + "}]" * 1_000 + ") { name } }",
    )
    yield "nested lists as a default", f"query ($x: String = {'[' * 900}{']' * 900}) {{ __typename }}"
    yield "nested lists in a directive", f"{{ __typename @skip(if: {'[' * 900}{']' * 900}) }}"


def _values(_schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    def given(value: str) -> str:
        return f"{{ __type(name: {value}) {{ name }} }}"

    for count in (1_000, 10_000, 150_000):
        digits = "9" * count
        yield f"an integer of {count} digits", given(digits)
        yield f"a fraction of {count} digits", given(f"0.{digits}")
        yield f"an exponent of {count} digits", given(f"1e{digits}")
        yield f"a string of {count} characters", given(f'"{digits}"')
        yield f"a string of {count} escapes", given('"' + "\\n" * (count // 2) + '"')
        yield f"a block string of {count} characters", given(f'"""{digits}"""')
        yield f"a block string of {count} lines", given('"""' + "\n" * count + '"""')
        yield f"a block string of {count} quotes", given('"""' + '\\"""' * (count // 5) + '"""')
        yield f"an enum value of {count} characters", given("A" * count)
    yield (
        "a block string indented line by line",
        given('"""' + "\n".join(" " * n for n in range(550)) + '"""'),
    )
    yield "a list of many values", given("[" + "1 " * 80_000 + "]")
    yield "an object of many fields", given("{" + " ".join(f"a{n}: 1" for n in range(15_000)) + "}")
    yield "an object of equal fields", given("{" + "a: 1 " * 30_000 + "}")
    for value in ("01", "-", "1.", "1.e1", "0x1", "+1", ".5", "1_000", "-0", "1e400", "NaN", "'x'", "nul"):
        yield f"the value {value}", given(value)


def _names(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for length in (1_000, 150_000):
        name = "n" * length
        yield f"a field of {length} letters", f"{{ {name} }}"
        yield f"an alias of {length} letters", f"{{ {name}: __typename }}"
        yield f"an argument of {length} letters", f"{{ __typename({name}: 1) }}"
        yield f"an operation of {length} letters", f"query {name} {{ __typename }}"
        yield f"a variable of {length} letters", f"query (${name}: Int) {{ __typename }}"
        yield f"a type of {length} letters", f"query ($x: {name}) {{ __typename }}"
        yield f"a fragment of {length} letters", f"{{ ...{name} }} fragment {name} on Query {{ __typename }}"
        yield f"a directive of {length} letters", f"{{ __typename @{name} }}"
    # A suggestion of a name that was meant compares what was written with each name there is.
    yield "many fields with names like real ones", schema_typos(schema, 300)
    for name in ("__proto__", "constructor", "__class__", "__init__", "toString", "self", "class", "_"):
        yield f"the field {name}", f"{{ {name} }}"
        yield f"the alias {name}", f"{{ {name}: __typename }}"


def schema_typos(schema: AttackedSchema, count: int) -> str:
    return f"{{ {schema.field(' '.join(f'{schema.leaf}{number}' for number in range(count)))} }}"


def _characters(_schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    strange = {
        "null": "\0",
        "a bell": "\x07",
        "delete": "\x7f",
        "a next line": "\x85",
        "a no-break space": "\xa0",
        "a soft hyphen": "\xad",
        "a zero width space": "\u200b",
        "a right-to-left override": "\u202e",
        "a line separator": "\u2028",
        "a full-width brace": "\uff5b",
        "a Cyrillic letter": "\u0430",
        "a combining mark": "\u0301",
        "a private character": "\ue000",
        "no character": "\uffff",
        "an emoji": "\U0001f600",
        "the last character": "\U0010ffff",
        "half a pair": "\ud800",
        "the other half": "\udfff",
    }
    for name, character in strange.items():
        yield f"{name} in the text", f"{{ __type{character}name }}"
        yield f"{name} in a string", f'{{ __type(name: "{character}") {{ name }} }}'
        yield f"{name} in a comment", f"#{character}\n{{ __typename }}"
    for escape in (
        r"\u0000",
        r"\ud800",
        r"\ude00\ud83d",
        r"\u{0}",
        r"\u{110000}",
        r"\u{d800}",
        r"\u{",
        r"\x41",
        "\\",
    ):
        yield f"the escape {escape}", f'{{ __type(name: "{escape}") {{ name }} }}'
    yield "an escape of many digits", '{ __type(name: "\\u{' + "0" * 100_000 + '41}") { name } }'
    yield "many combining marks", '{ __type(name: "a' + "\u0301" * 30_000 + '") { name } }'


def _definitions(_schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for count in (2, 400, 8_000):
        numbers = range(count)
        yield f"{count} operations, none chosen", " ".join(f"query Q{n} {{ __typename }}" for n in numbers)
        yield f"{count} operations of one name", "query Q { __typename } " * count
        yield f"{count} operations without a name", "{ __typename } " * count
        yield (
            f"{count} unused fragments",
            "{ __typename } " + " ".join(f"fragment F{n} on Query {{ __typename }}" for n in numbers),
        )
        yield f"{count} types", " ".join(f"type T{n} {{ a: Int }}" for n in numbers)
        yield f"{count} types beside a query", "{ __typename } " + "type T { a: Int } " * count
        yield f"{count} directives defined", " ".join(f"directive @d{n} on FIELD" for n in numbers)
    yield "a schema", "schema { query: Query }"
    yield "an extension of the schema", 'extend schema @link(url: "x") { query: Query }'
    yield "an extension of a type", "{ __typename } extend type Query { mine: String }"
    yield "a fragment alone", "fragment F on Query { __typename }"
    yield "a union of many members", "union U = " + " | ".join(f"T{n}" for n in range(10_000))
    yield "an enum of many values", "enum E { " + " ".join(f"V{n}" for n in range(15_000)) + " }"
    yield "a subscription", "subscription { __typename }"
    yield "a subscription without a name, to nothing", "subscription { nothing }"
    yield "a mutation of nothing", "mutation { __typename }"


def _variable_definitions(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for count in (100, 900, 10_000):
        numbers = range(count)
        defined = " ".join(f"$v{n}: Int" for n in numbers)
        yield f"{count} unused variables", f"query ({defined}) {{ __typename }}"
        yield (
            f"{count} undefined variables",
            "{ " + " ".join(f"a{n}: __type(name: $v{n}) {{ name }}" for n in numbers) + " }",
        )
        yield f"{count} variables of one name", f"query ({'$v: Int ' * count}) {{ __typename }}"
        yield (
            f"{count} required variables without a value",
            f"query ({defined.replace('Int', 'Int!')}) {{ __typename }}",
        )
        yield (
            f"one variable used {count} times",
            "query ($v: String!) { " + "__type(name: $v) { name } " * count + "}",
        )
    yield "a variable of an unknown type", "query ($v: Nothing) { __typename }"
    yield "a variable of an object type", f"query ($v: {schema.type.name}) {{ __typename }}"
    yield "a variable as its own default", "query ($v: Int = $v) { __typename }"
    yield (
        "variables through a circle of fragments",
        (
            "query A($v: String!) { ...F } query B { ...F } fragment F on Query { ...G a: __type(name: $v) { name } } "
            "fragment G on Query { ...F }"
        ),
    )


def _directives(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for count in (10, 400, 20_000):
        yield f"{count} @skip on one field", f"{{ __typename {'@skip(if: false) ' * count} }}"
        yield f"{count} unknown directives on one field", f"{{ __typename {'@nothing ' * count} }}"
        yield (
            f"{count} different directives",
            "{ __typename " + " ".join(f"@d{n}" for n in range(count)) + " }",
        )
        yield f"{count} directives on the operation", f"query {'@skip(if: true) ' * count} {{ __typename }}"
    yield "a directive on each field", "{ " + schema.field(f"{schema.leaf} @include(if: true) " * 400) + " }"
    yield "a directive on a variable", "query ($v: Int @deprecated) { __typename }"
    yield "@skip without its argument", "{ __typename @skip }"
    yield "@skip with null", "{ __typename @skip(if: null) }"
    yield "@include with a variable of another type", "query ($v: String) { __typename @include(if: $v) }"
    yield "everything skipped", "{ " + schema.field(f"{schema.leaf} @skip(if: true)") + " }"
    yield "@defer", "{ " + schema.field(f"... @defer {{ {schema.leaf} }}") + " }"
    yield "@stream", "{ " + schema.field(f"{schema.leaf} @stream(initialCount: 0)") + " }"
    yield "@specifiedBy on a field", '{ __typename @specifiedBy(url: "x") }'
    yield (
        "a directive of the federation",
        '{ __typename @join__field(graph: USERS) @inaccessible @tag(name: "x") }',
    )


def _broken(_schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for text in (
        "{",
        "}",
        "{}",
        "{ a(",
        "{ a() }",
        "{ ...",
        "{ ... on }",
        "{ : a }",
        "{ a: }",
        "query",
        "query (",
        "@",
        "$",
        "!",
    ):
        yield f"the text {text}", text
    for text in (
        "query () { a }",
        "fragment",
        "fragment on on on { a }",
        "{ ...on }",
        '"',
        '"""',
        '{ a(b: "',
        "{ a(b: 1 b: 2) }",
    ):
        yield f"the text {text}", text
    yield "SQL", "' OR 1=1; DROP TABLE users; --"
    yield "HTML", "<script>alert(1)</script>"
    yield "a template", "{{7*7}}"
    yield "JSON in the query", '{"query": "{ __typename }"}'
