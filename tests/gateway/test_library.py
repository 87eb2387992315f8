"""The plain case: entities by one key."""

from tests.gateway.testbed import Federation, Object, assert_answers_like_one_schema


def library() -> Federation:
    ada: Object = {"__typename": "Author", "id": "a1", "name": "Ada"}
    emma: Object = {"__typename": "Book", "isbn": "1", "title": "Emma", "pages": 400, "author": ada, "isLent": True}
    ulysses: Object = {"__typename": "Book", "isbn": "2", "title": "Ulysses", "pages": None, "isLent": False}
    ben: Object = {"__typename": "Member", "id": "m1", "email": "ben@example.com", "favourite": ulysses}
    loan: Object = {"__typename": "Loan", "book": emma, "member": ben, "days": 3}
    emma["loans"], ulysses["loans"], ben["loans"] = [loan, loan], [], [loan, loan]
    return Federation(
        "library",
        [ada, emma, ulysses, ben],
        {"Query.books": lambda first: [emma, ulysses][:first], "Query.book": lambda isbn: emma, "Query.me": ben,
         "Query.members": [ben, None]},
    )


def test_x() -> None:
    f = library()
    print(f.plan("{ me { email loans { days book { title isLent author { name } } } favourite { title } } }"))
    assert_answers_like_one_schema(f, "{ me { email loans { days book { title isLent author { name } } } favourite { title } } members { id loans { book { isbn } } } books { title loans { member { email } } } }")
