"""Access tokens with whatever claims, signed with a system's own key; run with the interpreter of the user subgraph:

    DATA_DIR=… user_subgraph/.venv/bin/python -m tests.e2e.signed_tokens '{"iss": …}' '{…}'

Prints one for each list of claims, a line each.
"""

import json
import os
import sys
from pathlib import Path

from joserfc import jwt

from user_subgraph.signing_keys import load_keys

if __name__ == "__main__":
    key = load_keys(Path(os.environ["DATA_DIR"]) / "keys")[-1]
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    for claims in sys.argv[1:]:
        print(jwt.encode(header, json.loads(claims), key.pair))
