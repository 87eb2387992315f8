"""Keeping what lives long out of the garbage collector's way."""

import gc


def set_apart() -> None:
    """Take everything that is there now for something that stays.

    A supergraph is some hundred thousand objects. Looking through them all for garbage, as Python would do now and
    then, takes longer than most requests; once is enough, and again when another supergraph has taken over.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 50)
