"""The users subgraph: accounts, login, access tokens and the federated `User`."""
