"""The museum: what visitors wrote about works of art, held by four subgraphs.

Six visitors have written two notes each, four about each of three works: asked from the visitors to their notes, on to
the works, and back again, that is 6 -> 12 -> 48 -> 96, the same numbers as in the public federation benchmark.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.federation import Federation, Object

VISITORS = (
    ("1", "Amara Lindqvist", "amara", 2009),
    ("2", "Bertrand Okafor", "bertrand", 2014),
    ("3", "Chiyo Vanderberg", "chiyo", 2016),
    ("4", "Dmitri Alvarado", "dmitri", 2019),
    ("5", "Eleni Marchetti", "eleni", 2021),
    ("6", "Farid Nakamura", "farid", 2024),
)
WORKS = (
    ("1", "The Lighthouse Keeper", 89_900, 110),
    ("2", "Still Life with Tide Table", 129_900, 1_040),
    ("3", "Study of a Heron", 1_500, 22),
    ("4", "Bronze Horse, Unfinished", 49_900, 960),
    ("5", "Harbour in Four Colours", 129_900, 140),
    ("6", "Self-Portrait as a Clockmaker", 699_900, 310),
    ("7", "The Long Table", 399_900, 2_050),
    ("8", "Winter Ferry", 1_000_000, 640),
    ("9", "Portrait of a Cartographer", 999_900, 85),
)
ON_DISPLAY = frozenset("15679")
TEXTS = (Path(__file__).resolve().parent / "museum_notes.txt").read_text().splitlines()


def museum() -> Federation:
    visitors = [_visitor(*row) for row in VISITORS]
    works = [_work(*row) for row in WORKS]
    _write_notes(visitors, works)
    by_id = {each["id"]: each for each in visitors}
    by_number = {each["number"]: each for each in works}

    def entity(subgraph: str, representation: Mapping[str, Any]) -> Object | None:
        if subgraph == "storage":
            # What a loan costs follows from what is sent, so that a gateway which does not send it is found out.
            return _stored(representation)
        if representation["__typename"] == "Work":
            return by_number.get(representation["number"])
        return by_id.get(representation["id"])

    roots = {
        "me": visitors[0],
        "visitor": lambda _info, id: by_id.get(id),  # noqa: A006 - the argument's name in the schema
        "visitors": visitors,
        "featuredWorks": lambda _info, first: works[:first],
    }
    return Federation("museum", roots, entity)


def loan_cost(insured_value: int, weight: int) -> int:
    """A thousandth of the value for the insurer, and a crate."""
    return insured_value // 1_000 + (250 if weight > 1_000 else 40)


def _visitor(identifier: str, name: str, nickname: str, member_since: int) -> Object:
    return {
        "__typename": "Visitor",
        "id": identifier,
        "name": name,
        "nickname": nickname,
        "memberSince": member_since,
        "notes": [],
    }


def _work(number: str, title: str, insured_value: int, weight: int) -> Object:
    known = {"number": number, "insuredValue": insured_value, "weight": weight}
    return {**known, **_stored(known), "title": title, "notes": []}


def _stored(work: Mapping[str, Any]) -> Object:
    return {
        "__typename": "Work",
        "number": work["number"],
        "onDisplay": work["number"] in ON_DISPLAY,
        "loanCost": lambda _info: loan_cost(work["insuredValue"], work["weight"]),
    }


def _write_notes(visitors: list[Object], works: list[Object]) -> None:
    for index in range(12):
        writer, work = visitors[index // 2], works[index % 3]
        note = {
            "__typename": "Note",
            "id": str(index + 1),
            "text": TEXTS[index % len(TEXTS)],
            "writer": writer,
            "work": work,
        }
        writer["notes"].append(note)
        work["notes"].append(note)
