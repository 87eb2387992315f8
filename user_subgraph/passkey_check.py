"""Whether a passkey's answer proves who it says: noted as a use of it, in the transaction that asks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from user_subgraph.errors import PasskeyNotGood
from user_subgraph.passkey import Passkey
from user_subgraph.passkey_repository import PasskeyRepository
from user_subgraph.relying_party import RelyingParty, credential_id_of, owner_named_in
from user_subgraph.user import UserId


@dataclass(frozen=True)
class PasskeyCheck:
    session: Session
    relying_party: RelyingParty
    now: datetime

    def owner_of(self, response: str) -> UserId | None:
        """Whose it says to be, and its passkey is; nothing is proved by it. `None`: nobody's here."""
        try:
            said = owner_named_in(response)
        except PasskeyNotGood:
            return None
        passkey = self._named_in(response)
        return said if passkey is not None and passkey.user_id == said else None

    def is_proved(self, user_id: UserId, response: str, challenge_id: str) -> bool:
        """The user is `locked`, so that no answer counts twice."""
        passkey = self._named_in(response)
        if passkey is None or passkey.user_id != user_id:
            return False
        try:
            sign_count = self.relying_party.new_sign_count(response, passkey, challenge_id.encode())
        except PasskeyNotGood:
            return False
        PasskeyRepository(self.session).note_use(passkey, sign_count, self.now)
        return True

    def _named_in(self, response: str) -> Passkey | None:
        try:
            return PasskeyRepository(self.session).by_credential_id(credential_id_of(response))
        except PasskeyNotGood:
            return None
