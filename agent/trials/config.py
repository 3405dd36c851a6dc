"""One dataclass is the trial.

``TrialConfig`` is at once the runner's command line, the ``params`` of a ledger record and of the
champion's manifest. The parser, its ``--help``, the argument list that the controller builds and the
JSON are all derived from its fields, so a new hyperparameter is one field here.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NoReturn, Self

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_SIM_LOST = 3
EXIT_DIVERGED = 4
EXIT_PRUNED = 5
EXIT_INTERRUPTED = 130

LOCALHOST = "127.0.0.1"
MEMORY_UNITS = {"M": 1024**2, "G": 1024**3}


class UserError(ValueError):
    """Input that a person can mend; the text says what was wrong, the value and the remedy."""


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line on stderr and exit code 2."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: error: {message} (see {self.prog} --help)", file=sys.stderr, flush=True)
        raise SystemExit(EXIT_BAD_ARGUMENTS)


def _param(default: Any, help: str, **limits: Any) -> Any:
    metadata = {"help": help, **limits}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """Everything that decides the outcome of one trial.

    :raises UserError: a value outside its choices or limits
    """

    agent: str = _param("ppo", "learning algorithm", choices=("ppo", "dqn"))
    env: list[str] = _param(
        ["donkey-generated-track-v0"],
        "environment id, with @[HOST:]PORT in the simulator there; repeat for several tracks at once",
    )
    timesteps: int = _param(10_000, "environment steps of training", low=1)
    eval_episodes: int = _param(5, "episodes of the final evaluation", low=1)
    n_steer: int = _param(7, "steering bins of the discretised action space (DQN)", low=2, high=99)
    n_throttle: int = _param(3, "throttle bins of the discretised action space (DQN)", low=2, high=99)
    learning_rate: float = _param(3e-4, "optimiser step size", above=0.0, high=1.0)
    seed: int = _param(0, "seed of everything random in the trial", low=0, high=2**31 - 1)
    reward_shaping: bool = _param(False, "train on speed*(1-|cte|/max_cte) instead of the simulator's reward")
    reward: str = _param("sim", "reward to train on", choices=("sim", "speed", "efficiency"))
    observation: str = _param(
        "fast", "fast: sky cropped, 40x80, grey, 4 frames stacked; raw: 120x160 RGB", choices=("fast", "raw")
    )
    appearance: str = _param(
        "plain",
        "random: training worlds look otherwise in every episode (light, colours, worn lines, camera, things beside)",
        choices=("plain", "random"),
    )
    n_envs: int = _param(8, "embedded worlds stepped side by side in training", low=1, high=64)
    max_episode_steps: int = _param(1000, "steps after which an episode is truncated (20 a second)", low=1)
    max_cte: float = _param(8.0, "cross-track error that ends an episode, Unity units (8 u = 1 m)", above=0.0)
    steer_limit: float = _param(1.0, "largest steering command", above=0.0, high=1.0)
    throttle_min: float = _param(0.1, "smallest throttle command", low=0.0, high=1.0)
    throttle_max: float = _param(0.35, "largest throttle command", above=0.0, high=1.0)
    evaluations: int = _param(4, "intermediate evaluations that choose the best checkpoint", low=1)
    client: str = _param("own", "what speaks to simulators on ports", choices=("own", "gym-donkeycar"))
    reconnect: bool = _param(False, "when a simulator is lost, end the episode and connect anew, instead of the trial")
    device: str = _param("auto", "where the network trains", choices=("auto", "cpu", "cuda"))
    deterministic: bool = _param(False, "refuse kernels that do not repeat to the last digit on one machine")
    memory_limit: str = _param("8G", "memory the trial may plan for, such as 8G or 900M")

    def __post_init__(self) -> None:
        for spec in fields(self):
            self._check(spec.name, getattr(self, spec.name), spec.metadata)
        if not self.env:
            raise UserError("env is empty; name at least one environment id")
        if self.appearance != "plain" and self.addresses:
            raise UserError(
                f"appearance {self.appearance!r} changes embedded worlds only; drop it or {self.addresses[0]}"
            )
        self.addresses  # noqa: B018 - refuses what is no address
        if self.throttle_min >= self.throttle_max:
            raise UserError(f"throttle_min {self.throttle_min} is not below throttle_max {self.throttle_max}; lower it")
        parse_memory(self.memory_limit)

    @staticmethod
    def _check(name: str, value: Any, limits: Any) -> None:
        if "choices" in limits and value not in limits["choices"]:
            raise UserError(f"{name} {value!r} is unknown; choose from {', '.join(limits['choices'])}")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise UserError(f"{name} {value} is not a finite number; give one")
            if "low" in limits and value < limits["low"]:
                raise UserError(f"{name} {value} is too small; give at least {limits['low']}")
            if "above" in limits and value <= limits["above"]:
                raise UserError(f"{name} {value} is too small; give more than {limits['above']}")
            if "high" in limits and value > limits["high"]:
                raise UserError(f"{name} {value} is too large; give at most {limits['high']}")

    @property
    def training_reward(self) -> str:
        """Name of the reward that training sees: ``reward``, or ``speed`` behind ``--reward-shaping``."""
        return "speed" if self.reward_shaping and self.reward == "sim" else self.reward

    @property
    def addresses(self) -> list[str]:
        """``HOST:PORT`` of every environment that is not embedded."""
        split = (split_env(env) for env in self.env)
        return [f"{address[0]}:{address[1]}" for _, address in split if address]

    @property
    def simulator(self) -> str:
        """The record's ``simulator``: ``embedded`` or ``tcp:`` and the addresses."""
        return f"tcp:{','.join(self.addresses)}" if self.addresses else "embedded"

    def to_params(self) -> dict[str, Any]:
        """The record's and the manifest's ``params``."""
        return asdict(self)

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Self:
        """Rebuild from a record; names that this version does not know are refused.

        :raises UserError: an unknown name or an impossible value
        """
        known = {spec.name for spec in fields(cls)}
        if unknown := sorted(set(params) - known):
            raise UserError(f"unknown parameter {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return cls(**params)

    def to_argv(self) -> list[str]:
        """The runner's argument list that parses back to this very configuration."""
        argv: list[str] = []
        for name, value in self.to_params().items():
            option = "--" + name.replace("_", "-")
            if isinstance(value, bool):
                argv += [option] if value else []
            elif isinstance(value, list):
                argv += [part for item in value for part in (option, str(item))]
            else:
                argv += [option, repr(value) if isinstance(value, float) else str(value)]
        return argv


def add_trial_arguments(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` one option per field of ``TrialConfig``; absent options stay out of the namespace."""
    for spec in fields(TrialConfig):
        option, text = "--" + spec.name.replace("_", "-"), spec.metadata["help"]
        default = TrialConfig.__dataclass_fields__[spec.name].default
        if isinstance(default, bool):
            parser.add_argument(option, action="store_true", default=argparse.SUPPRESS, help=text)
        elif isinstance(default, (int, float, str)):
            hint = f"{text} (default {default})"
            if "choices" in spec.metadata:
                hint = f"{'|'.join(spec.metadata['choices'])}: {hint}"
            parser.add_argument(option, type=type(default), default=argparse.SUPPRESS, metavar="V", help=hint)
        else:
            parser.add_argument(option, action="append", default=argparse.SUPPRESS, metavar="ID", help=text)


def trial_config(namespace: argparse.Namespace) -> TrialConfig:
    """The configuration that a parsed command line asks for.

    :raises UserError: an impossible value
    """
    known = {spec.name for spec in fields(TrialConfig)}
    return TrialConfig(**{name: value for name, value in vars(namespace).items() if name in known})


def split_env(env: str) -> tuple[str, tuple[str, int] | None]:
    """The environment id of ``ID[@[HOST:]PORT]``, and where its simulator is; None for the embedded one.

    :raises UserError: no port after the @
    """
    env_id, at, address = env.partition("@")
    return env_id, parse_address(address) if at else None


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``[HOST:]PORT``; without a host this machine's.

    :raises UserError: no port from 1 to 65535
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UserError(f"address {text!r} is not [HOST:]PORT; write it as 9091 or 127.0.0.1:9091")
    return host.strip("[]") or LOCALHOST, int(port)


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``8G`` or ``900M``.

    :raises UserError: no positive number followed by M or G
    """
    number, unit = text[:-1], text[-1:].upper()
    try:
        size = float(number) * MEMORY_UNITS[unit]
    except (ValueError, KeyError):
        size = 0.0
    if not 0.0 < size < math.inf:
        raise UserError(f"memory_limit {text!r} is not a size; write it as 8G or 900M")
    return int(size)
