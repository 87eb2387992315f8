"""What finds a user: the beginning of any word of the address and the names."""

import pytest

from tests.user_subgraph.service import Service
from user_subgraph.search_keys import MAX_KEY, MAX_WORDS, search_keys_of, sought
from user_subgraph.user import Role
from user_subgraph.user_page import PageRequest, UserFilter, UserOrder
from user_subgraph.user_repository import UserRepository

FIND = "query ($search: String) { users(filter: {search: $search}) { nodes { email } } }"
RENAME = "mutation ($name: String) { updateProfile(input: {lastName: $name}) { __typename } }"
ADA = "ada.lovelace@mail.example.com"


def found(service: Service, admin: str, search: str) -> list[str]:
    return sorted(node["email"] for node in service.data(FIND, admin, search=search)["nodes"])


@pytest.fixture
def admin(service: Service) -> str:
    service.add_user(ADA, first_name="Ada", last_name="King-Noël", display_name="Countess of Lovelace")
    service.add_user("grace@example.org", first_name="Grace", last_name="Hopper")
    return service.token_of("root@staff.example", Role.ADMIN)


@pytest.mark.parametrize(
    "search",
    [
        ADA,
        "ADA",
        "ada.love",
        "lovelace@mail",
        "@mail",
        "mail.example.com",
        "king",
        "King-No",
        "noe\u0308l",
        "NOËL",
        "countess  of",
        "of love",
        " lovelace ",
        "\N{FULLWIDTH LATIN SMALL LETTER A}da",
    ],
)
def test_the_beginning_of_each_word_finds(service: Service, admin: str, search: str) -> None:
    assert found(service, admin, search) == [ADA]


@pytest.mark.parametrize(
    "search", ["velace", "da", "%", "_", "a%a", "ada_", "...", "\N{SNOWMAN}", "adaa", "noel"]
)
def test_nothing_else_does(service: Service, admin: str, search: str) -> None:
    assert found(service, admin, search) == []


def test_spaces_alone_find_nobody_and_no_text_everybody(service: Service, admin: str) -> None:
    assert found(service, admin, " ") == []
    assert len(found(service, admin, "")) == 3


def test_a_changed_name_is_found_and_the_old_one_is_not(service: Service, admin: str) -> None:
    token = service.log_in(ADA).access
    assert service.data(RENAME, token, name="Byron") == {"__typename": "UserSuccess"}

    assert found(service, admin, "byron") == [ADA]
    assert found(service, admin, "king") == []
    assert found(service, admin, "countess") == [ADA]


def test_who_registers_is_found_once_however_often_they_try(service: Service, admin: str) -> None:
    register = """mutation { registerUser(input: {email: "zoe@example.net", password: "battery-staple-nine",
      firstName: "Zoe"}) { __typename } }"""
    other = register.replace('"Zoe"', '"Somebody else"')
    service.data(register)
    before = service.everything()["user_search_keys"]

    service.data(other)

    assert service.everything()["user_search_keys"] == before
    assert found(service, admin, "zoe") == ["zoe@example.net"]
    assert found(service, admin, "somebody") == []


def test_of_an_erased_user_no_key_is_left(service: Service, admin: str) -> None:
    ada = service.rows("SELECT id FROM users WHERE email = 'ada.lovelace@mail.example.com'")[0]["id"]
    erase = "mutation ($id: ID!) { deleteUser(id: $id, mode: ERASE) { __typename } }"
    assert service.data(erase, admin, id=ada) == {"__typename": "DeleteUserSuccess"}

    kept = service.everything()["user_search_keys"]
    assert kept
    assert ada not in {row["user_id"] for row in kept}


def test_pages_and_counts_are_of_users_and_not_of_their_words(service: Service, admin: str) -> None:
    service.add_user("test.test.test@test.example", first_name="Test", last_name="Test")
    with service.parts.database.reading() as session:
        users = UserRepository(session)
        page = users.page(
            UserFilter(search="test"), PageRequest(UserOrder(), 20, backwards=False, position=None)
        )

        assert [user.first_name for user in page.items] == ["Test"]
        assert users.count(UserFilter(search="test")) == 1
        assert users.count(UserFilter(search="example")) == 4


def test_long_texts_have_short_keys_and_not_too_many() -> None:
    keys = search_keys_of([" ".join(f"word{number}" * 10 for number in range(40)), None, ""])

    assert len(keys) == MAX_WORDS
    assert max(map(len, keys)) == MAX_KEY
    assert sought("x" * 300) == "x" * MAX_KEY
