"""Selections that a few hundred bytes blow up, in validation, planning or execution."""

from collections.abc import Iterator

from tests.hostile.attacked_schema import AttackedSchema
from tests.hostile.request import HostileRequest, posted


def hostile_selections(schema: AttackedSchema) -> Iterator[HostileRequest]:
    for attacks in (
        _floods,
        _depths,
        _overlaps,
        _inline_fragments,
        _fragments,
        _cycles,
        _bombs,
        _pages,
        _mutations,
    ):
        for name, text in attacks(schema):
            yield posted(f"selection: {name}", text)


def _floods(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    """Sizes just within the usual limits, and far beyond them."""
    for count in (45, 190, 450, 1_900, 20_000):
        numbers = range(count)
        leaf, opening = schema.leaf, schema.opening
        yield (
            f"{count} aliases of a leaf",
            f"{{ {schema.field(' '.join(f'a{n}: {leaf}' for n in numbers))} }}",
        )
        yield f"{count} aliases of __typename", "{ " + " ".join(f"a{n}: __typename" for n in numbers) + " }"
        yield (
            f"{count} aliases of a root field",
            "{ " + " ".join(f"a{n}: {opening} {{ {leaf} }}" for n in numbers) + " }",
        )
        yield f"{count} times the same leaf", f"{{ {schema.field(f'{leaf} ' * count)} }}"
        yield f"{count} unknown fields", "{ " + " ".join(f"nothing{n}" for n in numbers) + " }"
        yield f"{count} unknown arguments", "{ __typename(" + " ".join(f"a{n}: 1" for n in numbers) + ") }"
        yield f"{count} times the same argument", "{ __typename(" + "a: 1 " * count + ") }"


def _depths(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for levels in (5, 10, 15, 18, 19, 20, 21, 40, 100, 190):
        yield f"{levels} levels", f"{{ {schema.nested(levels)} }}"
    for levels in (4, 8, 12, 18):
        chain = schema.chain(levels)
        aliased = "".join(f"{opening} {{ __typename a{level}: " for level, opening in enumerate(chain))
        yield f"{levels} levels with aliases", f"{{ {aliased}__typename{' }' * len(chain)} }}"
        beside = " ".join(f"a{n}: {schema.nested(levels)}" for n in range(10))
        yield f"{levels} levels, ten times side by side", f"{{ {beside} }}"
    for levels in range(2, 8):
        yield f"{levels} levels under two names each", f"{{ {_twice(schema.chain(levels), 'a: ', 'b: ')} }}"


def _twice(chain: list[str], one: str = "", other: str = "") -> str:
    """Each level twice, so that the fields are two to the power of the levels."""
    text = "__typename"
    for opening in reversed(chain):
        text = f"{one}{opening} {{ {text} }} {other}{opening} {{ {text} }}"
    return text


def _overlaps(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    """What the rule that compares fields of equal response names has to compare."""
    leaves = schema.leaves
    different = [leaves[n % len(leaves)] for n in range(2_000)]
    for count in (20, 100, 240, 450, 900, 1_900):
        same = f"{schema.opening} {{ {schema.leaf} }} "
        yield f"{count} equal fields with equal children", "{ " + same * count + "}"
        yield (
            f"{count} fields of one name in conflict",
            f"{{ {schema.field(' '.join(f'a: {each}' for each in different[:count]))} }}",
        )
        yield f"{count} equal fields in fragments of their own", "{ " + f"... {{ {same} }} " * count + "}"
        yield (
            f"{count} equal fields in typed fragments",
            f"{{ {schema.field(f'... on {schema.type.name} {{ {schema.leaf} }} ' * count)} }}",
        )
        arguments = " ".join(f'__type(name: "{n}") {{ name }}' for n in range(count))
        yield f"{count} fields of one name with other arguments", f"{{ {arguments} }}"
        long = "x" * (150_000 // count)
        alike = f'__type(name: "{long}") {{ name }} ' * count
        yield f"{count} fields with long equal arguments", f"{{ {alike} }}"
    for width in (5, 15, 30, 60):
        spread = " ".join(f"...F{n}" for n in range(width))
        fragments = " ".join(
            f"fragment F{n} on {schema.type.name} {{ {' '.join(leaves[:8])} }}" for n in range(width)
        )
        yield f"{width} fragments with equal fields", f"{{ {schema.field(spread)} }} {fragments}"
        nested = " ".join(
            f"fragment F{n} on Query {{ ...F{n + 1} {schema.field(leaves[0])} }}" for n in range(width)
        )
        yield (
            f"{width} fragments with equal fields in a row",
            (f"{{ ...F0 }} {nested} fragment F{width} on Query {{ __typename }}"),
        )
        every = " ".join(
            f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(n + 1, width))} __typename }}"
            for n in range(width)
        )
        yield f"{width} fragments that each spread all after them", f"{{ ...F0 }} {every}"
    for levels in range(2, 8):
        yield f"equal fields twice on each of {levels} levels", f"{{ {_twice(schema.chain(levels))} }}"


def _inline_fragments(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    type_ = schema.type.name
    for count in (30, 55, 150, 400, 3_000):
        yield (
            f"{count} inline fragments in one another",
            "{ " + "... { " * count + "__typename" + " }" * count + " }",
        )
        yield (
            f"{count} typed inline fragments in one another",
            (f"{{ {schema.field(f'... on {type_} {{ ' * count + schema.leaf + ' }' * count)} }}"),
        )
        yield f"{count} inline fragments side by side", "{ " + "... { __typename } " * count + "}"
        yield (
            f"{count} conditional inline fragments in one another",
            (
                "query ($v: Boolean = true) { "
                + "... @include(if: $v) { " * count
                + "__typename"
                + " }" * count
                + " }"
            ),
        )
        yield (
            f"{count} inline fragments with a condition of their own",
            (
                "query ("
                + " ".join(f"$v{n}: Boolean = true" for n in range(count))
                + ") { "
                + " ".join(f"... @include(if: $v{n}) {{ a{n}: __typename }}" for n in range(count))
                + " }"
            ),
        )
    yield "an inline fragment on an unknown type", "{ ... on Nothing { __typename } }"
    yield "an inline fragment on a scalar", "{ ... on String { __typename } }"
    yield "an inline fragment on another object", f"{{ ... on {type_} {{ __typename }} }}"


def _fragments(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    type_, leaf = schema.type.name, schema.leaf
    for count in (20, 90, 110, 500, 4_000):
        numbers = range(count)
        row = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in numbers)
        yield f"a row of {count} fragments", f"{{ ...F0 }} {row} fragment F{count} on Query {{ __typename }}"
        yield (
            f"one fragment spread {count} times",
            f"{{ {schema.field('...F ' * count)} }} fragment F on {type_} {{ {leaf} }}",
        )
        yield f"{count} missing fragments", "{ " + " ".join(f"...F{n}" for n in numbers) + " }"
        yield f"{count} fragments of one name", "{ ...F } " + "fragment F on Query { __typename } " * count
        yield (
            f"{count} fragments spread once",
            "{ "
            + " ".join(f"...F{n}" for n in numbers)
            + " } "
            + " ".join(f"fragment F{n} on Query {{ a{n}: __typename }}" for n in numbers),
        )
    yield "a fragment on an unknown type", "{ ...F } fragment F on Nothing { a }"
    yield "a fragment on a scalar", "{ ...F } fragment F on String { a }"


def _cycles(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    for length in (1, 2, 3, 20, 90, 1_000):
        circle = " ".join(
            f"fragment F{n} on Query {{ ...F{(n + 1) % length} __typename }}" for n in range(length)
        )
        yield f"a circle of {length} fragments", f"{{ ...F0 }} {circle}"
        yield f"an unused circle of {length} fragments", f"{{ __typename }} {circle}"
    chain = schema.chain(2)
    inner = "".join(f"{opening} {{ " for opening in chain) + "...F" + " }" * len(chain)
    yield "a fragment that holds itself further down", f"{{ ...F }} fragment F on Query {{ {inner} }}"
    tangle = " ".join(
        f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(30))} }}" for n in range(30)
    )
    yield "thirty fragments that all spread each other", f"{{ ...F0 }} {tangle}"


def _bombs(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    """Fragments that spread the next one twice: 2^levels fields."""
    for levels in (5, 9, 12, 16, 20, 30, 60, 90):
        for what, type_, opening in (
            ("the root", "Query", ""),
            ("an object", schema.type.name, schema.opening),
        ):
            leaf = "__typename" if type_ == "Query" else schema.leaf
            bomb = " ".join(f"fragment F{n} on {type_} {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
            last = f"fragment F{levels} on {type_} {{ {leaf} }}"
            entrance = f"{{ {opening} {{ ...F0 }} }}" if opening else "{ ...F0 }"
            yield f"2^{levels} spreads on {what}", f"{entrance} {bomb} {last}"
        inline = " ".join(
            f"fragment F{n} on Query {{ ... {{ ...F{n + 1} }} ... {{ ...F{n + 1} }} }}" for n in range(levels)
        )
        yield (
            f"2^{levels} spreads in inline fragments",
            f"{{ ...F0 }} {inline} fragment F{levels} on Query {{ __typename }}",
        )
    for levels in (3, 6, 9):
        type_ = "__Type"
        aliased = " ".join(
            f"fragment F{n} on {type_} {{ a: ofType {{ ...F{n + 1} }} b: ofType {{ ...F{n + 1} }} }}"
            for n in range(levels)
        )
        yield (
            f"2^{levels} fields under two names",
            (f'{{ __type(name: "Query") {{ ...F0 }} }} {aliased} fragment F{levels} on {type_} {{ name }}'),
        )


def _pages(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    sizes = (
        "0",
        "-1",
        "100",
        "101",
        "1000000",
        "2147483647",
        "2147483648",
        "-2147483649",
        "9" * 400,
        "1.5",
        '"1"',
        "null",
        "[1]",
    )
    for size in sizes:
        for opening in schema.connections:
            name = opening.partition("(")[0]
            shown = size if len(size) < 20 else f"{len(size)} digits"
            yield f"{name} with first: {shown}", f"{{ {opening.format(first=size)} {{ __typename }} }}"
    for opening in schema.connections:
        name = opening.partition("(")[0]
        page = opening.format(first="100")
        for count in (10, 45, 100):
            yield (
                f"{count} pages of {name}",
                "{ "
                + " ".join(
                    f"a{n}: {page} {{ nodes {{ __typename }} edges {{ cursor node {{ __typename }} }} totalCount }}"
                    for n in range(count)
                )
                + " }",
            )
        yield f"{name} forwards and backwards", f"{{ {page[:-1]}, last: 100) {{ __typename }} }}"


def _mutations(schema: AttackedSchema) -> Iterator[tuple[str, str]]:
    root = schema.schema.mutation_type
    for name in root.fields if root else ():
        yield f"{name} without arguments", f"mutation {{ {name} {{ __typename }} }}"
        yield f"{name} as a query", f"query {{ {name} {{ __typename }} }}"
    for count in (5, 50, 1_000):
        yield (
            f"{count} mutations at once",
            "mutation { " + " ".join(f"a{n}: __typename" for n in range(count)) + " }",
        )
