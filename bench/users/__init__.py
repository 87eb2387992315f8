"""What it takes to list users, when few and when many are there."""
