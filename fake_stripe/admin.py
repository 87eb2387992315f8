"""The admin API under `/_fake/`: look inside, let time pass, make things happen and go wrong. See README.md."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fake_stripe import admin_objects, faults, refunds, three_d_secure, webhook_deliveries
from fake_stripe.admin_requests import AdminRequest, FieldProblem
from fake_stripe.api_errors import ApiError
from fake_stripe.execution import Runtime
from fake_stripe.faults import EXECUTED, FAULT_KINDS, Fault


class Admin:
    """Every admin call; what they change is caused by Stripe itself, as far as events tell."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._store = runtime.store

    def routes(self) -> list[Route]:
        """The calls and their addresses."""
        return [
            Route("/_fake/state", self.state, methods=["GET"]),
            Route("/_fake/reset", self.reset, methods=["POST"]),
            Route("/_fake/clock/advance", self.advance_clock, methods=["POST"]),
            Route("/_fake/payment_intents/{id}/complete_3ds", self.complete_3ds, methods=["POST"]),
            Route("/_fake/payment_intents/{id}/fail_3ds", self.fail_3ds, methods=["POST"]),
            Route("/_fake/setup_intents/{id}/complete_3ds", self.complete_3ds, methods=["POST"]),
            Route("/_fake/setup_intents/{id}/fail_3ds", self.fail_3ds, methods=["POST"]),
            Route("/_fake/refunds/{id}/fail", self.fail_refund, methods=["POST"]),
            Route("/_fake/refunds/{id}/succeed", self.succeed_refund, methods=["POST"]),
            Route("/_fake/faults", self.list_faults, methods=["GET"]),
            Route("/_fake/faults", self.add_fault, methods=["POST"]),
            Route("/_fake/faults", self.clear_faults, methods=["DELETE"]),
            Route("/_fake/webhook_deliveries", self.list_deliveries, methods=["GET"]),
            Route("/_fake/webhook_deliveries/pause", self.pause_deliveries, methods=["POST"]),
            Route("/_fake/webhook_deliveries/resume", self.resume_deliveries, methods=["POST"]),
            Route("/_fake/webhook_deliveries/drop", self.drop_deliveries, methods=["POST"]),
            Route("/_fake/webhook_deliveries/duplicate", self.duplicate_deliveries, methods=["POST"]),
        ]

    async def state(self, _: Request) -> Response:
        """What the fake holds."""
        return JSONResponse(
            {
                "now": self._runtime.clock.now(),
                "objects": self._counts("SELECT object AS name, count(*) AS n FROM objects GROUP BY object"),
                "payment_intents": self._counts(
                    "SELECT json_extract(body, '$.status') AS name, count(*) AS n FROM objects"
                    " WHERE object = 'payment_intent' GROUP BY 1"
                ),
                "webhook_deliveries": self._counts(
                    "SELECT state AS name, count(*) AS n FROM webhook_deliveries GROUP BY state"
                ),
                "webhook_deliveries_paused": webhook_deliveries.is_paused(self._store),
                "idempotency_keys": self._counts(
                    "SELECT 'kept' AS name, count(*) AS n FROM idempotency_keys"
                )["kept"],
                "due_work": [
                    dict(row) for row in self._store.rows("SELECT due_at, kind, details FROM due_work")
                ],
                "faults": faults.listed(self._store),
            }
        )

    def _counts(self, sql: str) -> dict[str, int]:
        return {row["name"]: row["n"] for row in self._store.rows(sql)}

    async def reset(self, _: Request) -> Response:
        """Begin with an empty account; the clock keeps its time."""
        with self._runtime.execution() as execution:
            execution.store.forget_everything()
        return JSONResponse({"reset": True})

    async def advance_clock(self, http: Request) -> Response:
        """Let time pass; what falls due on the way is done."""
        sent = await AdminRequest.read(http)
        self._runtime.clock.advance(sent.number("seconds", minimum=0))
        with self._runtime.execution():
            return JSONResponse({"now": self._runtime.clock.now()})

    async def complete_3ds(self, http: Request) -> Response:
        """The customer passes 3-D Secure."""
        with self._runtime.execution() as execution:
            return JSONResponse(three_d_secure.complete(execution, http.path_params["id"]))

    async def fail_3ds(self, http: Request) -> Response:
        """The customer fails 3-D Secure."""
        with self._runtime.execution() as execution:
            return JSONResponse(three_d_secure.fail(execution, http.path_params["id"]))

    async def fail_refund(self, http: Request) -> Response:
        """The bank sends a refund back, even one that had succeeded."""
        sent = await AdminRequest.read(http)
        reason = sent.choice("failure_reason", refunds.FAILURE_REASONS, default="expired_or_canceled_card")
        with self._runtime.execution() as execution:
            refund = admin_objects.refund(execution, http.path_params["id"])
            return JSONResponse(refunds.fail(execution, refund, reason))

    async def succeed_refund(self, http: Request) -> Response:
        """A pending refund arrives."""
        with self._runtime.execution() as execution:
            refund = admin_objects.refund(execution, http.path_params["id"])
            return JSONResponse(refunds.succeed(execution, refund))

    async def list_faults(self, _: Request) -> Response:
        """The faults still to come."""
        return JSONResponse({"faults": faults.listed(self._store)})

    async def add_fault(self, http: Request) -> Response:
        """Let the next matching requests go wrong."""
        sent = await AdminRequest.read(http)
        fault = Fault(
            kind=sent.choice("kind", FAULT_KINDS),  # type: ignore[arg-type]  # one of FaultKind's words
            seconds=sent.number("seconds", minimum=0, default=0),
            executed=sent.choice("executed", EXECUTED, default="never"),  # type: ignore[arg-type]  # likewise
        )
        method, path = sent.text("method", default="POST"), sent.text("path", default="/v1/*")
        with self._runtime.execution() as execution:
            faults.add(execution.store, fault, method, path, sent.whole("count", minimum=1, default=1))
        return await self.list_faults(http)

    async def clear_faults(self, http: Request) -> Response:
        """Nothing goes wrong any more."""
        with self._runtime.execution() as execution:
            faults.clear(execution.store)
        return await self.list_faults(http)

    async def list_deliveries(self, _: Request) -> Response:
        """The newest hundred deliveries."""
        rows = [dict(row) for row in webhook_deliveries.listed(self._store)]
        return JSONResponse({"paused": webhook_deliveries.is_paused(self._store), "deliveries": rows})

    async def pause_deliveries(self, http: Request) -> Response:
        """Hold all deliveries back."""
        with self._runtime.execution() as execution:
            webhook_deliveries.pause(execution.store, paused=True)
        return await self.list_deliveries(http)

    async def resume_deliveries(self, http: Request) -> Response:
        """Let them go again."""
        with self._runtime.execution() as execution:
            webhook_deliveries.pause(execution.store, paused=False)
        return await self.list_deliveries(http)

    async def drop_deliveries(self, http: Request) -> Response:
        """Never deliver the next events, or one event."""
        sent = await AdminRequest.read(http)
        with self._runtime.execution() as execution:
            if event := sent.text("event", default=""):
                webhook_deliveries.drop(execution.store, event)
            else:
                webhook_deliveries.ask_for_next(execution.store, "drop", sent.whole("next", minimum=0))
        return await self.list_deliveries(http)

    async def duplicate_deliveries(self, http: Request) -> Response:
        """Deliver the next events twice, or one event once more."""
        sent = await AdminRequest.read(http)
        with self._runtime.execution() as execution:
            if event := sent.text("event", default=""):
                webhook_deliveries.add(execution.store, event, execution.clock.time())
            else:
                webhook_deliveries.ask_for_next(execution.store, "duplicate", sent.whole("next", minimum=0))
        return await self.list_deliveries(http)


async def refused(_: Request, refusal: Exception) -> Response:
    """An admin call that cannot be done, in the API's error shape."""
    if isinstance(refusal, FieldProblem):
        return JSONResponse({"error": {"message": str(refusal), "type": "invalid_request_error"}}, 400)
    if isinstance(refusal, ApiError):
        return JSONResponse(refusal.body("req_admin"), refusal.status)
    raise refusal
