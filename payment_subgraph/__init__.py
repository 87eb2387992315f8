"""Payments over Stripe as a federated GraphQL service. Start reading at `app.py`."""
