"""One dataclass is the trial.

``TrialConfig`` is at once the runner's command line, the ``params`` of a ledger record and of the
champion's manifest. The parser (``command_line``), its ``--help``, the argument list that the controller
builds and the JSON are all derived from its fields, so a new hyperparameter is one field here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import combinations
from types import SimpleNamespace
from typing import Any, Self

from agent.config.algorithms import DEFAULTS, defaults_of
from agent.worlds.donkey.reward_terms import describe_terms, parse_terms

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_SIM_LOST = 3
EXIT_DIVERGED = 4
EXIT_PRUNED = 5
EXIT_INTERRUPTED = 130

# Shares of its training at which the runner evaluates and the controller looks, whatever --evaluations says, and the
# file that the controller leaves in the trial's folder to have it stop; what is in it is the reason.
RUNGS = (0.25, 0.5, 1.0)
STOP_NAME = "stop.txt"

AUGMENTATIONS = ("flip", "blur", "crop", "brightness", "noise")

LOCALHOST = "127.0.0.1"
BINS = {"n_steer", "n_throttle"}
MEMORY_UNITS = {"M": 1024**2, "G": 1024**3}


class UserError(ValueError):
    """Input that a person can mend; the text says what was wrong, the value and the remedy."""


def _param(default: Any, help: str, **limits: Any) -> Any:
    metadata = {"help": help, **limits}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def _setting(kind: type[int] | type[float] | type[str], help: str, **limits: Any) -> Any:
    """A field of some algorithms: given as ``None`` it becomes the algorithm's default, and stays None without one."""
    return field(default=None, metadata={"help": help, "kind": kind, **limits})


@dataclass(frozen=True, kw_only=True)
class TrialConfig:
    """Everything that decides the outcome of one trial.

    A setting that is not given has the algorithm's default, so ``to_params`` says all that ran; one that does not apply
    to the algorithm is None and refused otherwise, but for action bins as they are by default.

    :raises UserError: a value outside its choices or limits, or a setting of another algorithm
    """

    agent: str = _param("ppo", "learning algorithm", choices=tuple(DEFAULTS))
    env: list[str] = _param(
        ["donkey-generated-track-v0"],
        "environment id, with @[HOST:]PORT in the simulator there; repeat for several tracks at once",
    )
    timesteps: int = _param(10_000, "environment steps of training", low=1)
    eval_episodes: int = _param(5, "episodes of the final evaluation", low=1)
    n_steer: int = _param(7, "steering bins of the discretised action space (DQN)", low=2, high=99)
    n_throttle: int = _param(
        3, "throttle bins of the discretised action space (DQN)", low=2, high=99
    )
    learning_rate: float = _setting(float, "optimiser step size", above=0.0, high=1.0)
    seed: int = _param(0, "seed of everything random in the trial", low=0, high=2**31 - 1)
    reward_shaping: bool = _param(
        False, "train on speed*(1-|cte|/max_cte) instead of the simulator's reward"
    )
    reward: str = _param(
        "sim", "reward to train on", choices=("sim", "speed", "efficiency", "race")
    )
    reward_term: list[str] = _param(
        [],
        "NAME[=VALUE][,SETTING=VALUE...]: a term that changes the training reward; repeat for several, which act in"
        f" this order: {describe_terms()}",
        metavar="TERM",
    )
    observation: str = _param(
        "fast",
        "fast: sky cropped, 40x80, grey, frames stacked; raw: 120x160 RGB",
        choices=("fast", "raw"),
    )
    frame_stack: int = _setting(
        int, "pictures in a fast observation, the newest last", low=1, high=16
    )
    frame_gap: int = _param(1, "decisions from one of these pictures to the next", low=1, high=20)
    action_repeat: int | None = _setting(
        int,
        "control steps that a decision is held for, 20 a second; training counts decisions",
        low=1,
        high=10,
    )
    appearance: str = _param(
        "plain",
        "random: training worlds look otherwise in every episode (light, colours, worn lines, camera, things beside)",
        choices=("plain", "random"),
    )
    augment: list[str] = _param(
        [],
        f"{'|'.join(AUGMENTATIONS)}: change training pictures so, anew in every episode; repeatable",
        metavar="KIND",
    )
    warm_start: str = _param(
        "", "model.zip whose policy training begins with, none by default", metavar="ZIP"
    )
    roads: int = _param(
        0, "random roads to train on, again and again; 0 for another in every episode", low=0
    )
    road_replay: float | None = _setting(
        float,
        "share of training's roads drawn by how much was left to learn there",
        low=0.0,
        high=1.0,
    )
    crossroads: float = _param(
        0.0,
        "share of a taught car's generated roads that are drawn for a narrow crossing",
        low=0.0,
        high=1.0,
    )
    growing: float = _param(
        0.0,
        "share of training in which roads grow from the gentlest to all, and speed with them",
        low=0.0,
        high=1.0,
    )
    n_envs: int = _setting(int, "embedded worlds stepped side by side in training", low=1, high=64)
    max_episode_steps: int = _param(
        1000, "steps after which an episode is truncated (20 a second)", low=1
    )
    max_cte: float = _param(
        8.0, "cross-track error that ends an episode, Unity units (8 u = 1 m)", above=0.0
    )
    steer_limit: float = _param(1.0, "largest steering command", above=0.0, high=1.0)
    throttle_min: float = _param(0.1, "smallest throttle command", low=0.0, high=1.0)
    throttle_max: float = _param(0.35, "largest throttle command", above=0.0, high=1.0)
    evaluations: int = _param(4, "intermediate evaluations that choose the best checkpoint", low=1)
    choosing_episodes: int = _param(
        3, "episodes of each of them, at most 64, in the looks of training", low=1, high=64
    )
    gamma: float = _setting(float, "discount of the next step's worth", low=0.0, below=1.0)
    lr_end: float | None = _setting(
        float, "share of the step size that is left at the end", low=0.0, high=1.0
    )
    batch_size: int = _setting(
        int, "transitions in a gradient step, in rollouts about that many", low=2
    )
    conv_layers: int = _setting(
        int, "layers that see a picture; 2 are sharper and half as fast, 3 a quarter", low=1, high=3
    )
    features_dim: int = _setting(int, "features that they make of it", low=1, high=4096)
    net_width: int = _setting(
        int, "units of the layer between features and output", low=1, high=4096
    )
    max_grad_norm: float = _setting(float, "longest gradient, 0 for any", low=0.0)
    n_steps: int | None = _setting(
        int, "steps of a rollout in each world, fewer so that whole ones add up", low=2
    )
    n_epochs: int | None = _setting(int, "passes over a rollout", low=1, high=1000)
    gae_lambda: float | None = _setting(float, "lambda of the advantages", low=0.0, high=1.0)
    clip_range: float | None = _setting(float, "how far a pass may move the policy", above=0.0)
    vf_coef: float | None = _setting(float, "weight of the value's loss", low=0.0)
    ent_coef: float | None = _setting(
        float, "weight of the entropy, or its beginning where it is learned", low=0.0
    )
    entropy_rate: float | None = _setting(
        float, "step size of the learned entropy weight, 0 to fix it", low=0.0
    )
    target_entropy: float | None = _setting(float, "entropy that the learned weight aims at")
    log_std_init: float | None = _setting(
        float, "logarithm of the exploration's spread at first", low=-20.0, high=2.0
    )
    sde_freq: int | None = _setting(
        int, "steps between draws of state-dependent noise, 0 for plain noise", low=0
    )
    taught: float | None = _setting(
        float,
        "share of training, at its beginning, spent learning from a driver who knows the road",
        low=0.0,
        high=1.0,
    )
    teacher_grip: float | None = _setting(
        float, "share of the tyres' grip that driver uses", above=0.0, high=1.0
    )
    lesson_weight: float | None = _setting(
        float,
        "weight of those lessons beside the reward in the rest of training, 0 to go without",
        low=0.0,
    )
    averaged: float | None = _setting(
        float,
        "share of the steps so far, the latest, whose weights' average drives and is kept",
        low=0.0,
        high=1.0,
    )
    lstm_size: int | None = _setting(int, "units of the memory", low=1, high=4096)
    buffer_size: int | None = _setting(
        int, "most transitions kept, fewer if training is shorter or memory less", low=1
    )
    learning_starts: int | None = _setting(
        int, "random steps before learning, at most a tenth of training", low=0
    )
    train_freq: int | None = _setting(int, "steps of each world between updates", low=1)
    gradient_steps: int | None = _setting(int, "gradient steps of an update", low=1)
    tau: float | None = _setting(
        float, "share of the new weights in the target network's", above=0.0, high=1.0
    )
    return_steps: int | None = _setting(
        int, "rewards summed before the target network is asked", low=1, high=100
    )
    target_clip: float | None = _setting(float, "largest size of a target, 0 for any", low=0.0)
    shift: int | None = _setting(
        int, "pixels by which training pictures are shifted at random", low=0, high=20
    )
    exploration_fraction: float | None = _setting(
        float, "part of training with falling epsilon", low=0.0, high=1.0
    )
    exploration_final: float | None = _setting(float, "epsilon after that", low=0.0, high=1.0)
    noise_std: float | None = _setting(float, "spread of the noise on actions in [-1, 1]", low=0.0)
    policy_delay: int | None = _setting(int, "critic steps for one of the policy", low=1)
    n_critics: int | None = _setting(int, "critics, of which the lowest counts", low=1, high=10)
    n_quantiles: int | None = _setting(int, "quantiles of each critic", low=1, high=200)
    drop_quantiles: int | None = _setting(int, "highest quantiles of each critic to drop", low=0)
    demos: str | None = _setting(str, "recorded drive of record_drive.py to learn from as well")
    demo_weight: float | None = _setting(
        float, "how much likelier it is drawn than an own transition", low=0.0
    )
    demo_repeat: int | None = _setting(int, "how many times each of its transitions counts", low=1)
    demo_decay: int | None = _setting(
        int, "transitions at which that weight is 1, 0 to keep it", low=0
    )
    client: str = _param(
        "own", "what speaks to simulators on ports", choices=("own", "gym-donkeycar")
    )
    reconnect: bool = _param(
        False, "when a simulator is lost, end the episode and connect anew, instead of the trial"
    )
    device: str = _param("auto", "where the network trains", choices=("auto", "cpu", "cuda"))
    deterministic: bool = _param(
        False, "refuse kernels that do not repeat to the last digit on one machine"
    )
    memory_limit: str = _param("8G", "memory the trial may plan for, such as 8G or 900M")

    def __post_init__(self) -> None:
        self._check("agent", self.agent, type(self).__dataclass_fields__["agent"].metadata)
        self._settle()
        for spec in fields(self):
            self._check(spec.name, getattr(self, spec.name), spec.metadata)
        if unknown := [kind for kind in self.augment if kind not in AUGMENTATIONS]:
            raise UserError(
                f"augment {unknown[0]!r} is unknown; choose from {', '.join(AUGMENTATIONS)}"
            )
        if not self.env:
            raise UserError("env is empty; name at least one environment id")
        try:
            parse_terms(self.reward_term)
        except ValueError as error:
            raise UserError(str(error)) from error
        if self.appearance != "plain" and self.addresses:
            raise UserError(
                f"appearance {self.appearance!r} changes embedded worlds only; drop it or {self.addresses[0]}"
            )
        self.addresses  # noqa: B018 - refuses what is no address
        self._check_worlds()
        if self.throttle_min >= self.throttle_max:
            raise UserError(
                f"throttle_min {self.throttle_min} is not below throttle_max {self.throttle_max}; lower it"
            )
        if self.demos and self.action_repeat != 1:
            raise UserError(
                f"action_repeat {self.action_repeat} and demos, recorded step by step, do not go together; drop one"
            )
        if (
            self.drop_quantiles is not None
            and self.n_quantiles is not None
            and self.drop_quantiles >= self.n_quantiles
        ):
            raise UserError(
                f"drop_quantiles {self.drop_quantiles} leaves none of {self.n_quantiles}; lower it"
            )
        parse_memory(self.memory_limit)

    def _check_worlds(self) -> None:
        """Refuse what needs embedded worlds that are stepped as one, where they are not."""
        if self.road_replay and not self.roads:
            raise UserError(
                f"road_replay {self.road_replay} needs roads to choose from; give --roads 512"
            )
        for one, other in combinations(("road_replay", "growing", "crossroads"), 2):
            if (share := getattr(self, one)) and getattr(self, other):
                raise UserError(
                    f"{one} {share} and {other} {getattr(self, other)} both choose roads; set one to 0"
                )
        if self.lesson_weight and not self.taught:
            raise UserError(
                f"lesson_weight {self.lesson_weight} needs lessons to weigh; give --taught 0.5"
            )
        if self.crossroads and not self.taught:
            raise UserError(f"crossroads {self.crossroads} is for lessons; give --taught 0.35")
        for name in ("taught", "road_replay"):
            if getattr(self, name) and (
                self.addresses or self.reward_term or self.training_reward == "efficiency"
            ):
                why = [*self.addresses, *self.reward_term, "reward efficiency"][0]
                raise UserError(
                    f"{name} {getattr(self, name)} is for embedded worlds in one batch; drop it or {why}"
                )

    def _settle(self) -> None:
        """Give the algorithm's settings their defaults, and refuse those of other algorithms."""
        own = defaults_of(self.agent, self.timesteps)
        for spec in fields(self):
            value = getattr(self, spec.name)
            if value is None and spec.name in own:
                object.__setattr__(self, spec.name, own[spec.name])
            elif is_setting(spec.name) and spec.name not in own and value != spec.default:
                others = ", ".join(
                    agent for agent, settings in DEFAULTS.items() if spec.name in settings
                )
                raise UserError(
                    f"{spec.name} {value} is no setting of {self.agent}; drop it or choose {others}"
                )

    @staticmethod
    def _check(name: str, value: Any, limits: Any) -> None:
        if "choices" in limits and value not in limits["choices"]:
            raise UserError(
                f"{name} {value!r} is unknown; choose from {', '.join(limits['choices'])}"
            )
        if limits.get("kind") is int and value is not None and not isinstance(value, int):
            raise UserError(f"{name} {value!r} is not a whole number; give one")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise UserError(f"{name} {value} is not a finite number; give one")
            if "low" in limits and value < limits["low"]:
                raise UserError(f"{name} {value} is too small; give at least {limits['low']}")
            if "above" in limits and value <= limits["above"]:
                raise UserError(f"{name} {value} is too small; give more than {limits['above']}")
            if "high" in limits and value > limits["high"]:
                raise UserError(f"{name} {value} is too large; give at most {limits['high']}")
            if "below" in limits and value >= limits["below"]:
                raise UserError(f"{name} {value} is too large; give less than {limits['below']}")

    @property
    def settings(self) -> SimpleNamespace:
        """What the algorithm is told: its own settings by name, none of them None."""
        return SimpleNamespace(**{name: getattr(self, name) for name in DEFAULTS[self.agent]})

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

        Records from before there were settings tell the action bins of every algorithm, which are dropped, and mean
        four pictures in an observation.

        :raises UserError: an unknown name or an impossible value
        """
        if params.keys() >= BINS and "gamma" not in params:
            dropped = () if params.get("agent", "ppo") == "dqn" else BINS
            params = {"frame_stack": 4} | {
                name: value for name, value in params.items() if name not in dropped
            }
        known = {spec.name for spec in fields(cls)}
        if unknown := sorted(set(params) - known):
            raise UserError(
                f"unknown parameter {unknown[0]!r}; known are {', '.join(sorted(known))}"
            )
        return cls(**params)

    def to_argv(self) -> list[str]:
        """The runner's argument list that parses back to this very configuration."""
        return arguments_of(self.to_params())


def arguments_of(params: Mapping[str, Any]) -> list[str]:
    """The runner's arguments that parse to ``params``."""
    argv: list[str] = []
    for name, value in params.items():
        if value is None:
            continue
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            argv += [option] if value else []
        elif isinstance(value, list):
            argv += [part for item in value for part in (option, str(item))]
        else:
            argv += [option, repr(value) if isinstance(value, float) else str(value)]
    return argv


def is_setting(name: str) -> bool:
    """Whether ``name`` is a setting of some algorithms, not of every trial."""
    return any(name in settings for settings in DEFAULTS.values())


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
