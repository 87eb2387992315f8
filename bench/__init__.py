"""`make bench`: what a request costs in our gateway and in others, over the same subgraphs. See README.md."""
