"""A parser whose complaints are one line, name what was typed, and know what was meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from agent.config.command_name import add_version
from agent.config.errors import EXIT_BAD_ARGUMENTS, UserError, did_you_mean


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line on stderr and exit code 2."""

    argv: Sequence[str] = ()  # the command line that is parsed, or was

    def __init__(self, *, add_help: bool = True, **options: Any) -> None:
        super().__init__(add_help=add_help, **options)
        if add_help:
            add_version(self)

    def parse_args(  # type: ignore[override]  # typeshed knows more forms
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        self.argv = list(sys.argv[1:] if args is None else args)
        found, strangers = self.parse_known_args(self.argv, namespace)
        if strangers:
            self.error(f"unrecognized arguments: {' '.join(strangers)}{self._meant()}")
        return found

    def error(self, message: str) -> NoReturn:
        if message.startswith("the following arguments are required"):
            message += self._meant()
        raise SystemExit(self._complain(message))

    def refuse(self, error: UserError) -> int:
        """Print an error that a person can mend, in a line; returns the exit code."""
        return self._complain(self.told(error))

    def told(self, error: UserError) -> str:
        """The text of an error, with parameters named as they were typed.

        A complaint's first word is what it is about, so that is named so too.
        """
        return UserError(str(error), error.subject, *error.parameters).told(self.spelling)

    def spelling(self, name: str) -> str:
        """The option of a parameter as it was typed, or as it would be; its name without one."""
        options = [
            option
            for action in self._actions
            if action.dest == name.replace("-", "_")
            for option in action.option_strings
        ]
        typed = [option for argument in self.argv if (option := option_of(argument)) in options]
        return [name, *options[:1], *typed][-1]

    def _complain(self, message: str) -> int:
        line = f"{self.prog}: error: {message} (see {self.prog} --help)"
        print(line, file=sys.stderr, flush=True)
        return EXIT_BAD_ARGUMENTS

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = did_you_mean(value, map(str, action.choices or ()))
            error.message += f";{near}" if near else ""
            raise

    def _meant(self) -> str:
        """Words with the option nearest to the first that is typed and unknown."""
        known = [option for action in self._actions for option in action.option_strings]
        for argument in self.argv:
            option = option_of(argument)
            if option.startswith("--") and option not in known:
                near = did_you_mean(option, known)
                return f";{near}" if near else ""
        return ""


def option_of(argument: str) -> str:
    """The option in an argument such as ``--seed=3``."""
    return argument.partition("=")[0]
