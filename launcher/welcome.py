"""What `make run` prints once everything is ready."""

from pathlib import Path

from launcher.demo import CUSTOMER, FINANCE, PASSWORD
from launcher.settings import Settings

FIRST_QUERY = """{ me { email payments(first: 10) { nodes { id status financialStatus amount { amount currency } refunds { nodes { status amount { amount } } } } } } }"""

PAY_BY_TRANSFER = """mutation { createPayment(input: { idempotencyKey: "my-first-transfer", amount: { amount: "25.00", currency: "EUR" } }) { ... on PaymentSuccess { payment { id status } } ... on Error { message } } }"""
CONFIRM_TRANSFER = """mutation { capturePayment(input: { idempotencyKey: "it-came", paymentId: "pay_…" }) { ... on PaymentSuccess { payment { status financialStatus } } ... on Error { message } } }"""


def welcome(settings: Settings, seconds: float) -> str:
    """The addresses, the demo logins and a query to try."""
    return "\n".join(
        [
            *_addresses(settings, seconds),
            *(_bank_transfers() if settings.takes_bank_transfers else []),
            *(_logins() if settings.demo_mode else _first_login(settings.data_dir)),
            *_closing(settings),
        ]
    )


def _addresses(settings: Settings, seconds: float) -> list[str]:
    return [
        "",
        f"Ready after {seconds:.1f} s.",
        "",
        f"  GraphiQL          {settings.gateway_url}/graphiql",
        f"  Your passkeys     {settings.named_gateway_url}/account/passkeys",
        f"  Gateway           {settings.gateway_url}/graphql",
        f"  User subgraph     {settings.users_url}/graphql",
        f"  Payment subgraph  {settings.payments_url}/graphql",
        *([] if settings.takes_bank_transfers else [f"  Stripe            {_stripe(settings)}"]),
        "",
    ]


def _stripe(settings: Settings) -> str:
    if settings.uses_fake_stripe:
        return f"{settings.fake_stripe_url}   (no card is ever charged)"
    return "the real one"


def _bank_transfers() -> list[str]:
    return [
        "Payments are bank transfers (PAYMENT_PROCESSOR=bank_transfer): there is no Stripe, no card, and no payment yet.",
        "  A customer asks for one; its id is what they write on the transfer:",
        f"    {PAY_BY_TRANSFER}",
        "  When the money is on the account, staff (support, finance or admin) confirm it:",
        f"    {CONFIRM_TRANSFER}",
        "  What finance or admin send back, they note by refundPayment.",
        "",
    ]


def _logins() -> list[str]:
    return [
        f"Demo logins, all with the password {PASSWORD}",
        f"  {CUSTOMER:<20} a customer",
        "  grace@example.com    another customer",
        "  support@example.com  reads everyone's payments",
        f"  {FINANCE:<20} may refund",
        "  admin@example.com    may do everything",
        "",
        f"Open GraphiQL, log in as {CUSTOMER} in the bar on top, and run",
        f"  {FIRST_QUERY}",
        "",
    ]


def _first_login(data_dir: Path) -> list[str]:
    return [
        "There are no demo logins. The first administrator is made by this command (with USER_DATABASE_URL, if you set it);",
        "it asks for the password:",
        f"  DATA_DIR='{data_dir}' .tools/bin/uv run --project user_subgraph \\",
        "    python -m user_subgraph create-admin --email you@example.com",
        "",
    ]


def _closing(settings: Settings) -> list[str]:
    shown = [f"Mails are shown here with their links, and kept in {settings.mails_to_show}."]
    return [
        *(shown if settings.mails_to_show else []),
        f"Logs are in {settings.data_dir / 'logs'}. Ctrl-C stops everything.",
        "",
    ]
