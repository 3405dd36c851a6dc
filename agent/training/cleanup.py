"""Cleanup whose own errors are told and never raised.

They would hide the error that ended a trial, or lose a trial that is done.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def cleanup_stack() -> Iterator[ExitStack]:
    """Gives a stack of what is to be closed in the end."""
    stack = ExitStack()
    try:
        yield stack
    finally:
        with telling_errors("closing"):
            stack.close()


@contextmanager
def telling_errors(work: str) -> Iterator[None]:
    """Tells an error of the block in a line on stderr.

    :param work: the block's, for the line
    """
    try:
        yield
    except Exception as error:
        print(f"{work} failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
