"""`python -m gateway.print_api_schema SUPERGRAPH`: what clients of a gateway with that supergraph see, as SDL."""

import sys
from pathlib import Path

from graphql import lexicographic_sort_schema, print_schema

from gateway.supergraph.reader import load_supergraph


def main(supergraph: Path) -> None:
    """Print the API schema, sorted, so that a difference is always one of meaning."""
    print(print_schema(lexicographic_sort_schema(load_supergraph(supergraph.read_text()).api_schema)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
