"""The accounts of the demonstration, all with one password that is written in the README."""

from user_subgraph.accounts import Accounts
from user_subgraph.user import Role

PASSWORD = "correct-horse-demo"  # noqa: S105 - public on purpose; needs DEMO_MODE=1
ACCOUNTS = (
    ("ada@example.com", "Ada", "Lovelace", Role.CUSTOMER),
    ("grace@example.com", "Grace", "Hopper", Role.CUSTOMER),
    ("support@example.com", "Sam", "Support", Role.SUPPORT),
    ("finance@example.com", "Fay", "Finance", Role.FINANCE),
    ("admin@example.com", "Alex", "Admin", Role.ADMIN),
)


def create_demo_data(accounts: Accounts) -> int:
    """Add the accounts that are missing and give how many those were."""
    return sum(_added(accounts, *account) for account in ACCOUNTS)


def _added(accounts: Accounts, email: str, first_name: str, last_name: str, role: Role) -> bool:
    if accounts.knows(email):
        return False
    accounts.add_by_operator(
        {
            "email": email,
            "password": PASSWORD,
            "first_name": first_name,
            "last_name": last_name,
            "roles": [role],
        }
    )
    return True
