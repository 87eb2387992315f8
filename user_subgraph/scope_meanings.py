"""What each scope that an app can have lets it do, said to the person who is asked."""

MEANINGS = {
    "profile:read": "see your profile: name, e-mail address, telephone number, where you are logged in, and your passkeys",
    "payments:read": "see your payments and your saved payment methods",
    "payments:write": "pay and cancel for you, and change your saved payment methods",
    "payments:read:any": "see everybody's payments",
    "payments:write:any": "pay, capture and cancel for everybody",
    "refunds:write": "give money back",
    "disputes:read": "see disputes",
    "reports:read": "see reports",
    "ledger:read": "see the ledger and the books",
    "users:read": "see everybody's profiles",
    "audit:read": "see the audit log",
    "webhooks:manage": "see webhooks and outgoing messages, and send them again",
}
"""In the order in which they are told."""
