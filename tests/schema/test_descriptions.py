"""What the API's descriptions say is so in the API that is served."""

import re

from graphql import GraphQLNamedType, GraphQLObjectType, GraphQLSchema, build_schema

from schema.__main__ import HERE

API = build_schema((HERE / "api.graphql").read_text())


def descriptions(api: GraphQLSchema) -> list[str]:
    ours = [kind for name, kind in api.type_map.items() if not name.startswith("__")]
    return [text for kind in ours for text in _descriptions_of(kind) if text]


def _descriptions_of(kind: GraphQLNamedType) -> list[str | None]:
    parts = [*getattr(kind, "fields", {}).values(), *getattr(kind, "values", {}).values()]
    return [kind.description, *(part.description for part in parts)]


def test_a_mutation_that_a_description_names_is_served() -> None:
    named = {name for text in descriptions(API) for name in re.findall(r"`([a-z]+Payment)`", text)}

    assert "capturePayment" in named
    assert API.mutation_type
    assert named <= API.mutation_type.fields.keys()


def test_what_to_ask_about_a_pending_operation_can_be_asked() -> None:
    pending = API.type_map["OperationPending"]
    asked = [API.type_map[name] for name in ("Subscription", "Query", "OperationPending", "Payment")]

    named = re.findall(r"`(\w+)", pending.description or "")
    assert named == ["paymentUpdated", "payment", "retryAfterSeconds", "pendingOperations"]
    for kind, field in zip(asked, named, strict=True):
        assert isinstance(kind, GraphQLObjectType)
        assert field in kind.fields
