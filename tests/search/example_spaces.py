"""Spaces like those of a study: with an agent to choose, and with a fixed one."""

from __future__ import annotations

from agent.search.parameter import Choice, Parameter, Range
from agent.search.space import Space

RATE = Range("learning_rate", 1e-4, 3e-3, log=True)
TIMESTEPS = Range("timesteps", 5_000, 20_000, log=True, integer=True)


def bins(when: tuple[str, str] | None = None) -> tuple[Parameter, ...]:
    return (
        Range("n_steer", 3, 11, integer=True, when=when),
        Range("n_throttle", 2, 6, integer=True, when=when),
    )


BOTH_AGENTS = Space((Choice("agent", ("ppo", "dqn")), *bins(("agent", "dqn")), RATE, TIMESTEPS))
PPO = Space((RATE, TIMESTEPS), {"agent": "ppo"})
DQN = Space((*bins(), RATE), {"agent": "dqn"})
