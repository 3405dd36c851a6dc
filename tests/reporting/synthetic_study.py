"""Made-up records of a study for the tests of the report."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agent.config import files
from agent.config.trial import TrialConfig
from agent.trials.record import Record


def records_of(
    n: int, agents: tuple[str, ...] = ("ppo", "dqn"), failing: float = 0.1, repeated: float = 0.2
) -> list[Record]:
    """Returns the records of a study whose scores peak at a learning rate of 6e-4.

    The peak of DQN is at seven steering bins besides.

    :param n: count of trials
    :param agents: algorithms to draw from
    :param failing: share of the trials that run out of time
    :param repeated: share of the trials that repeat the one before with another seed
    """
    rng = np.random.default_rng(0)
    ended = datetime(2026, 5, 1, 22)
    records = list[Record]()
    for trial in range(1, n + 1):
        again = records and rng.random() < repeated
        agent = str(rng.choice(agents))
        params: dict[str, Any] = {
            "agent": agent,
            "learning_rate": float(f"{10 ** rng.uniform(-4, -2.5):.6g}"),
        }
        if agent == "dqn":
            params["n_steer"] = int(rng.integers(3, 12))
        params = dict(records[-1].params) if again else TrialConfig.of(**params).to_params()
        distance = math.log10(params["learning_rate"]) + 3.2
        score = 300 * math.exp(-3 * distance**2) + 10 * rng.standard_normal()
        if params["agent"] == "dqn":
            score -= 20 * abs(params["n_steer"] - 7)
        fails = rng.random() < failing
        ended += timedelta(seconds=60)
        records.append(
            Record(
                trial=trial,
                timestamp=ended.isoformat(),
                params=params | {"seed": trial},
                mean_reward=None if fails else score,
                std_reward=None if fails else 5.0,
                model_path=None,
                champion=False,
                elapsed_sec=50.0,
                run_status="timeout" if fails else "ok",
                kind="replicate" if again else "search",
                seed=trial,
                cause="took <too> long" if fails else None,
            )
        )
    return records


def write_ledger(folder: Path, records: list[Record]) -> Path:
    """Makes ``records`` the search's ledger in ``folder``, which is returned."""
    folder.mkdir(exist_ok=True)
    text = "".join(record.to_line() + "\n" for record in records)
    (folder / files.SEARCH_LEDGER).write_text(text)
    return folder
