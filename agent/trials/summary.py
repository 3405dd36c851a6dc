"""The log's line about a trial."""

from __future__ import annotations

from agent.config.algorithms import ALGORITHMS
from agent.config.flat import applies, known_facts
from agent.trials.record import Record
from agent.worlds.base import WORLDS, headline, world_named


def summary(record: Record) -> str:
    """Returns the trial in one line that grep can read."""
    line = f"{record.kind} trial {record.trial} {record.run_status} in {record.elapsed_sec:.1f} s"
    if record.mean_reward is None:
        line += f" ({record.cause})"
    else:
        line += f" mean_reward {record.mean_reward:.2f} +- {record.std_reward or 0.0:.2f}"
        line += _measures(record)
        if record.champion:
            line += " NEW CHAMPION"
    return f"{line} | {record.params.get('agent')} {_parameters(record)}"


def _measures(record: Record) -> str:
    """Returns the measures of its final evaluation that the line shows, with a space before."""
    return headline(world_named(record.world), record.score) if record.world in WORLDS else ""


def _parameters(record: Record) -> str:
    """Returns the parameters of the specification's search space that apply to its algorithm."""
    kind = ALGORITHMS.get(str(record.params.get("agent")))
    searched = [
        name
        for name, facts in known_facts(record.params).items()
        if facts.in_spec and facts.needs and kind and applies(facts, kind)
    ]
    names = ["learning_rate", "timesteps", *searched]
    shown = [f"{name} {record.params[name]:.6g}" for name in names if name in record.params]
    return " ".join(shown)
