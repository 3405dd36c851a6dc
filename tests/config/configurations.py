"""Configurations for property tests: some parameters given and some not, of every algorithm."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from agent.config.algorithms import ALGORITHMS
from agent.config.settings import facts_of
from agent.config.trial import TrialConfig


def configs_of(agent: str) -> st.SearchStrategy[TrialConfig]:
    """Configurations of one algorithm."""
    own: dict[str, Any] = {}
    if agent == "dqn":
        own = {"n_steer": st.integers(2, 99), "n_throttle": st.integers(2, 99)}
    if "log_std_init" in facts_of(ALGORITHMS[agent]):
        own["log_std_init"] = st.floats(-20.0, 2.0)
    return st.builds(
        TrialConfig.of,
        agent=st.just(agent),
        env=st.lists(
            st.sampled_from(["donkey-generated-track-v0", "donkey-warren-track-v0@9091"]),
            min_size=1,
            max_size=3,
        ),
        timesteps=st.integers(1, 10**9),
        learning_rate=st.none() | st.floats(1e-300, 1.0, exclude_min=True),
        seed=st.integers(0, 2**31 - 1),
        reward_shaping=st.booleans(),
        reward_term=st.sampled_from([[], ["constant"], ["scale=2", "reckless=0.1,speed=60"]]),
        max_cte=st.floats(1e-9, 1e9),
        throttle_min=st.floats(0.0, 0.4),
        throttle_max=st.floats(0.5, 1.0),
        memory_limit=st.sampled_from(["8G", "900M", "1.5G"]),
        gamma=st.none() | st.floats(0.0, 0.999),
        batch_size=st.none() | st.integers(2, 10**6),
        **own,
    )


CONFIGS = st.sampled_from(sorted(ALGORITHMS)).flatmap(configs_of)
