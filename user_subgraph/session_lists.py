"""The sessions of all users that an answer shows, read together."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from user_subgraph.login_session import LoginSession
from user_subgraph.user import UserId

Read = Callable[[Collection[UserId]], Mapping[UserId, Sequence[LoginSession]]]


class SessionLists:
    """Who is expected is read with all others that are, as soon as the sessions of one of them are asked for.

    Others are read each time, and none of it is kept: users whom a mutation shows are of this kind, and the next
    mutation of the same request may end their sessions.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._expected: set[UserId] = set()
        self._known: dict[UserId, Sequence[LoginSession]] = {}

    def expect(self, user_ids: Iterable[UserId]) -> None:
        self._expected.update(user_ids)

    def of(self, user_id: UserId) -> Sequence[LoginSession]:
        if user_id in self._expected:
            found = self._read(self._expected)
            self._known |= {each: found.get(each, ()) for each in self._expected}
            self._expected.clear()
        elif user_id not in self._known:
            return self._read([user_id]).get(user_id, ())
        return self._known[user_id]
