"""The command line of a trial, derived from the fields of ``TrialConfig``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn

from agent.config.algorithms import DEFAULTS, PRESETS
from agent.config.trial import EXIT_BAD_ARGUMENTS, TrialConfig, arguments_of


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line on stderr and exit code 2."""

    def error(self, message: str) -> NoReturn:
        print(
            f"{self.prog}: error: {message} (see {self.prog} --help)", file=sys.stderr, flush=True
        )
        raise SystemExit(EXIT_BAD_ARGUMENTS)


def add_trial_arguments(parser: argparse.ArgumentParser, only: Sequence[str] = ()) -> None:
    """Give ``parser`` one option per field of ``TrialConfig``; absent options stay out of the namespace.

    :param only: these fields; none for all
    """
    if not only:
        known = "; ".join(
            f"{name} for {' '.join(arguments_of(params))}" for name, params in PRESETS.items()
        )
        parser.add_argument(
            "--preset", choices=tuple(PRESETS), help=f"unless given otherwise, {known}"
        )
    for spec in fields(TrialConfig):
        if only and spec.name not in only:
            continue
        option, text = "--" + spec.name.replace("_", "-"), spec.metadata["help"]
        default = spec.default
        if "kind" in spec.metadata:
            hint = f"{text} (default {_by_agent(spec.name)})"
            parser.add_argument(
                option,
                type=spec.metadata["kind"],
                default=argparse.SUPPRESS,
                metavar="V",
                help=hint,
            )
        elif isinstance(default, bool):
            parser.add_argument(option, action="store_true", default=argparse.SUPPRESS, help=text)
        elif isinstance(default, (int, float, str)):
            hint = f"{text} (default {default})"
            if "choices" in spec.metadata:
                hint = f"{'|'.join(spec.metadata['choices'])}: {hint}"
            name = spec.metadata.get("metavar", "V")
            hint = hint if default != "" else text
            parser.add_argument(
                option, type=type(default), default=argparse.SUPPRESS, metavar=name, help=hint
            )
        else:
            parser.add_argument(
                option,
                action="append",
                default=argparse.SUPPRESS,
                metavar=spec.metadata.get("metavar", "ID"),
                help=text,
            )


def _by_agent(name: str) -> str:
    """The defaults of a setting in words: one value, or each algorithm's own."""
    own = {agent: settings[name] for agent, settings in DEFAULTS.items() if name in settings}
    found = {agent: "by timesteps" if callable(value) else value for agent, value in own.items()}
    values = list(dict.fromkeys(found.values()))
    if len(values) == 1:
        only = "" if len(found) == len(DEFAULTS) else f" of {', '.join(found)}"
        return f"{values[0]}{only}"
    return ", ".join(f"{agent} {value}" for agent, value in found.items())


def trial_config(namespace: argparse.Namespace) -> TrialConfig:
    """The configuration that a parsed command line asks for.

    :raises UserError: an impossible value
    """
    return TrialConfig(**trial_params(namespace))


def trial_params(namespace: argparse.Namespace) -> dict[str, Any]:
    """The parameters that a command line gives, itself or by its preset, without what it leaves to the defaults."""
    known = {spec.name for spec in fields(TrialConfig)}
    given = {name: value for name, value in vars(namespace).items() if name in known}
    return PRESETS.get(getattr(namespace, "preset", None) or "", {}) | given
