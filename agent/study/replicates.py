"""Replicates of a study: the configuration under test, trained again on the next fresh seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.config.errors import UserError
from agent.config.flat import not_hyperparameters
from agent.config.trial import TrialConfig
from agent.study.champion_selection import select_champion
from agent.study.own_records import OwnRecords
from agent.trials.folders import Launch
from agent.trials.record import Record, config_id
from agent.trials.task import of_task


class Replicates:
    """Chooses replicates.

    :param own: tells which configurations are the study's
    :param confirm_seeds: see ``select_champion``; 0 for no replicates
    :param say: takes lines for the log
    """

    def __init__(self, own: OwnRecords, confirm_seeds: int, say: Callable[[str], object]) -> None:
        self._own = own
        self._base = own.plan.base
        self._params = own.plan.base.to_params()
        self._confirm_seeds = confirm_seeds
        self._say = say

    def next(self, records: list[Record], *, search_is_over: bool = False) -> dict[str, Any] | None:
        """Returns the parameters of the replicate to run next; ``None`` for none.

        :param records: of all trials so far
        :param search_is_over: see ``select_champion``
        """
        if self._confirm_seeds == 0:
            return None
        selection = select_champion(
            of_task(records, self._params),
            self._confirm_seeds,
            self._own.include,
            search_is_over=search_is_over,
        )
        return selection.next_replicate

    def launch(
        self, trial: int, wanted: dict[str, Any] | None, running: list[TrialConfig]
    ) -> Launch | None:
        """Returns the launch of a replicate; ``None`` if none is wanted, or it cannot run now.

        :param trial: its number
        :param wanted: its parameters
        :param running: configurations of the trials at work
        """
        if wanted is None:
            return None
        config = self._config(wanted, running)
        if config is None:
            return None
        seed = config.trial.seed
        self._say(f"trial {trial} starts (replicate on seed {seed}): it tests a configuration")
        return Launch(trial, "replicate", config)

    def _config(self, params: dict[str, Any], running: list[TrialConfig]) -> TrialConfig | None:
        """Returns a replicate's configuration with this study's simulators and machine.

        ``None`` if it is at work already, or cannot be run with them.
        """
        machine = not_hyperparameters(self._base.trial.world)
        own = {name: self._params[name] for name in machine if name != "seed"}
        own["env"] = self._base.trial.env
        try:
            replicate = TrialConfig.from_params(params | own)
        except UserError as error:
            self._say(f"the replicate waits: {error}")
            return None
        wanted = config_id(params)
        for config in running:
            same_seed = config.trial.seed == replicate.trial.seed
            if same_seed and config_id(config.to_params()) == wanted:
                return None
        return replicate
