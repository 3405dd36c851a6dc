"""The log's line about a trial."""

from __future__ import annotations

from collections.abc import Sequence

from agent.config.algorithms import ALGORITHMS
from agent.config.flat import applies, known_facts
from agent.trials.record import Record
from agent.trials.words import fixed, in_words, value_in_words
from agent.worlds.base import WORLDS, headline, world_named

PARAMETER_COLUMNS = 150  # chosen: six or seven parameters


def summary(record: Record, searched: Sequence[str] = ()) -> str:
    """Returns the trial in one line that grep can read.

    :param record: of the trial
    :param searched: names of the parameters that are searched; empty for the specification's
    """
    line = f"{record.kind} trial {record.trial} {record.run_status} in {record.elapsed_sec:.1f} s"
    if record.mean_reward is None:
        line += f" ({' '.join(str(record.cause).split())})"
    else:
        spread = fixed(record.std_reward or 0.0, 2)
        line += f" mean_reward {fixed(record.mean_reward, 2)} +- {spread}"
        line += _measures(record)
        if record.champion:
            line += " NEW CHAMPION"
    agent = value_in_words(record.params.get("agent"))
    return f"{line} | {agent} {_parameters(record, searched)}"


def _measures(record: Record) -> str:
    """Returns the measures of its final evaluation that the line shows, with a space before."""
    if record.world not in WORLDS:
        return ""
    try:
        return headline(world_named(record.world), record.score)
    except Exception:  # a world's own words about values that are not its own
        return ""


def _parameters(record: Record, searched: Sequence[str]) -> str:
    """Returns the parameters that were searched and apply to the trial's algorithm."""
    known = known_facts(record.params)
    if not searched:
        specified = [name for name, facts in known.items() if facts.in_spec and facts.needs]
        searched = ["learning_rate", "timesteps", *specified]
    kind = ALGORITHMS.get(str(record.params.get("agent")))
    shown = {}
    for name in searched:
        applied = name not in known or kind is None or applies(known[name], kind)
        if name != "agent" and applied and record.params.get(name) is not None:
            shown[name] = record.params[name]
    return in_words(shown, PARAMETER_COLUMNS)
