"""What a caller may not have is never asked of a subgraph, and is null with an error; whichever way it is asked for."""

from typing import Any

import pytest

from tests.gateway.clinic import asked_by, clinic, denied
from tests.gateway.test_interface_object import media
from tests.gateway.testbed import Federation, changed

CODE = "UNAUTHORIZED_FIELD_OR_TYPE"


def given_away(federation: Federation) -> set[str]:
    """`Type.field` of everything a subgraph was made to say."""
    return {".".join(each) for each in federation.resolved()}


# --- fields -----------------------------------------------------------------------------------------------------------


def test_a_denied_field_is_null_with_an_error_and_is_not_sent() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, '{ patient(id: "1") { name diagnosis } }')

    assert answer == {
        "data": {"patient": {"name": "Ann", "diagnosis": None}},
        "errors": [
            {
                "message": "This needs a valid access token.",
                "path": ["patient", "diagnosis"],
                "extensions": {"code": CODE},
            }
        ],
    }
    assert given_away(federation) == {"Query.patient", "Patient.name"}
    assert "diagnosis" not in federation.sent_to("people")[0]["query"]


def test_who_may_have_it_gets_it() -> None:
    answer = asked_by("visitor", clinic(), '{ patient(id: "1") { name diagnosis } }')

    assert answer == {"data": {"patient": {"name": "Ann", "diagnosis": "flu"}}}


def test_errors_stand_at_real_places_of_lists() -> None:
    answer = asked_by("anonymous", clinic(), "{ patients { id diagnosis } }")

    assert answer["data"] == {"patients": [{"id": "1", "diagnosis": None}, {"id": "2", "diagnosis": None}]}
    assert denied(answer) == [["patients", 0, "diagnosis"], ["patients", 1, "diagnosis"]]


def test_where_there_is_no_object_nothing_is_withheld() -> None:
    assert asked_by("anonymous", clinic(), '{ patient(id: "9") { diagnosis } }') == {
        "data": {"patient": None}
    }


def test_a_denied_non_null_field_takes_its_parents_along() -> None:
    one = asked_by("anonymous", clinic(), '{ patient(id: "1") { name blood } }')
    all_of_them = asked_by("anonymous", clinic(), "{ patients { name blood } }")

    assert one["data"] == {"patient": None}
    assert denied(one) == [["patient", "blood"]]
    assert all_of_them["data"] is None
    assert denied(all_of_them) == [["patients", 0, "blood"]]


def test_an_object_is_asked_for_even_if_all_its_fields_are_denied() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, "{ patients { diagnosis } }")

    assert answer["data"] == {"patients": [{"diagnosis": None}, {"diagnosis": None}]}
    assert given_away(federation) == {"Query.patients"}


def test_if_every_root_field_is_denied_nothing_is_sent() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, "{ me { name } audit }")

    assert answer["data"] == {"me": None, "audit": None}
    assert denied(answer) == [["me"], ["audit"]]
    assert federation.request_count() == 0


def test_the_errors_of_a_long_list_are_bounded() -> None:
    federation = clinic()
    federation.world.roots["Query.patients"][:] *= 500  # type: ignore[index]

    answer = asked_by("anonymous", federation, "{ patients { diagnosis } }")

    assert {each["diagnosis"] for each in answer["data"]["patients"]} == {None}
    assert len(answer["errors"]) == 200


# --- ways to write it -------------------------------------------------------------------------------------------------

ANN = {"name": "Ann"}


@pytest.mark.parametrize(
    ("query", "patient", "path"),
    [
        ("{ patient(id: 1) { name x: diagnosis } }", {"name": "Ann", "x": None}, ["patient", "x"]),
        ("{ patient(id: 1) { name: diagnosis } }", {"name": None}, ["patient", "name"]),
        ("{ patient(id: 1) { id: diagnosis } }", {"id": None}, ["patient", "id"]),
        ("{ patient(id: 1) { __typename: diagnosis } }", {"__typename": None}, ["patient", "__typename"]),
        ("{ p: patient(id: 1) { diagnosis } }", {"diagnosis": None}, ["p", "diagnosis"]),
        ("{ ...A } fragment A on Query { patient(id: 1) { ...B } } fragment B on Patient { diagnosis }", {"diagnosis": None}, ["patient", "diagnosis"]),
        ("{ ... { patient(id: 1) { ... on Patient { ... @include(if: true) { diagnosis } } } } }", {"diagnosis": None}, ["patient", "diagnosis"]),
        ("{ patient(id: 1) { name ... on Person { phone } } }", ANN | {"phone": None}, ["patient", "phone"]),
        ("{ patient(id: 1) { name ... on Person { ... on Patient { diagnosis } } } }", ANN | {"diagnosis": None}, ["patient", "diagnosis"]),
        ("{ patient(id: 1) { name } ...A } fragment A on Query { patient(id: 1) { diagnosis } }", ANN | {"diagnosis": None}, ["patient", "diagnosis"]),
        ("query ($id: ID! = 1, $yes: Boolean! = true) { patient(id: $id) { diagnosis @include(if: $yes) } }", {"diagnosis": None}, ["patient", "diagnosis"]),
        ("{ doctor { patients { doctor { patients { ssn } } } } }", None, ["doctor", "patients", 0, "doctor", "patients", 0, "ssn"]),
    ],
)  # fmt: skip
def test_no_way_of_writing_it_helps(query: str, patient: Any, path: list[str | int]) -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, query)

    assert denied(answer)[0] == path
    if patient:
        assert answer["data"][path[0]] == patient
    assert not {"Patient.diagnosis", "Patient.phone", "Patient.ssn"} & given_away(federation)


def test_a_field_that_is_skipped_is_not_withheld() -> None:
    query = (
        "query ($no: Boolean!) { patient(id: 1) { name diagnosis @include(if: $no) ssn @skip(if: true) } }"
    )

    assert asked_by("anonymous", clinic(), query, no=False) == {"data": {"patient": {"name": "Ann"}}}


def test_one_name_for_two_fields_stays_apart() -> None:
    query = "{ everybody { ... on Patient { x: diagnosis } ... on Doctor { x: phone } } }"

    answer = asked_by("anonymous", clinic(), query)

    assert answer["data"] == {"everybody": [{"x": None}, None, {"x": "33"}]}


# --- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["agent { name }", "agent { __typename }", "alarm", "door"])
def test_a_field_that_returns_a_protected_type_is_denied(field: str) -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, f"{{ {field} }}")

    assert answer["data"] == {field.split(maxsplit=1)[0]: None}
    assert federation.request_count() == 0


@pytest.mark.parametrize("selection", ["{ __typename }", "{ ... on Doctor { name } }", "{ ... on Agent { name expenses } ... on Doctor { name } }"])  # fmt: skip
def test_a_protected_object_out_of_a_union_is_null(selection: str) -> None:
    federation = clinic()

    answer = asked_by("visitor", federation, f"{{ found {selection} }}")

    assert answer["data"]["found"][0] is None
    assert answer["data"]["found"][1]
    assert denied(answer) == [["found", 0]]
    assert answer["errors"][0]["extensions"]["requiredScopes"] == [["staff"]]
    assert not any(each.startswith("Agent.") for each in given_away(federation))


def test_a_protected_object_out_of_an_interface_is_null() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, "{ everybody { id name } }")

    assert answer["data"] == {"everybody": [{"id": "1", "name": "Ann"}, None, {"id": "3", "name": "House"}]}
    assert denied(answer) == [["everybody", 1]]
    assert not any(each.startswith("Agent.") for each in given_away(federation))


def test_who_may_see_all_is_asked_nothing_more() -> None:
    federation = clinic()

    answer = asked_by("nurse", federation, "{ everybody { id name } found { __typename } }")

    assert [each["name"] for each in answer["data"]["everybody"]] == ["Ann", "Bond", "House"]
    assert "... on" not in federation.sent_to("people")[0]["query"]


def test_if_no_object_of_an_interface_may_be_seen_it_is_not_asked_for() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, "{ secrets { file } }")

    assert answer == {"data": None, "errors": answer["errors"]}
    assert denied(answer) == [["secrets"]]
    assert federation.request_count() == 0


def test_a_field_asked_on_an_interface_obeys_the_interface_too() -> None:
    """Composition sums up on the interface what its types demand: House's phone alone is public."""
    federation = clinic()

    on_interface = asked_by("anonymous", federation, "{ everybody { phone } doctor { phone } }")
    sent = given_away(federation)
    on_types = asked_by("anonymous", federation, "{ everybody { ... on Doctor { phone } } }")

    assert on_interface["data"] == {
        "everybody": [{"phone": None}, None, {"phone": None}],
        "doctor": {"phone": "33"},
    }
    assert sent == {"Query.everybody", "Query.doctor", "Doctor.phone"}
    assert on_types["data"] == {"everybody": [{}, None, {"phone": "33"}]}


def test_a_field_asked_both_ways_obeys_both() -> None:
    answer = asked_by("anonymous", clinic(), "{ everybody { phone ... on Doctor { phone } } }")

    assert answer["data"] == {"everybody": [{"phone": None}, None, {"phone": None}]}


def test_a_denied_field_of_one_type_leaves_the_others() -> None:
    federation = clinic()

    answer = asked_by(
        "nurse", federation, "{ found { ... on Agent { name cover } ... on Doctor { name salary } } }"
    )

    assert answer["data"] == {
        "found": [{"name": "Bond", "cover": "Smith"}, {"name": "House", "salary": None}]
    }
    assert denied(answer) == [["found", 1, "salary"]]
    assert "Doctor.salary" not in given_away(federation)


# --- scopes and policies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("caller", "may"), [
    ("anonymous", False), ("visitor", False), ("nurse", False), ("auditor", True), ("chief", True),
])  # fmt: skip
def test_one_alternative_of_scopes_is_enough_but_all_of_it(caller: str, *, may: bool) -> None:
    answer = asked_by(caller, clinic(), "{ audit }")

    assert answer["data"] == {"audit": ["x"] if may else None}
    if not may:
        assert answer["errors"][0]["extensions"] == {
            "code": CODE,
            "requiredScopes": [["audit"], ["night", "staff"]],
        }


@pytest.mark.parametrize(("caller", "may"), [
    ("anonymous", False), ("visitor", False), ("nurse", False), ("payroll", True), ("chief", True),
])  # fmt: skip
def test_policies_are_judged_alike(caller: str, *, may: bool) -> None:
    answer = asked_by(caller, clinic(), "{ doctor { salary } }")

    assert answer["data"] == {"doctor": {"salary": 9 if may else None}}


def test_the_message_says_what_is_missing() -> None:
    query = "{ audit }"

    assert (
        asked_by("anonymous", clinic(), query)["errors"][0]["message"] == "This needs a valid access token."
    )
    assert (
        asked_by("nurse", clinic(), query)["errors"][0]["message"]
        == "The access token lacks a scope for this."
    )
    assert (
        asked_by("nurse", clinic(), "{ doctor { salary } }")["errors"][0]["message"]
        == "No policy allows the caller to see this."
    )


# --- keys and requirements --------------------------------------------------------------------------------------------


def test_a_protected_key_serves_the_gateway_but_stays_inside() -> None:
    """The way to `billing` leads over `ssn`: its value is sent there and nowhere else."""
    federation = clinic()

    answer = asked_by("anonymous", federation, '{ patient(id: "1") { balance ssn: name } }')

    assert answer == {"data": {"patient": {"balance": 5, "ssn": "Ann"}}}
    assert federation.sent_to("billing")[0]["variables"] == {
        "representations": [{"__typename": "Patient", "ssn": "s-1"}]
    }


def test_a_protected_key_is_withheld_though_it_was_fetched() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, "{ doctor { patients { balance number: ssn ssn } } }")
    nullable = asked_by("anonymous", federation, '{ patient(id: "1") { balance x: ssn } }')

    assert answer["data"] == {"doctor": None}
    assert nullable["data"] == {"patient": None}
    assert "s-1" not in str(answer) + str(nullable)


def test_what_a_field_requires_is_required_of_its_caller() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, '{ patient(id: "1") { greeting risk } }')

    assert answer["data"] == {"patient": {"greeting": "Dear Ann", "risk": None}}
    assert "Patient.diagnosis" not in given_away(federation)


# --- mutations --------------------------------------------------------------------------------------------------------

BOTH = 'mutation { a: rename(id: "1", name: "Eve") { name } b: discharge(id: "1") { name } c: rename(id: "2", name: "Al") { name diagnosis } }'


def test_a_denied_mutation_is_not_run_and_the_others_are() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, BOTH)

    assert answer["data"] == {"a": {"name": "Eve"}, "b": None, "c": {"name": "Al", "diagnosis": None}}
    assert denied(answer) == [["b"], ["c", "diagnosis"]]
    assert [name for _, name in federation.subgraphs["people"].resolved] == [
        "rename",
        "name",
        "rename",
        "name",
    ]


def test_a_mutation_runs_though_nothing_of_its_result_may_be_seen() -> None:
    federation = clinic()

    answer = asked_by("anonymous", federation, 'mutation { rename(id: "1", name: "Eve") { diagnosis } }')

    assert answer["data"] == {"rename": {"diagnosis": None}}
    assert "rename" in federation.sent_to("people")[0]["query"]


# --- introspection ----------------------------------------------------------------------------------------------------


def test_the_schema_is_no_secret() -> None:
    answer = asked_by(
        "anonymous", clinic(), '{ __typename __type(name: "Agent") { fields { name } } me { name } }'
    )

    assert "cover" in {each["name"] for each in answer["data"]["__type"]["fields"]}
    assert answer["data"]["__typename"] == "Query"
    assert denied(answer) == [["me"]]


# --- one plan for those who may have the same -------------------------------------------------------------------------

MIXED = "query ($id: ID!) { patient(id: $id) { name diagnosis } doctor { salary } audit }"


def test_no_caller_is_served_with_the_rights_or_variables_of_another() -> None:
    federation = clinic()
    seen = {}
    for _ in range(3):
        for caller in ("chief", "anonymous", "payroll", "visitor", "nurse"):
            for patient in ("1", "2"):
                answer = asked_by(caller, federation, MIXED, id=patient)
                assert seen.setdefault((caller, patient), answer) == answer
                held = answer["data"]
                assert held["patient"]["name"] == {"1": "Ann", "2": "Bob"}[patient]
                assert (held["patient"]["diagnosis"] is None) == (caller == "anonymous")
                assert (held["doctor"]["salary"] is None) == (caller not in {"chief", "payroll"})
                assert (held["audit"] is None) == (caller != "chief")
    assert len(federation.pipeline._plans) == 4  # a nurse lacks of this what a visitor lacks


def test_rights_an_operation_does_not_touch_need_no_plan_of_their_own() -> None:
    federation = clinic()
    for caller in ("anonymous", "visitor", "chief"):
        asked_by(caller, federation, '{ patient(id: "1") { name } }')

    assert len(federation.pipeline._plans) == 1


# --- interface objects ------------------------------------------------------------------------------------------------


def protected_books() -> Federation:
    protected = "type Book implements Media @authenticated @join__type"
    with changed(lambda sdl: sdl.replace("type Book implements Media @join__type", protected)):
        return media()


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ media { stars } }", None),
        ("{ comments { text on { stars } } }", {"comments": [{"text": "Long", "on": None}, {"text": "Short", "on": {"stars": 2}}]}),
        ("{ comments { on { shelfMark } } }", {"comments": [{"on": None}, {"on": {"shelfMark": "U-1"}}]}),
        ("{ comments { on { __typename } } }", {"comments": [{"on": None}, {"on": {"__typename": "Movie"}}]}),
        ("{ comments { on { ... on Movie { minutes } } } }", {"comments": [{"on": None}, {"on": {"minutes": 9}}]}),
        ("{ comments { on { id } } }", {"comments": [{"on": None}, {"on": {"id": "m"}}]}),
        ("{ comments { on { x: stars y: title ... on Book { price } } } }", {"comments": [{"on": None}, {"on": {"x": 2, "y": "Up"}}]}),
        ("{ comments { on { ... @skip(if: true) { id } __typename @include(if: true) } } }", {"comments": [{"on": None}, {"on": {"__typename": "Movie"}}]}),
        ("{ bestMedia { stars comments { text } } }", {"bestMedia": {"stars": 2, "comments": []}}),
        ("{ book { stars } bestMedia { id } }", {"book": None, "bestMedia": {"id": "m"}}),
    ],
)  # fmt: skip
def test_a_subgraph_that_does_not_know_the_type_is_asked_only_about_those_of_the_right_one(
    query: str, data: Any
) -> None:
    federation = protected_books()

    answer = federation.ask(query)

    assert answer["data"] == data
    assert {each for each in given_away(federation) if each.startswith("Book.")} <= {"Book.id"}
    assert {each["extensions"]["code"] for each in answer.get("errors", [])} <= {CODE}


def test_a_denied_field_of_an_interface_object_is_not_asked_for_one_type_and_is_for_another() -> None:
    with changed(_protecting_the_stars_of_books):
        federation = media()

    both = federation.ask("{ comments { on { ... on Book { stars } ... on Movie { stars } } } }")
    sent = given_away(federation)
    of_movies = federation.ask("{ comments { on { ... on Movie { stars } } } }")

    assert both["data"] == {"comments": [{"on": {"stars": None}}, {"on": {"stars": 2}}]}
    assert of_movies == {"data": {"comments": [{"on": {}}, {"on": {"stars": 2}}]}}
    assert "Book.stars" not in sent | given_away(federation)


def _protecting_the_stars_of_books(sdl: str) -> str:
    before, after = sdl.split("type Book implements Media", 1)
    return (
        before
        + "type Book implements Media"
        + after.replace("stars: Int @join__field", "stars: Int @authenticated @join__field", 1)
    )
