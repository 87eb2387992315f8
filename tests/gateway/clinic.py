"""A clinic whose data not everybody may have, and the people who ask for it."""

from typing import Any

from gateway.supergraph.authorization import ANONYMOUS, Caller
from tests.gateway.testbed import Federation, Object

CALLERS = {
    "anonymous": ANONYMOUS,
    "visitor": Caller(is_authenticated=True),
    "nurse": Caller(is_authenticated=True, scopes=frozenset({"staff"})),
    "auditor": Caller(is_authenticated=True, scopes=frozenset({"audit"})),
    "payroll": Caller(is_authenticated=True, policies=frozenset({"payroll"})),
    "chief": Caller(
        is_authenticated=True,
        scopes=frozenset({"staff", "night", "audit"}),
        policies=frozenset({"board", "present"}),
    ),
}


class NamedCallers:
    """The name in the Authorization header is believed."""

    async def identify(self, authorization: tuple[bytes, ...]) -> Caller:
        return CALLERS[authorization[0].decode()] if authorization else ANONYMOUS


def clinic() -> Federation:
    ann: Object = {
        "__typename": "Patient", "id": "1", "ssn": "s-1", "name": "Ann", "phone": "11", "diagnosis": "flu", "blood": "A",
        "balance": 5, "greeting": "Dear Ann", "risk": 1, "premium": 3,
    }  # fmt: skip
    bob: Object = {
        "__typename": "Patient", "id": "2", "ssn": "s-2", "name": "Bob", "phone": "22", "diagnosis": "gout", "blood": "B",
        "balance": 7, "greeting": "Dear Bob", "risk": 2, "premium": 4,
    }  # fmt: skip
    house: Object = {"__typename": "Doctor", "id": "3", "name": "House", "phone": "33", "salary": 9}
    bond: Object = {
        "__typename": "Agent", "id": "4", "name": "Bond", "phone": "44", "cover": "Smith", "expenses": 900,
    }  # fmt: skip
    house["patients"] = [ann, bob]
    ann["doctor"] = bob["doctor"] = house
    secrets = [{"__typename": "Mole", "file": "m"}, {"__typename": "Sleeper", "file": "s"}]
    patients = {each["id"]: each for each in (ann, bob)}
    roots: dict[str, Any] = {
        "Query.me": ann,
        "Query.patient": lambda id: patients.get(id),  # noqa: A006, PLW0108 — the argument's name
        "Query.patients": [ann, bob],
        "Query.doctor": house,
        "Query.everybody": [ann, bond, house],
        "Query.found": [bond, house],
        "Query.secrets": secrets,
        "Query.agent": bond,
        "Query.alarm": "RED",
        "Query.door": "0000",
        "Query.audit": ["x"],
        "Mutation.rename": lambda id, name: patients[id] | {"name": name},  # noqa: A006
        "Mutation.discharge": lambda id: patients[id],  # noqa: A006
    }
    return Federation("clinic", [ann, bob, house, bond], roots, callers=NamedCallers())


def asked_by(name: str, federation: Federation, query: str, **variables: Any) -> dict[str, Any]:
    """The answer that one of CALLERS gets."""
    return federation.ask(query, variables, authorization=(name.encode(),))


def denied(answer: dict[str, Any]) -> list[list[str | int]]:
    """Where the answer says that something is withheld; it must say nothing else."""
    errors = answer.get("errors", [])
    assert {each["extensions"]["code"] for each in errors} <= {"UNAUTHORIZED_FIELD_OR_TYPE"}, errors
    return [each["path"] for each in errors]
