"""The night itself: a replicate while the title is contested, else the default, else what the search proposes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.config.trial import TrialConfig, UserError
from agent.search.candidates import SpaceExhausted
from agent.search.proposer import Proposal, propose
from agent.search.stopping import Convergence, assess
from agent.study.champion_selection import select_champion
from agent.study.observations import observations
from agent.study.plan import Plan
from agent.study.pruning import should_prune
from agent.study.run_in_fork import run_in_fork
from agent.trials.folders import Launch
from agent.trials.loop import TrialLoop
from agent.trials.progress import Rung
from agent.trials.record import NOT_HYPERPARAMETERS, Record, config_id
from agent.trials.task import of_task


@dataclass(frozen=True)
class StudyOptions:
    """How a night is to be searched, by the names of the command line's options."""

    trials: int
    explore: float
    cost_aware: bool
    confirm_seeds: int
    epsilon: float
    delta: float
    until_converged: bool


class Study:
    """One invocation's search over the loop's records, and ``prior`` ones that it may learn from."""

    def __init__(
        self, plan: Plan, rules: StudyOptions, loop: TrialLoop, prior: list[Record]
    ) -> None:
        self.plan, self.rules, self.loop = plan, rules, loop
        self.params = plan.base.to_params()
        self.prior = of_task(prior, self.params)
        self.left = rules.trials
        self.outlook: Convergence | None = None
        self._began = False  # whether the default was tried

    def next_launch(self, records: list[Record], running: list[TrialConfig]) -> Launch | None:
        """The next trial; ``None`` when the night is over."""
        if self.left == 0:
            return None
        trial = self.loop.folders.next_trial(records)
        params = self._needed(records)
        if params is not None:
            if (wanted := self._replicate(params, running)) is not None:
                self.left -= 1
                self._say(
                    f"trial {trial} starts (replicate on seed {wanted.seed}): the title is contested"
                )
                return Launch(trial, "replicate", wanted)
        elif self.rules.until_converged and self.outlook is not None and self.outlook.converged:
            self._say(f"converged: {self.outlook.reason}")
            return None
        self.left -= 1
        return self._search(trial, records, running)

    def prune(self, launch: Launch, rungs: tuple[Rung, ...], records: list[Record]) -> str | None:
        """Why a trial should be stopped at its last rung; the default and replicates never are."""
        if launch.kind != "search" or self.plan.begins_with(launch.config.to_params()):
            return None
        earlier = of_task(records, self.params)
        scores = [
            (each.rungs, each.mean_reward if each.scored else None)
            for each in earlier
            if each.kind == "search"
        ]
        return should_prune(rungs, scores)

    def look(self, trial: int) -> None:
        """Say how far the search has come now that ``trial`` is recorded, and what it recommends if that changed."""
        history = observations(self.plan.space, self._known(self.loop.records))
        rng = np.random.default_rng([self.plan.base.seed, trial, 1])
        try:
            outlook = run_in_fork(
                lambda: assess(self.plan.space, history, rng, self.rules.epsilon, self.rules.delta)
            )
        except ValueError:  # nothing to judge by yet
            return
        before, self.outlook = self.outlook, outlook
        self._say(
            f"search: within {100 * self.rules.epsilon:g} % of the best with probability {outlook.probability:.3f}, "
            f"regret bound {outlook.regret_bound:.2f}, largest std {outlook.largest_std:.2f}; "
            f"{'converged' if outlook.converged else 'not converged'}: {outlook.reason}"
        )
        if before is None or before.recommended != outlook.recommended:
            self._say(self.recommendation())

    def recommendation(self) -> str:
        """The configuration that the search believes in, in one line that grep can read."""
        if self.outlook is None:
            return "recommended: none yet"
        told = in_words({**self.plan.space.context, **self.outlook.recommended})
        return f"recommended: {told} (expected {self.outlook.mean:.2f} +- {self.outlook.std:.2f})"

    def conclude(self) -> None:
        """Say what came of the night; the champion has just been told."""
        self._say(f"done: {self.rules.trials - self.left} trials")
        self._say(self.recommendation())

    def _needed(self, records: list[Record]) -> dict[str, Any] | None:
        """The parameters of the replicate to run next, ``None`` while nothing is contested."""
        confirm = self.rules.confirm_seeds
        return select_champion(of_task(records, self.params), confirm).next_replicate if confirm else None

    def _replicate(self, params: dict[str, Any], running: list[TrialConfig]) -> TrialConfig | None:
        """The trial of a replicate under today's circumstances; ``None`` if it is at work or cannot be run in them."""
        today = {name: self.params[name] for name in NOT_HYPERPARAMETERS if name != "seed"}
        try:
            wanted = TrialConfig.from_params(params | today | {"env": self.plan.base.env})
        except UserError as error:
            self._say(f"the contest waits: {error}")
            return None
        at_work = {(config_id(config.to_params()), config.seed) for config in running}
        return None if (config_id(params), wanted.seed) in at_work else wanted

    def _search(
        self, trial: int, records: list[Record], running: list[TrialConfig]
    ) -> Launch | None:
        if not self._default_known(records, running):
            self._say(f"trial {trial} starts (default): {in_words(self.plan.default)}")
            return Launch(trial, self.loop.kind, self.plan.config(self.plan.default, trial))
        known = self._known(records)
        try:
            proposal = run_in_fork(lambda: self._proposal(trial, known, running))
        except SpaceExhausted as error:
            self.left = 0
            self._say(str(error))
            return None
        self._announce(trial, proposal)
        config = self.plan.config(proposal.params, trial)
        return Launch(trial, self.loop.kind, config, suggestion(proposal))

    def _proposal(self, trial: int, known: list[Record], running: list[TrialConfig]) -> Proposal:
        return propose(
            self.plan.space,
            observations(self.plan.space, known),
            np.random.default_rng([self.plan.base.seed, trial]),
            self.rules.explore,
            pending=[config.to_params() for config in running],
            tried=[record.params for record in known if record.run_status == "pruned"],
            cost_aware=self.rules.cost_aware,
        )

    def _default_known(self, records: list[Record], running: list[TrialConfig]) -> bool:
        self._began = self._began or any(
            record.kind == "search" and self.plan.begins_with(record.params)
            for record in of_task(records, self.params)
            if observations(self.plan.space, [record])
        )
        return self._began or any(self.plan.begins_with(config.to_params()) for config in running)

    def _known(self, records: list[Record]) -> list[Record]:
        return self.prior + of_task(records, self.params)

    def _announce(self, trial: int, proposal: Proposal) -> None:
        """Log the best candidates and the one that is tried."""
        for rank, candidate in enumerate(proposal.top, start=1):
            self._say(
                f"  candidate {rank}: ucb {candidate.ucb:.3f} mean {candidate.mean:.3f} std {candidate.std:.3f} "
                f"{in_words(candidate.params)}"
            )
        source = f"{proposal.source}, {proposal.n_observations} observations"
        self._say(f"trial {trial} starts ({source}): {in_words(proposal.params)}")

    def _say(self, line: str) -> None:
        self.loop.journal.say(line)


def suggestion(proposal: Proposal) -> dict[str, float] | None:
    """What the surrogate expected, for the record; ``None`` of a random proposal."""
    if proposal.ucb is None or proposal.mean is None or proposal.std is None:
        return None
    return {"ucb": proposal.ucb, "mean": proposal.mean, "std": proposal.std}


def in_words(params: Mapping[str, Any]) -> str:
    """Names and values, the way the log shows them."""
    return " ".join(f"{name} {value}" for name, value in params.items())
