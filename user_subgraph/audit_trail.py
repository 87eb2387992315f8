"""Reading the audit log."""

from dataclasses import dataclass

from user_subgraph.audit import AuditEvent
from user_subgraph.audit_page import AuditFilter, AuditPageRequest
from user_subgraph.audit_repository import audit_page
from user_subgraph.database import Database
from user_subgraph.user_page import Page


@dataclass(frozen=True)
class AuditTrail:
    database: Database

    def page(self, chosen: AuditFilter, request: AuditPageRequest) -> Page[AuditEvent]:
        with self.database.reading() as session:
            return audit_page(session, chosen, request)
