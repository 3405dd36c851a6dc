"""The error that a person can mend, and the exit codes of every command."""

from __future__ import annotations

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_SIM_LOST = 3
EXIT_DIVERGED = 4
EXIT_PRUNED = 5
EXIT_INTERRUPTED = 130


class UserError(ValueError):
    """Input that a person can mend; the text says what was wrong, the value and the remedy."""
