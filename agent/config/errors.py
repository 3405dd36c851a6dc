"""The error that a person can mend, and the exit codes of every command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_SIM_LOST = 3
EXIT_DIVERGED = 4
EXIT_PRUNED = 5
EXIT_INTERRUPTED = 130


class UserError(ValueError):
    """Input that a person can mend; the text says what was wrong, the value and the remedy.

    :param text: one line
    :param parameters: names in it that are a trial's parameters, which a command tells as the
        person wrote them, see ``told``
    """

    def __init__(self, text: str, *parameters: str) -> None:
        super().__init__(text)
        self.parameters = parameters

    @property
    def subject(self) -> str:
        """The first word of the text, which is what the complaint is about."""
        return str(self).partition(" ")[0].rstrip(":")

    def told(self, spelling: Callable[[str], str]) -> str:
        """The text with each parameter's name, where it first stands, as ``spelling`` has it."""
        text = str(self)
        for name in dict.fromkeys(self.parameters):
            word = rf"(?<![\w-]){re.escape(name)}(?!\w)"
            text = re.sub(word, spelling(name).replace("\\", r"\\"), text, count=1)
        return text


def user_error(error: Exception) -> UserError:
    """An error of another kind as one that a person can mend; one that is stays what it is."""
    if isinstance(error, UserError):
        return error
    return UserError(str(error))


def unknown_text(value: Any, known: Iterable[str]) -> str:
    """Complaint about a value outside a fixed set, with the nearest of those that are known."""
    names = list(known)
    return f"{value!r} is unknown;{did_you_mean(value, names)} choose from {', '.join(names)}"


def did_you_mean(value: Any, known: Iterable[str]) -> str:
    """Words such as `` did you mean gamma?`` with the nearest name; empty if none is near."""
    from difflib import get_close_matches  # only for a complaint

    names = {name.lower(): name for name in known}
    near = get_close_matches(str(value).lower(), names, n=1, cutoff=0.7)
    return f" did you mean {names[near[0]]}?" if near else ""
