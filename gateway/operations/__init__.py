"""From what a client sent to an operation that may run, and what it is answered.

request.py               a request, freed of HTTP; answer.py, the other end
operation.py             text -> operation: parsed, limited, validated, chosen; known_operations.py keeps them
limits.py, cost.py       how much an operation may ask for; overlapping_fields.py, in linear time
selection.py             what is selected at one place
variables.py             the values of a request's variables
introspection.py         what is answered here
trusted_documents.py     the only texts that are read, where there is a manifest
"""
