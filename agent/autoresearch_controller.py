"""CLI: the overnight loop. Asks the search what to try, tries it, remembers it, keeps a champion.

Everything heavy happens in the trials' own processes: this one never imports torch.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from agent.search.candidates import SpaceExhausted
from agent.search.proposer import Proposal, propose
from agent.search.space import Choice, Space, trial_space
from agent.search.surrogate import Observation
from agent.trials.config import OneLineParser, TrialConfig, UserError, add_trial_arguments, trial_config, trial_params
from agent.trials.folders import Launch
from agent.trials.ledger import SEARCH_LEDGER, SWEEP_LEDGER, Ledger
from agent.trials.loop import TrialLoop
from agent.trials.publish import publish
from agent.trials.record import Record
from agent.trials.session import add_loop_arguments, at_least, exit_code, open_loop
from agent.trials.simulators import EMBEDDED, check_sim, simulators
from agent.trials.title import contender, decide

RUNNER = Path(__file__).with_name("donkeycar_sb3_runner.py")
SERVER = Path(__file__).with_name("donkey_sim.py")
SEED_LIMIT = 2**31
BLAMED = ("diverged", "crashed", "out_of_memory", "timeout")


def main(argv: list[str] | None = None) -> int:
    """Run the search; returns the exit code: 0 done, 2 bad arguments, 3 circuit breaker, 130 interrupted."""
    parser = make_parser()
    options = parser.parse_args(argv)
    return exit_code(parser.prog, lambda: search(options))


def make_parser() -> OneLineParser:
    """The command line: the loop's own options, and every option of a trial that the search leaves alone."""
    parser = OneLineParser(
        prog="autoresearch_controller.py",
        description="Search the hyperparameters of a driver, trial by trial, and keep the champion. "
        "The search chooses learning_rate and timesteps, n_steer and n_throttle for DQN, "
        "and the agent unless --agent settles it.",
        allow_abbrev=False,
    )
    add_trial_arguments(parser)
    add_loop_arguments(parser)
    add_search_arguments(parser)
    parser.set_defaults(reward_shaping=True)
    return parser


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the search itself."""
    parser.add_argument(
        "--no-reward-shaping",
        action="store_false",
        dest="reward_shaping",
        help="train on the reward as it is; without this flag trials train with --reward-shaping",
    )
    numbers: tuple[tuple[str, float, float, str], ...] = (
        ("--trials", 1, 100, "trials of this invocation; their numbers go on from the ledger's highest"),
        ("--explore", 0.0, 2.0, "kappa of UCB = mean + kappa*std"),
        ("--min-timesteps", 1, 5000, "shortest training that the search may choose"),
        ("--max-timesteps", 1, 20_000, "longest training that the search may choose"),
        ("--push-every", 0, 10, "commit and push the results after so many trials, 0 for never; needs a git remote"),
        ("--workers", 1, 1, "trials side by side"),
        (
            "--confirm-seeds",
            0,
            0,
            "fresh seeds on which a challenger is trained anew, and must win, before it has the title; 3 is a good "
            "number, 0 gives the title to the best score ever",
        ),
    )
    for option, low, default, text in numbers:
        hint = f"{text} (default {default:g})"
        parser.add_argument(option, type=at_least(low), default=default, metavar="N", help=hint)
    parser.add_argument(
        "--sim",
        default=EMBEDDED,
        metavar="SIM",
        help="embedded (default); spawn: a headless server for each --env, started and ended here; "
        "or [HOST:]PORT,... of running simulators, one for each --env in order",
    )


def search(options: argparse.Namespace) -> None:
    """Propose and run ``options.trials`` trials.

    :raises UserError: options that cannot be followed
    """
    base, space = check(options)
    given = trial_params(options)
    with open_loop(options, kind="search", prefix="trial", ledger_name=SEARCH_LEDGER, runner=RUNNER) as loop:
        sweep = Ledger(options.results_dir / SWEEP_LEDGER)
        prior, known = sweep.load(), len(loop.records)
        scored = sum(record.scored for record in prior + loop.records)
        loop.journal.say(f"loaded {len(prior)} sweep and {known} search records, {scored} scored")
        left = options.trials

        def next_launch(records: list[Record], running: list[TrialConfig]) -> Launch | None:
            nonlocal left
            if left == 0:
                return None
            left -= 1
            trial = loop.folders.next_trial(records)
            if needed := replicate(records, running):
                loop.journal.say(f"trial {trial} starts (replicate on seed {needed.seed}): the title is contested")
                return Launch(trial, "replicate", needed)
            rng = np.random.default_rng([base.seed, trial])
            pending = [config.to_params() for config in running]
            try:
                proposal = propose(space, history(prior + records), rng, options.explore, pending=pending)
            except SpaceExhausted as error:
                left = 0
                loop.journal.say(str(error))
                return None
            announce(loop, trial, proposal)
            own = {"seed": (base.seed + trial) % SEED_LIMIT}
            config = TrialConfig(**(given | proposal.params | own))
            return Launch(trial, loop.kind, config, suggestion(proposal))

        def replicate(records: list[Record], running: list[TrialConfig]) -> TrialConfig | None:
            if not options.confirm_seeds:
                return None
            needed = decide(records, base.seed, options.confirm_seeds).needed
            if needed is None:
                return None
            wanted = replace(TrialConfig.from_params(needed), env=base.env)
            at_work = {(contender(config.to_params()), config.seed) for config in running}
            return None if (contender(needed), wanted.seed) in at_work else wanted

        def after(record: Record) -> None:
            if options.push_every and (len(loop.records) - known) % options.push_every == 0:
                push(loop, record.trial, sweep)

        places = (options.sim, base.env, SERVER, options.results_dir, loop.workspace, options.workers)
        with simulators(*places) as loop.place:
            loop.workers = options.workers
            loop.run(next_launch, after)
        loop.journal.say(f"done: {options.trials} trials")


def history(records: list[Record]) -> list[Observation]:
    """What the search learns from: scores with their spread, and failures that the parameters are to blame for."""
    return [
        Observation(
            record.params,
            record.mean_reward if record.scored else None,
            std=record.std_reward if record.scored else None,
            episodes=int(record.params.get("eval_episodes", 1)),
            failed=record.run_status in BLAMED,
        )
        for record in records
        if record.scored or record.run_status in BLAMED
    ]


def check(options: argparse.Namespace) -> tuple[TrialConfig, Space]:
    """What all trials have in common, and what the search may choose.

    :raises UserError: options that cannot be followed
    """
    try:
        base = trial_config(options)
        check_sim(options.sim, base.env, options.workers)
        space = trial_space(getattr(options, "agent", None), options.min_timesteps, options.max_timesteps)
        for agent in agents(space):
            TrialConfig(**(trial_params(options) | {"agent": agent}))  # refuses a setting that one of them lacks
    except ValueError as error:
        raise UserError(str(error)) from None
    for name in space.names:
        if hasattr(options, name):
            option = "--" + name.replace("_", "-")
            raise UserError(f"{option} {getattr(options, name)} is chosen by the search; drop it")
    return base, space


def agents(space: Space) -> tuple[str, ...]:
    """The algorithms that the search may choose; none where it is settled."""
    return next((p.choices for p in space.parameters if isinstance(p, Choice) and p.name == "agent"), ())


def announce(loop: TrialLoop, trial: int, proposal: Proposal) -> None:
    """Log the best candidates and the one that is tried."""
    for rank, candidate in enumerate(proposal.top, start=1):
        loop.journal.say(
            f"  candidate {rank}: ucb {candidate.ucb:.3f} mean {candidate.mean:.3f} std {candidate.std:.3f} "
            f"{_in_words(candidate.params)}"
        )
    source = f"{proposal.source}, {proposal.n_observations} observations"
    loop.journal.say(f"trial {trial} starts ({source}): {_in_words(proposal.params)}")


def suggestion(proposal: Proposal) -> dict[str, float] | None:
    """What the surrogate expected, for the record; ``None`` of a random proposal."""
    if proposal.ucb is None or proposal.mean is None or proposal.std is None:
        return None
    return {"ucb": proposal.ucb, "mean": proposal.mean, "std": proposal.std}


def push(loop: TrialLoop, trial: int, sweep: Ledger) -> None:
    """Commit and push the results so far; whatever goes wrong is one line in the log."""
    manifest = loop.throne / "manifest.json"
    answer = publish([loop.ledger.path, loop.journal.path, manifest, sweep.path], f"Results up to trial {trial}")
    if answer:
        loop.journal.say(answer)


def _in_words(params: dict[str, Any]) -> str:
    return " ".join(f"{name} {value}" for name, value in params.items())


if __name__ == "__main__":
    raise SystemExit(main())
