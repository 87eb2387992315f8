"""Machines act for themselves: client credentials, and what such a token is good for."""

import pytest

from tests.user_subgraph.service import ENTITIES, Service
from tests.user_subgraph.test_second_factor import claims
from tests.user_subgraph.third_party import Program, machine_of, refused_as
from user_subgraph.oauth_clients import OAuthClients

ADA = "ada@example.com"


@pytest.fixture
def machine(service: Service) -> Program:
    return machine_of(service)


def access(machine: Program, **more: str) -> str:
    response = machine.token(grant_type="client_credentials", **more)
    assert response.status_code == 200, response.text
    token: str = response.get_json()["access_token"]
    return token


def test_a_machine_gets_a_token_in_its_own_name(machine: Program) -> None:
    answer = machine.token(grant_type="client_credentials").get_json()

    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert answer["scope"] == "reports:read users:read"
    told = claims(answer["access_token"])
    assert (told["sub"], told["client_id"]) == (machine.id, machine.id)
    assert "sid" not in told


def test_it_may_ask_for_less_but_not_for_more(machine: Program) -> None:
    assert claims(access(machine, scope="users:read"))["scope"] == "users:read"
    more = machine.token(grant_type="client_credentials", scope="users:read refunds:write")
    assert refused_as(more) == (400, "invalid_scope")


def test_it_has_to_prove_who_it_is(service: Service, machine: Program) -> None:
    wrong = Program(service, machine.id, "wrong")

    assert refused_as(wrong.token(grant_type="client_credentials")) == (401, "invalid_client")


def test_who_keeps_trying_has_to_wait(service: Service, machine: Program) -> None:
    wrong = Program(service, machine.id, "wrong")
    throttling = service.parts.oauth_view.oauth.throttling
    object.__setattr__(throttling, "tells_clients_apart", True)

    statuses = [wrong.token(grant_type="client_credentials").status_code for _ in range(101)]

    assert statuses == [401] * 100 + [429]
    assert access(machine)


def test_it_reads_what_its_scopes_allow_and_is_nobody(service: Service, machine: Program) -> None:
    ada = service.add_user(ADA)
    token = access(machine)

    assert service.data("{ me { id } }", token) is None
    assert service.data("{ users { nodes { email } } }", token) == {"nodes": [{"email": ADA}]}
    found = service.data(ENTITIES, token, who=[{"__typename": "User", "id": ada.id}])
    assert found[0]["email"] == ADA
    assert service.refusal("{ auditEvents { nodes { id } } }", token)["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    "mutation",
    [
        'updateProfile(input: {firstName: "A"})',
        "enrollTotp",
        "enrollPasskey",
        'revokeSession(id: "x")',
        'createUser(input: {email: "x@example.com"})',
        'deleteMyAccount(currentPassword: "x")',
    ],
)
def test_it_changes_no_accounts(service: Service, machine: Program, mutation: str) -> None:
    service.add_user(ADA)
    token, before = access(machine), service.everything()

    assert service.refusal(f"mutation {{ {mutation} {{ __typename }} }}", token)["code"] == "FORBIDDEN"
    assert service.data("mutation { logout { revokedSessions } }", token) == {"revokedSessions": 0}
    assert service.everything() == before


def test_introspection_knows_machines_while_they_are_there(service: Service, machine: Program) -> None:
    token = access(machine)
    other = machine_of(service)

    assert other.introspect(token)["client_id"] == machine.id
    with service.parts.database.writing() as session:
        assert OAuthClients(session).remove(machine.id)
    assert other.introspect(token) == {"active": False}
    assert refused_as(machine.token(grant_type="client_credentials")) == (401, "invalid_client")


def test_a_machines_token_cannot_be_given_back(machine: Program) -> None:
    """No session is behind it; it ends by itself."""
    assert refused_as(machine.post("/oauth/revoke", token=access(machine))) == (400, "unsupported_token_type")


def test_a_machine_is_not_refreshed(machine: Program) -> None:
    response = machine.token(grant_type="refresh_token", refresh_token="x")

    assert refused_as(response) == (400, "unauthorized_client")
