"""The admin calls by which a developer plays the cardholder and the bank: see README.md."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fake_stripe import admin_objects, disputes, early_fraud_warnings
from fake_stripe.admin_requests import AdminRequest
from fake_stripe.dispute_object import CASE_TYPES, REASONS, Complaint
from fake_stripe.early_fraud_warnings import FRAUD_TYPES
from fake_stripe.execution import Execution, Runtime
from fake_stripe.store import StripeObject

Decision = Callable[[Execution, StripeObject], StripeObject]
DECISIONS: dict[str, Decision] = {
    "escalate": disputes.escalate,
    "win": disputes.win,
    "lose": disputes.lose,
    "close_inquiry": disputes.close_inquiry,
}


class AdminDisputes:
    """Complaints and warnings about charges, and what becomes of them."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def routes(self) -> list[Route]:
        """The calls and their addresses."""
        return [
            Route("/_fake/charges/{id}/dispute", self.open, methods=["POST"]),
            Route("/_fake/charges/{id}/fraud_warning", self.warn, methods=["POST"]),
            *(
                Route(f"/_fake/disputes/{{id}}/{name}", self._deciding(decision), methods=["POST"])
                for name, decision in DECISIONS.items()
            ),
        ]

    async def open(self, http: Request) -> Response:
        """The cardholder complains: about all of the charge, a part, or even more."""
        sent = await AdminRequest.read(http)
        with self._runtime.execution() as execution:
            charge = admin_objects.charge(execution, http.path_params["id"])
            complaint = Complaint(
                case_type=sent.choice("case_type", CASE_TYPES, default="chargeback"),  # type: ignore[arg-type]  # one of CaseType's words
                amount=sent.whole("amount", minimum=1, default=charge["amount_captured"] or charge["amount"]),
                reason=sent.choice("reason", REASONS, default="fraudulent"),
            )
            return JSONResponse(disputes.open_(execution, charge, complaint))

    async def warn(self, http: Request) -> Response:
        """The card's issuer suspects fraud."""
        sent = await AdminRequest.read(http)
        fraud_type = sent.choice("fraud_type", FRAUD_TYPES, default="misc")
        with self._runtime.execution() as execution:
            charge = admin_objects.charge(execution, http.path_params["id"])
            return JSONResponse(early_fraud_warnings.issue(execution, charge, fraud_type))

    def _deciding(self, decision: Decision) -> Callable[[Request], Awaitable[Response]]:
        async def decide(http: Request) -> Response:
            with self._runtime.execution() as execution:
                dispute = admin_objects.dispute(execution, http.path_params["id"])
                return JSONResponse(decision(execution, dispute))

        return decide
