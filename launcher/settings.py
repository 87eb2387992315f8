"""Where the parts of one local system stand: ports, folders, and the environment each process gets."""

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import InvalidSetting

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """Everything a launch depends on, read once.

    `environment` is what the person set: it is handed to every process, and wins over what we derive.
    """

    data_dir: Path
    gateway_port: int
    user_subgraph_port: int
    payment_subgraph_port: int
    fake_stripe_port: int
    demo_mode: bool
    """Whether there are demo accounts and payments."""
    environment: Mapping[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Raises InvalidSetting for a port that is none, and for a DEMO_MODE other than 0 and 1. Empty is not set."""
        return cls(
            data_dir=ROOT / (environment.get("DATA_DIR") or ".data"),
            gateway_port=_port(environment, "GATEWAY_PORT", 8000),
            user_subgraph_port=_port(environment, "USER_SUBGRAPH_PORT", 8001),
            payment_subgraph_port=_port(environment, "PAYMENT_SUBGRAPH_PORT", 8002),
            fake_stripe_port=_port(environment, "FAKE_STRIPE_PORT", 8003),
            demo_mode=_switch(environment, "DEMO_MODE", default=True),
            environment=dict(environment),
        )

    @property
    def uses_fake_stripe(self) -> bool:
        """Without a key of one's own there is nobody to talk to but the fake."""
        return not (self.takes_bank_transfers or self.environment.get("STRIPE_SECRET_KEY"))

    @property
    def takes_bank_transfers(self) -> bool:
        """There is no Stripe then; what else PAYMENT_PROCESSOR may be is the payment subgraph's to say."""
        return self.environment.get("PAYMENT_PROCESSOR") == "bank_transfer"

    @property
    def gateway_url(self) -> str:
        return f"http://{HOST}:{self.gateway_port}"

    @property
    def named_gateway_url(self) -> str:
        """The same place by a name: browsers have passkeys for nothing else."""
        return f"http://localhost:{self.gateway_port}"

    @property
    def users_url(self) -> str:
        return f"http://{HOST}:{self.user_subgraph_port}"

    @property
    def payments_url(self) -> str:
        return f"http://{HOST}:{self.payment_subgraph_port}"

    @property
    def fake_stripe_url(self) -> str:
        return f"http://{HOST}:{self.fake_stripe_port}"

    @property
    def mails_to_show(self) -> Path | None:
        """The folder of mails that are for whoever runs this; None: they go to people, and their links are nobody else's."""
        is_ours = self.demo_mode and not self.environment.get("MAIL_URL")
        return self.data_dir / "mails" if is_ours else None

    def process_environment(self) -> dict[str, str]:
        """The environment of every process: what follows from the ports and folders, then what the person set."""
        chosen = {name: value for name, value in self.environment.items() if value != ""}
        places = {"DATA_DIR": str(self.data_dir), "LISTEN_HOST": HOST, "PYTHONUNBUFFERED": "1"}
        return self._derived() | chosen | places | self._no_proxy()

    def _no_proxy(self) -> dict[str, str]:
        """A proxy that the person needs for the internet must not be asked for the service next door."""
        theirs = self.environment.get("NO_PROXY") or self.environment.get("no_proxy")
        without = ",".join(filter(None, (theirs, HOST, "localhost")))
        return {"NO_PROXY": without, "no_proxy": without}

    def _derived(self) -> dict[str, str]:
        return {
            "GATEWAY_PORT": str(self.gateway_port),
            "USER_SUBGRAPH_PORT": str(self.user_subgraph_port),
            "PAYMENT_SUBGRAPH_PORT": str(self.payment_subgraph_port),
            "FAKE_STRIPE_PORT": str(self.fake_stripe_port),
            "SUBGRAPH_URL_USERS": f"{self.users_url}/graphql",
            "SUBGRAPH_URL_PAYMENTS": f"{self.payments_url}/graphql",
            "TOKEN_ISSUER": self.users_url,
            "TOKEN_AUDIENCE": "modular-payment-system",
            "JWKS_URL": f"{self.users_url}/.well-known/jwks.json",
            "DEMO_MODE": "1" if self.demo_mode else "0",
            # The browser's refresh token travels in a cookie, over plain HTTP here; and sessions are shown with their programs.
            "SUBGRAPH_MUTATION_REQUEST_HEADERS_USERS": "cookie,user-agent,x-refresh-token",
            "SUBGRAPH_MUTATION_RESPONSE_HEADERS_USERS": "set-cookie",
            "REFRESH_COOKIE_SECURE": "0",
            "MAIL_LINK_BASE": f"{self.gateway_url}/account",
            "PAYMENT_GRAPHQL_URL": f"{self.payments_url}/graphql",
            "PUBLIC_URL": self.users_url,
            "PASSKEY_ORIGINS": f"{self.named_gateway_url},http://localhost:{self.user_subgraph_port}",
            "USER_EVENTS_URL": f"{self.payments_url}/events/users",
            "USER_EVENTS_SECRET": self._kept_secret("user_events_secret", "whsec_"),
            "FRONTEND_DIR": str(ROOT / "frontend" / "dist"),
            "GATEWAY_DRAIN_S": "0",  # no load balancer has to notice, and somebody waits at a keyboard
        } | (self._fake_stripe_environment() if self.uses_fake_stripe else {})

    def _fake_stripe_environment(self) -> dict[str, str]:
        return {
            "STRIPE_API_BASE": self.fake_stripe_url,
            "STRIPE_SECRET_KEY": self._kept_secret("fake_stripe_key", "sk_test_"),
            "STRIPE_WEBHOOK_SECRET": self._kept_secret("fake_stripe_webhook_secret", "whsec_"),
            "FAKE_STRIPE_WEBHOOK_URL": f"{self.payments_url}/webhooks/stripe",
        }

    def _kept_secret(self, name: str, prefix: str) -> str:
        """A random secret that stays the same from launch to launch, in a file only its owner can read."""
        path = self.data_dir / "keys" / name
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = path.with_suffix(".new")
            unfinished.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
            unfinished.write_text(prefix + secrets.token_hex(24))
            unfinished.replace(path)  # so that a launch broken off here leaves no empty secret behind
        return path.read_text()


def _port(environment: Mapping[str, str], variable: str, default: int) -> int:
    value = environment.get(variable) or str(default)
    if not (value.isdecimal() and 1 <= int(value) <= 65535):
        raise InvalidSetting(variable, value, "a port number from 1 to 65535")
    return int(value)


def _switch(environment: Mapping[str, str], variable: str, *, default: bool) -> bool:
    value = environment.get(variable) or str(int(default))
    if value not in {"0", "1"}:
        raise InvalidSetting(variable, value, "0 or 1")
    return value == "1"
