"""Reading the audit log, and forgetting in time where its acts came from."""

from dataclasses import dataclass
from datetime import datetime

from user_subgraph.audit import AuditEvent
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.audit_repository import audit_page, forget_origins_before
from user_subgraph.database import Database
from user_subgraph.user_page import Page

_AT_ONCE = 1_000


@dataclass(frozen=True)
class AuditTrail:
    database: Database

    def page(self, chosen: AuditFilter, request: AuditPageRequest) -> Page[AuditEvent]:
        with self.database.reading() as session:
            return audit_page(session, chosen, request)

    def forget_origins_before(self, moment: datetime) -> int:
        """In small transactions, so that nobody waits long for SQLite's one writer; gives how many."""
        forgotten = 0
        while True:
            with self.database.writing() as session:
                some = forget_origins_before(session, moment, at_most=_AT_ONCE)
            forgotten += some
            if some < _AT_ONCE:
                return forgotten
