"""The log's line about a trial."""

from __future__ import annotations

from agent.trials.record import Record


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
    laps = (record.score or {}).get("laps")
    return f" laps {sum(laps)}" if laps else ""


def _parameters(record: Record) -> str:
    names = ["learning_rate", "timesteps"]
    if record.params.get("agent") == "dqn":
        names += ["n_steer", "n_throttle"]
    shown = [f"{name} {record.params[name]:.6g}" for name in names if name in record.params]
    return " ".join(shown)
