"""A study: decides which trial to run next, which to stop early, and when the search is over.

The next trial is a replicate while a configuration is under test (``champion_selection``), else
the default if it was not tried yet, else what the search proposes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from agent.config import files
from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.search.belief import Belief, belief_of
from agent.search.candidates import SpaceExhausted
from agent.search.proposer import Proposal, propose
from agent.search.stopping import Convergence, assess
from agent.search.surrogate import Observation, Params, Surrogate
from agent.study.belief_file import BeliefFile
from agent.study.observations import observations
from agent.study.own_records import OwnRecords
from agent.study.pruning import should_prune
from agent.study.replicates import Replicates
from agent.study.run_in_fork import run_in_fork
from agent.trials.folders import Launch
from agent.trials.loop import TrialLoop
from agent.trials.progress import Rung
from agent.trials.record import Record
from agent.trials.words import COLUMNS, differing, fixed, in_words

ATTEMPTS = 100  # at a proposal whose values go together, as nearly all of a plan's do
# Of N records another N / 200 say little, and hundreds of trials at work would wait meanwhile.
RECORDS_PER_SKIPPED = 200


class StudyOptions(NamedTuple):
    """Options of the search, by the names of the command line.

    :param trials: most trials of this invocation
    :param explore: kappa of the upper confidence bound
    :param cost_aware: propose by value per second
    :param confirm_seeds: replicates that a challenger must pass; 0 runs none
    :param epsilon: see ``assess``
    :param delta: see ``assess``
    :param until_converged: end once the search has converged
    """

    trials: int
    explore: float
    cost_aware: bool
    confirm_seeds: int
    epsilon: float
    delta: float
    until_converged: bool


class Study:
    """The search of one invocation.

    :param own: has the plan, what may be chosen, and tells which records are of it
    :param options: how to choose
    :param loop: runs the trials; its records are the study's memory
    :param prior: records of a grid search, from which the search learns too
    """

    def __init__(
        self, own: OwnRecords, options: StudyOptions, loop: TrialLoop, prior: list[Record]
    ) -> None:
        self.plan = own.plan
        self.options = options
        self.loop = loop
        self.own = own
        self.replicates = Replicates(own, options.confirm_seeds, loop.log.say)
        self.prior = self.own.of(prior)
        belief = loop.ledger.path.with_name(files.BELIEF)
        self.belief = BeliefFile(belief, self.plan.space, options.explore)
        self.trials_left = options.trials
        self.convergence: Convergence | None = None
        self._assessed_records = 0
        self._default_was_tried = False
        self._said_used_up = False
        self._is_over = False

    def next_launch(self, records: list[Record], running: list[TrialConfig]) -> Launch | None:
        """Returns the next trial; ``None`` when the study is over.

        :param records: of all trials so far
        :param running: configurations of the trials at work
        """
        if self.trials_left == 0 or self._is_over:
            return None
        wanted = self.replicates.next(records)
        if wanted is None and self._may_stop():
            self._is_over = True
            return None
        trial = self.loop.folders.next_trial(records)
        launch = (
            self.replicates.launch(trial, wanted, running)
            or self._default_launch(trial, records, running)
            or self._proposed(trial, records, running)
            or self._confirmation(trial, records, running)
        )
        if launch is None:
            self.loop.folders.drop(trial)
        else:
            self.trials_left -= 1
            if launch.kind == "replicate":
                params = launch.config.to_params()
                chosen = {name: params[name] for name in self.plan.space.names if name in params}
                self.belief.note_next(trial, launch.kind, chosen)
        return launch

    def prune(self, launch: Launch, rungs: tuple[Rung, ...], records: list[Record]) -> str | None:
        """Returns the cause to stop a trial at its last rung; ``None`` to let it go on.

        The default and replicates are never stopped.

        :param launch: the trial
        :param rungs: those that it has reached
        :param records: of all trials so far
        """
        if launch.kind != "search" or self.plan.begins_with(launch.config.to_params()):
            return None
        earlier = []
        for record in self.own.of(records):
            if record.kind == "search":
                final = record.mean_reward if record.scored else None
                earlier.append((record.rungs, final))
        return should_prune(rungs, earlier)

    def update_convergence(self, trial: int) -> None:
        """Logs how far the search has come, and its recommendation if that has changed.

        It does so after every trial, and of many records after every ``RECORDS_PER_SKIPPED``-th
        part of them.

        :param trial: number of the trial that was recorded last
        """
        records = len(self.loop.records)
        if records % max(1, records // RECORDS_PER_SKIPPED) == 0:
            self._assess(trial)

    def _assess(self, trial: int) -> None:
        options = self.options
        self._assessed_records = len(self.loop.records)
        history = observations(self.plan.space, self._known(self.loop.records))
        rng = np.random.default_rng([self.plan.base.trial.seed, trial, 1])

        def fitted() -> tuple[Convergence, Belief]:
            surrogate = Surrogate.fit(self.plan.space, history)
            convergence = assess(
                self.plan.space, history, rng, options.epsilon, options.delta, surrogate
            )
            return convergence, belief_of(surrogate, options.explore)

        try:
            convergence, belief = run_in_fork(fitted)
        except ValueError:  # no trial has a score yet
            return
        self.belief.note_fit(trial, belief, convergence)
        before = self.convergence
        self.convergence = convergence
        verdict = "converged" if convergence.converged else "not converged"
        self._log(
            f"search: within {100 * options.epsilon:g} % of the best with probability "
            f"{convergence.probability:.3f}, regret bound {convergence.regret_bound:.2f}, "
            f"largest std {convergence.largest_std:.2f}; "
            f"{verdict}: {convergence.reason}"
        )
        if before is None or before.recommended != convergence.recommended:
            self._log(self.recommendation())

    def recommendation(self) -> str:
        """Returns the recommended configuration in one line that grep can read."""
        if self.convergence is None:
            return "recommended: none yet"
        params = in_words({**self.plan.space.context, **self.convergence.recommended})
        expected = f"{self.convergence.mean:.2f} +- {self.convergence.std:.2f}"
        return f"recommended: {params} (expected {expected})"

    def conclude(self) -> None:
        """Logs the number of trials that were run, and the recommendation."""
        if self._assessed_records < len(self.loop.records) and self._trials_run:
            self._assess(self.loop.records[-1].trial)
        line = f"done: {self._trials_run} trials"
        convergence = self.convergence
        if self.options.until_converged and convergence and not convergence.converged:
            line += f", not converged: {convergence.reason}"
        self._log(line)
        self._log(self.recommendation())

    @property
    def _trials_run(self) -> int:
        return self.options.trials - self.trials_left

    def _may_stop(self) -> bool:
        """Tells, and logs, that the search has converged and may end then."""
        if not self.options.until_converged or self.convergence is None:
            return False
        if self.convergence.converged:
            self._log(f"converged: {self.convergence.reason}")
        return self.convergence.converged

    def _default_launch(
        self, trial: int, records: list[Record], running: list[TrialConfig]
    ) -> Launch | None:
        if self._default_known(records, running):
            return None
        self._log_start(trial, "default", self.plan.default)
        self.belief.note_next(trial, "default", self.plan.default)
        return Launch(trial, self.loop.kind, self.plan.config(self.plan.default, trial))

    def _confirmation(
        self, trial: int, records: list[Record], running: list[TrialConfig]
    ) -> Launch | None:
        """Returns a replicate that only a search which is over can afford.

        It is over when no trial is at work any more that could win.
        """
        if running:
            return None
        wanted = self.replicates.next(records, search_is_over=True)
        return self.replicates.launch(trial, wanted, running)

    def _default_known(self, records: list[Record], running: list[TrialConfig]) -> bool:
        """True once the default was tried with a result, or while it is at work."""
        if not self._default_was_tried:
            tried = [
                record
                for record in self.own.of(records)
                if record.kind == "search" and self.plan.begins_with(record.params)
            ]
            self._default_was_tried = bool(observations(self.plan.space, tried))
        if self._default_was_tried:
            return True
        return any(self.plan.begins_with(config.to_params()) for config in running)

    def _proposed(
        self, trial: int, records: list[Record], running: list[TrialConfig]
    ) -> Launch | None:
        """Returns the launch of what the search proposes; ``None`` once the space is used up.

        Values that do not go together count as a failed trial, as long as this trial is chosen.
        """
        known = self._known(records)
        impossible: list[Params] = []
        for _ in range(ATTEMPTS):
            try:
                proposal = run_in_fork(lambda: self._propose(trial, known, running, impossible))
                config = self.plan.config(proposal.params, trial)
            except SpaceExhausted as error:
                self._note_used_up(error)
                return None
            except UserError as error:
                self._log(f"  left out: {error}")
                impossible.append(proposal.params)
            else:
                self._log_proposal(trial, proposal)
                return Launch(trial, self.loop.kind, config, suggestion(proposal))
        raise UserError(f"{ATTEMPTS} proposals in a row were impossible; narrow the space")

    def _note_used_up(self, error: SpaceExhausted) -> None:
        """Says once that nothing is left to search, and what becomes of the other trials."""
        if self._said_used_up:
            return
        self._said_used_up = True
        line = f"the space is used up after {self._trials_run} of {self.options.trials} trials"
        if self.options.confirm_seeds:
            line += ", the others confirm its best"
        self._log(f"{line}: {error}")

    def _propose(
        self,
        trial: int,
        known: list[Record],
        running: list[TrialConfig],
        impossible: list[Params],
    ) -> Proposal:
        """Returns what the search proposes.

        :param trial: number of the trial, of which the candidates are random
        :param known: records to learn from
        :param running: configurations of the trials at work
        :param impossible: params that cannot run
        """
        refused = [Observation(params, None, failed=True) for params in impossible]
        return propose(
            self.plan.space,
            observations(self.plan.space, known) + refused,
            np.random.default_rng([self.plan.base.trial.seed, trial]),
            self.options.explore,
            pending=[config.to_params() for config in running],
            tried=[record.params for record in known if record.run_status == "pruned"],
            cost_aware=self.options.cost_aware,
        )

    def _known(self, records: list[Record]) -> list[Record]:
        return self.prior + self.own.of(records)

    def _log_proposal(self, trial: int, proposal: Proposal) -> None:
        """Logs the best candidates and the one that is tried."""
        found = [candidate.params for candidate in proposal.top]
        for rank, candidate in enumerate(proposal.top, start=1):
            belief = {"ucb": candidate.ucb, "mean": candidate.mean, "std": candidate.std}
            numbers = " ".join(f"{name} {fixed(value, 3)}" for name, value in belief.items())
            line = f"  candidate {rank}: {numbers} "
            self._log(line + in_words(differing(candidate.params, found), COLUMNS - len(line)))
        source = f"{proposal.source}, {proposal.n_observations} observations"
        self._log_start(trial, source, proposal.params)
        self.belief.note_next(trial, proposal.source, proposal.params, proposal)

    def _log_start(self, trial: int, source: str, params: Mapping[str, Any]) -> None:
        """Logs what is tried, first of all where it differs from the default."""
        line = f"trial {trial} starts ({source}): "
        changed = differing(params, [self.plan.default])
        self._log(line + in_words(changed | dict(params), COLUMNS - len(line)))

    def _log(self, line: str) -> None:
        self.loop.log.say(line)


def suggestion(proposal: Proposal) -> dict[str, float] | None:
    """Returns the surrogate's expectation, for the record; ``None`` of a random proposal."""
    if proposal.ucb is None or proposal.mean is None or proposal.std is None:
        return None
    return {"ucb": proposal.ucb, "mean": proposal.mean, "std": proposal.std}
