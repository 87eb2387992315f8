"""The bank's page: two buttons instead of a one-time password."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fake_stripe import three_d_secure
from fake_stripe.api_errors import ApiError
from fake_stripe.currencies import written
from fake_stripe.execution import Runtime
from fake_stripe.form_encoding import parse
from fake_stripe.store import StripeObject

_FRAME = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>3D Secure (test)</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 4rem auto; padding: 0 1rem; }}
  button {{ font: inherit; padding: .5rem 1rem; margin-right: .5rem; }}
</style>
<h1>3D Secure test page</h1>
{content}
</html>
"""
_QUESTION = """<p>Your bank asks: {question}</p>
<form method="post">
  <button name="outcome" value="complete">Complete</button>
  <button name="outcome" value="fail">Fail</button>
</form>"""
_DONE = """<p>Authentication {how}. You may close this page.</p>
<script>
  // Stripe.js waits for this when the page stands in a frame or a window of its own.
  const message = {{ type: "fake_stripe_3ds", {kind}: "{intent}" }};
  (window.opener || (window.parent !== window && window.parent))?.postMessage?.(message, "*");
</script>"""


class ThreeDSecurePage:
    """Where `next_action` sends the customer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def routes(self) -> list[Route]:
        """Ask, and take the answer."""
        return [
            Route("/_fake/3ds/{id}", self.ask, methods=["GET"]),
            Route("/_fake/3ds/{id}", self.take_answer, methods=["POST"]),
        ]

    async def ask(self, http: Request) -> Response:
        """Show the two buttons."""
        try:
            with self._runtime.execution() as execution:
                intent = three_d_secure.waiting(execution, http.path_params["id"])
        except ApiError as refusal:
            return _page(f"<p>{escape(refusal.message)}</p>", refusal.status)
        return _page(_QUESTION.format(question=_question(intent)))

    async def take_answer(self, http: Request) -> Response:
        """Let the payment go on, then send the browser back to the shop."""
        passed = parse((await http.body()).decode(errors="replace")).get("outcome") == "complete"
        try:
            with self._runtime.execution() as execution:
                waiting = three_d_secure.waiting(execution, http.path_params["id"])
                end = three_d_secure.complete if passed else three_d_secure.fail
                intent = end(execution, waiting["id"])
        except ApiError as refusal:
            return _page(f"<p>{escape(refusal.message)}</p>", refusal.status)
        address = three_d_secure.return_address(waiting, intent)
        if address:
            return RedirectResponse(address, 303)
        return _page(
            _DONE.format(how="completed" if passed else "failed", kind=intent["object"], intent=intent["id"])
        )


def _question(intent: StripeObject) -> str:
    if intent["object"] == "setup_intent":
        return "may this shop use your card later?"
    return f"do you pay <strong>{escape(written(intent['amount'], intent['currency']))}</strong>?"


def _page(content: str, status: int = 200) -> Response:
    return HTMLResponse(_FRAME.format(content=content), status)
