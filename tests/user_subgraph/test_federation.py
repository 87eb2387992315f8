"""The SDL of the subgraph, as a composer reads it."""

import pytest
from graphql import build_ast_schema, parse, print_ast
from graphql.language import ObjectTypeDefinitionNode

from tests.user_subgraph.service import Service
from user_subgraph.federation import subgraph_schema, subgraph_sdl

# Word for word as in the payments subgraph; composition fails, or clients see a mixture, when they drift.
SHARED = {
    "DateTime": '"""RFC 3339 timestamp, always UTC, e.g. 2026-11-23T10:15:00Z."""\n'
    'scalar DateTime @specifiedBy(url: "https://scalars.graphql.org/andimarek/date-time")',
    "Error": "interface Error {\n  message: String!\n  code: String!\n}",
    "FieldError": "type FieldError @shareable {\n  path: [String!]!\n  message: String!\n  code: String!\n}",
    "ValidationError": "type ValidationError implements Error @shareable {\n"
    "  message: String!\n  code: String!\n  fields: [FieldError!]!\n}",
    "NotFoundError": "type NotFoundError implements Error @shareable {\n  message: String!\n  code: String!\n  id: ID\n}",
    "ConflictError": '"""The row changed since the client read it (see `version`)."""\n'
    "type ConflictError implements Error @shareable {\n  message: String!\n  code: String!\n  currentVersion: Int\n}",
    "RateLimitedError": '"""\nNothing was done. Users: too many logins failed or too many registrations came of late, '
    "or too many passwords are being checked or set at this moment. Payment methods: the user began to keep too many within an hour.\n"
    '"""\n'
    "type RateLimitedError implements Error @shareable {\n"
    "  message: String!\n  code: String!\n  retryAfterSeconds: Int!\n}",
    "PageInfo": "type PageInfo @shareable {\n  hasNextPage: Boolean!\n  hasPreviousPage: Boolean!\n"
    "  startCursor: String\n  endCursor: String\n}",
    "SortDirection": "enum SortDirection {\n  ASC\n  DESC\n}",
}
PROTECTED = {
    "me": "@authenticated",
    "user": '@requiresScopes(scopes: [["profile:read"], ["users:read"]])',
    "users": '@requiresScopes(scopes: [["users:read"]])',
    "auditEvents": '@requiresScopes(scopes: [["audit:read"]])',
    "registerUser": "",
    "verifyEmail": "",
    "resendVerificationEmail": "",
    "requestPasswordReset": "",
    "resetPassword": "",
    "login": "",
    "beginPasskeyLogin": "",
    "completeMfa": "",
    "refreshToken": "",
    "logout": "@authenticated",
    "revokeSession": '@requiresScopes(scopes: [["profile:write"]])',
    "changePassword": '@requiresScopes(scopes: [["profile:write"]])',
    "dataExport": '@requiresScopes(scopes: [["profile:read"]])',
    "requestDataExport": '@requiresScopes(scopes: [["profile:read"]])',
    "requestEmailChange": '@requiresScopes(scopes: [["profile:write"]])',
    "confirmEmailChange": '@requiresScopes(scopes: [["profile:write"]])',
    "updateProfile": '@requiresScopes(scopes: [["profile:write"]])',
    "enrollTotp": '@requiresScopes(scopes: [["profile:write"]])',
    "confirmTotp": '@requiresScopes(scopes: [["profile:write"]])',
    "disableTotp": '@requiresScopes(scopes: [["profile:write"]])',
    "enrollPasskey": '@requiresScopes(scopes: [["profile:write"]])',
    "confirmPasskey": '@requiresScopes(scopes: [["profile:write"]])',
    "removePasskey": '@requiresScopes(scopes: [["profile:write"]])',
    "deleteMyAccount": '@requiresScopes(scopes: [["profile:write"]])',
    "createUser": '@requiresScopes(scopes: [["users:write"]])',
    "updateUser": '@requiresScopes(scopes: [["users:write"]])',
    "deleteUser": '@requiresScopes(scopes: [["users:write"]])',
}


def definitions() -> dict[str, str]:
    nodes = parse(subgraph_sdl(), no_location=True).definitions
    return {node.name.value: print_ast(node) for node in nodes if hasattr(node, "name")}


@pytest.mark.parametrize("name", SHARED)
def test_shared_value_types_are_word_for_word_the_agreed_ones(name: str) -> None:
    assert definitions()[name] == SHARED[name]


def test_every_root_field_says_who_may_use_it() -> None:
    nodes = parse(subgraph_sdl(), no_location=True).definitions
    roots = [
        n for n in nodes if isinstance(n, ObjectTypeDefinitionNode) and n.name.value in {"Query", "Mutation"}
    ]

    shown = {
        f.name.value: " ".join(print_ast(d) for d in f.directives) for root in roots for f in root.fields
    }
    assert shown == PROTECTED


def test_sessions_say_who_may_see_them() -> None:
    assert (
        'sessions: [Session!] @requiresScopes(scopes: [["profile:read"], ["users:read"]])'
        in definitions()["User"]
    )


def test_the_user_is_an_entity_of_federation_2_9() -> None:
    assert 'type User @key(fields: "id") {' in definitions()["User"]
    assert 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9"' in subgraph_sdl()


def test_the_machinery_of_federation_stays_out_of_the_sdl() -> None:
    assert not [name for name in definitions() if name.startswith("_")]


def test_the_sdl_is_the_executed_schema_plus_directives() -> None:
    printed = build_ast_schema(parse(subgraph_sdl()), assume_valid_sdl=True)
    executed = subgraph_schema()

    machinery = {"_Service", "_Entity", "_Any", "_entities", "_service"}
    names = {name for name in executed.type_map if not name.startswith("__")} - machinery
    assert {name for name in printed.type_map if not name.startswith("__")} == names
    assert executed.query_type
    assert printed.query_type
    assert set(executed.query_type.fields) - machinery == set(printed.query_type.fields)


def test_the_service_gives_its_sdl_to_a_composer(service: Service) -> None:
    assert service.data("{ _service { sdl } }") == {"sdl": subgraph_sdl()}
