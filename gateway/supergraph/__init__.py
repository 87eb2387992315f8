"""The composed supergraph, read once: what each subgraph can do, what clients see, what callers must have.

model.py                 what the planner asks of a supergraph
reader.py                the join specification, v0.1 to v0.5, in the file -> the model
linked_specs.py          which specifications the file links, and under which names
api_schema.py            what clients see
authorization.py         what a caller must have: the rules; authorization_reader.py finds them in the file
prices.py                what fields cost; prices_reader.py
override_labels.py       progressive @override
"""
