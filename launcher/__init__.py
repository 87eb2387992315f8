"""Sets the whole system up on one machine and runs it: what `make run` does.

Read in this order: `settings` (ports, folders, environment), `preparation` (environments, web page, databases, keys)
and its `steps`, `services` (which processes there are), `supervisor` (start, watch, stop), `demo` and `welcome` (what a
newcomer sees).
"""
