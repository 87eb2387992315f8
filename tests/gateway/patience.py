"""How long a test waits for what surely comes. A machine that runs tests may stand still for some seconds, and again."""

LONG_S = 60.0
