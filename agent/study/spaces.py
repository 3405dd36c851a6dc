"""Search spaces as data: the specification's, a fuller one per agent, and the user's own from a TOML file.

[[parameter]]
name = "learning_rate"
low = 1e-5
high = 1e-2
log = true

[[parameter]]
name = "reward"
choices = ["sim", "speed"]

[[parameter]]
name = "reward_shaping"
choices = [true, false]
when = { reward = "sim" }      # active only then; "integer = true" makes a range whole numbers
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.search.space import AGENTS, Choice, Parameter, Range, Space, trial_space

# What any agent's trial can vary besides the specification's parameters, by the names of TrialConfig.
FULL: tuple[Parameter, ...] = (
    Choice("reward", ("sim", "speed", "efficiency")),
    Choice("reward_shaping", (True, False), when=("reward", "sim")),
    Choice("observation", ("fast", "raw")),
    Choice("frame_stack", (1, 2, 4), when=("observation", "fast")),
    Choice("n_envs", (8, 16, 32, 64)),
    Range("steer_limit", 0.5, 1.0),
    Range("throttle_min", 0.0, 0.2),
    Range("throttle_max", 0.25, 0.6),
    Range("gamma", 0.95, 0.995),
    Choice("batch_size", (32, 64, 128, 256, 512)),
    Choice("conv_layers", (1, 2, 3)),
    Choice("features_dim", (64, 128, 256)),
    Choice("net_width", (32, 64, 128, 256)),
)
# What some agents can be told, and which.
ON_POLICY, OFF_POLICY = ("ppo", "recurrent_ppo"), ("dqn", "sac", "td3", "ddpg", "tqc")
ENTROPY, NOISE = ("sac", "tqc"), ("td3", "ddpg")
SETTINGS: tuple[tuple[Parameter, tuple[str, ...]], ...] = (
    (Range("n_steps", 16, 256, log=True, integer=True), ON_POLICY),
    (Range("n_epochs", 2, 10, integer=True), ON_POLICY),
    (Range("gae_lambda", 0.8, 0.99), ON_POLICY),
    (Range("clip_range", 0.1, 0.4), ON_POLICY),
    (Range("vf_coef", 0.25, 1.0), ON_POLICY),
    (Range("ent_coef", 1e-5, 0.1, log=True), ON_POLICY + ENTROPY),
    (Range("log_std_init", -3.0, 0.0), ON_POLICY + ENTROPY),
    (Choice("sde_freq", (0, 4, 16, 64)), ON_POLICY + ENTROPY),
    (Choice("lstm_size", (32, 64, 128)), ("recurrent_ppo",)),
    (Range("buffer_size", 5_000, 100_000, log=True, integer=True), OFF_POLICY),
    (Range("learning_starts", 200, 2_000, log=True, integer=True), OFF_POLICY),
    (Range("train_freq", 1, 16, log=True, integer=True), OFF_POLICY),
    (Range("gradient_steps", 1, 16, log=True, integer=True), OFF_POLICY),
    (Range("tau", 0.002, 0.1, log=True), OFF_POLICY),
    (Range("return_steps", 1, 8, integer=True), OFF_POLICY),
    (Choice("shift", (0, 2, 4)), OFF_POLICY),
    (Range("exploration_fraction", 0.1, 0.6), ("dqn",)),
    (Range("exploration_final", 0.01, 0.1, log=True), ("dqn",)),
    (Range("entropy_rate", 1e-5, 1e-3, log=True), ENTROPY),
    (Range("target_entropy", -4.0, 0.0), ENTROPY),
    (Range("noise_std", 0.05, 0.5, log=True), NOISE),
    (Range("policy_delay", 1, 4, integer=True), ("td3",)),
    (Range("drop_quantiles", 0, 8, integer=True), ("tqc",)),
)
RANGE_KEYS = {"name", "low", "high", "log", "integer", "when"}
CHOICE_KEYS = {"name", "choices", "when"}


def space_named(name: str, agent: str | None, min_timesteps: int, max_timesteps: int) -> Space:
    """``spec``, ``full``, or the space in the file ``name`` (ending in .toml).

    :param agent: an algorithm to settle it, ``None`` to search among ``AGENTS`` too
    :raises ValueError: an unknown name, a file that is no space, or as ``trial_space``
    """
    spec = trial_space(agent, min_timesteps, max_timesteps)
    if name == "spec":
        return spec
    if name == "full":
        return Space(spec.parameters + FULL + settings_of(agent), spec.context)
    if name.endswith(".toml"):
        own = load_space(Path(name))
        return (
            own
            if agent is None
            else settled(own, {"agent": agent})
            if "agent" in own.names
            else replace(own, context={"agent": agent})
        )
    raise ValueError(f"space {name!r} is unknown; choose spec, full or a file ending in .toml")


def settings_of(agent: str | None) -> tuple[Parameter, ...]:
    """The settings of an algorithm; of all ``AGENTS``, what is not common to them active with its own, for ``None``."""
    if agent is not None:
        return tuple(parameter for parameter, having in SETTINGS if agent in having)
    found: list[Parameter] = []
    for parameter, having in SETTINGS:
        owners = [each for each in AGENTS if each in having]
        if owners:
            found.append(
                parameter
                if len(owners) == len(AGENTS)
                else replace(parameter, when=("agent", owners[0]))
            )
    return tuple(found)


def load_space(path: Path) -> Space:
    """The space in a TOML file.

    :raises ValueError: the file cannot be read or is no space; the text names the file and the parameter
    """
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file).get("parameter", [])
        if not isinstance(tables, list):
            raise ValueError("parameter is not a list; write [[parameter]]")
        return Space(tuple(_parameter(table) for table in tables))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no search space: {error}") from None


def settled(space: Space, values: Mapping[str, Any]) -> Space:
    """``space`` with some parameters fixed: no longer searched, and part of the context of every observation.

    What depends on a fixed choice loses its condition, or goes if another choice was fixed.

    :raises ValueError: a name that the space lacks, an impossible value, or nothing left to search
    """
    if unknown := sorted(set(values) - set(space.names)):
        raise ValueError(f"{unknown[0]!r} is not searched; the space has {', '.join(space.names)}")
    kept: list[Parameter] = []
    gone: set[str] = set()
    for parameter in space.parameters:
        if parameter.name in values:
            parameter.code(values[parameter.name])
            continue
        if parameter.when is not None:
            parent, choice = parameter.when
            if parent in gone or values.get(parent, choice) != choice:
                gone.add(parameter.name)
                continue
            if parent in values:
                parameter = replace(parameter, when=None)
        kept.append(parameter)
    return Space(tuple(kept), {**space.context, **values})


def _parameter(table: Any) -> Parameter:
    name = table.get("name") if isinstance(table, dict) else None
    if not isinstance(name, str):
        raise ValueError(f"parameter {table!r} has no name; give one")
    keys = CHOICE_KEYS if "choices" in table else RANGE_KEYS
    if unknown := sorted(set(table) - keys):
        raise ValueError(f"{name}: key {unknown[0]!r} is unknown; give {', '.join(sorted(keys))}")
    when = table.get("when")
    if when is not None and (not isinstance(when, dict) or len(when) != 1):
        raise ValueError(f'{name}: when {when!r} is not one choice; write {{ parent = "choice" }}')
    condition = next(iter(when.items())) if when else None
    if "choices" in table:
        if not isinstance(table["choices"], list):
            raise ValueError(f"{name}: choices {table['choices']!r} is not a list")
        return Choice(name, tuple(table["choices"]), when=condition)
    for key in ("low", "high"):
        if isinstance(table.get(key), bool) or not isinstance(table.get(key), (int, float)):
            raise ValueError(
                f"{name}: {key} {table.get(key)!r} is not a number; give low and high, or choices"
            )
    for key in ("log", "integer"):
        if not isinstance(table.get(key, False), bool):
            raise ValueError(f"{name}: {key} {table[key]!r} is not true or false")
    return Range(
        name,
        table["low"],
        table["high"],
        log=table.get("log", False),
        integer=table.get("integer", False),
        when=condition,
    )
