"""Whether the time that an answer takes tells who has an account."""
