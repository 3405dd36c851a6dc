"""The report: seven pictures, and one page that holds them with the tables and needs no network.

Nothing in it depends on when or where it is written, so the same ledgers give the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from agent.config.trial import UserError
from agent.reporting.convergence import Outlook, draw_convergence, follow
from agent.reporting.history import Configuration, Trial, configurations
from agent.reporting.landscape import draw_importance, draw_parallel, draw_slices
from agent.reporting.style import DPI, STYLE, number
from agent.reporting.surface import (
    LEAST,
    active_names,
    fit_surface,
    importances,
    searched_space,
    slices,
)
from agent.reporting.timeline import draw_scores, draw_statuses, draw_throughput
from agent.search.space import Space

PAGE_NAME = "report.html"
BEST_SHOWN = 10
CSS = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1180px; margin: 2em auto; padding: 0 1em }
h1 { margin-bottom: 0 } h2 { margin-top: 2em; border-bottom: 1px solid #ccc }
.full { max-width: 100% } .half { width: 50% }
p { max-width: 75ch } .note { color: #666; font-size: 14px } .scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid #e4e4e4; white-space: nowrap }
th { background: #f4f4f4 } th:first-child, td:first-child { text-align: left }
"""


@dataclass(frozen=True)
class Report:
    """Everything that a page shows.

    :param source: what the page says it was made from
    :param champion: the manifest, ``None`` while there is none
    :param evaluations: lines of ``evaluate_champion.py``
    """

    source: str
    trials: Sequence[Trial]
    champion: dict[str, Any] | None = None
    evaluations: Sequence[dict[str, Any]] = field(default_factory=list)


def write_report(report: Report, out: Path) -> Path:
    """Write ``report.html`` and the pictures as PNGs into ``out``, which is made; returns the page's path.

    :raises UserError: the folder cannot be written
    """
    found = configurations(report.trials)
    space = searched_space(report.trials)
    outlooks = follow(report.trials, space)
    with rc_context(STYLE):
        pictures = {
            name: _png(figure)
            for name, figure in _draw(report.trials, found, space, outlooks).items()
        }
    files = {f"{name}.png": data for name, data in pictures.items()}
    files[PAGE_NAME] = _page(report, found, space, outlooks, pictures).encode()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise UserError(
            f"out {out} cannot be written ({error.strerror}); choose another folder"
        ) from None
    return out / PAGE_NAME


def _draw(
    trials: Sequence[Trial],
    found: Sequence[Configuration],
    space: Space | None,
    outlooks: Sequence[Outlook],
) -> dict[str, Figure]:
    surface = fit_surface(space, found)
    return {
        "scores": draw_scores(trials, found),
        "parallel": draw_parallel(trials, space),
        "slices": draw_slices(slices(surface) if surface else []),
        "importance": draw_importance(importances(surface) if surface else []),
        "stopping": draw_convergence(outlooks),
        "statuses": draw_statuses(trials),
        "throughput": draw_throughput(trials),
    }


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _page(
    report: Report,
    found: Sequence[Configuration],
    space: Space | None,
    outlooks: Sequence[Outlook],
    pictures: dict[str, bytes],
) -> str:
    def picture(name: str, text: str, width: str = "full") -> str:
        data = base64.b64encode(pictures[name]).decode()
        return f'<img class="{width}" alt="{escape(text)}" src="data:image/png;base64,{data}">'

    parts = [
        "<h1>Report of the search</h1>",
        f'<p class="note">{escape(report.source)}</p>',
        f"<p>{escape(_summary(report.trials, found))}</p>",
        "<h2>Scores</h2>",
        picture("scores", "score over trials"),
        "<h2>Champion</h2>",
        _champion(report.champion),
        "<h2>Recommended configuration</h2>",
        _recommended(outlooks),
        "<h2>Best configurations</h2>",
        "<p>By mean score; one that was trained with one seed only may owe its place to luck.</p>",
        _best(found, space),
        "<h2>Searched parameters</h2>",
        picture("parallel", "parallel coordinates of the searched parameters"),
        "<h2>What the Gaussian process expects</h2>",
        "<p>Along each parameter, the others held where the best is expected among the configurations that were tried. "
        f"Bands are the uncertainty of the expected score. Needs {LEAST} configurations with a score.</p>",
        picture("slices", "slices of the Gaussian process"),
        "<h2>Which parameters matter</h2>",
        "<p>Left, how far a parameter reaches in lengthscales of the fit; right, how much of the variance of the "
        "expected score it explains over the whole space. With few trials both say little.</p>",
        picture("importance", "importance of the parameters"),
        "<h2>When to stop</h2>",
        "<p>Left, how probably the recommended configuration is within 2 % of the range of the scores from the best "
        "there is; right, by how much it may fall short. Asked again of the ledger as it was after these trials.</p>",
        picture("stopping", "stopping probability over trials"),
        "<h2>How it ran</h2>",
        picture("statuses", "status counts", "half")
        + picture("throughput", "trials per hour", "half"),
        "<h2>Evaluations</h2>",
        _evaluations(report.evaluations),
        "<h2>All trials</h2>",
        _trials(report.trials, space),
    ]
    head = f'<meta charset="utf-8"><title>Report of the search</title><style>{CSS}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _summary(trials: Sequence[Trial], found: Sequence[Configuration]) -> str:
    if not trials:
        return "The ledgers hold no trial yet."
    scored = [trial for trial in trials if trial.score is not None]
    told = f"{len(trials)} trials, {len(scored)} with a score, {len(found)} configurations"
    if not scored:
        return f"{told}. No trial has a score yet; the causes stand in the table below."
    best = max(scored, key=lambda trial: trial.score or 0.0)
    return f"{told}. Best single score: {number(best.score)} by {best.name} ({best.agent})."


def _champion(manifest: dict[str, Any] | None) -> str:
    if manifest is None:
        return "<p>There is none yet.</p>"
    rows = [(name, value) for name, value in manifest.items() if not isinstance(value, dict)]
    for group, values in manifest.items():
        if isinstance(values, dict):
            rows += [(f"{group}: {name}", value) for name, value in values.items()]
    return _table(("", "value"), [(name, _whole(value)) for name, value in rows])


def _recommended(outlooks: Sequence[Outlook]) -> str:
    if not outlooks:
        return "<p>None yet: no trial has a score.</p>"
    last = outlooks[-1].convergence
    told = f"Believed to score {number(last.mean)} ± {number(last.std, 2)}, by all trials, not by a lucky one. "
    verdict = ("Stop" if last.converged else "Go on") + f": {last.reason}."
    rows = [(name, number(value)) for name, value in last.recommended.items()]
    return f"<p>{escape(told + verdict)}</p>" + _table(("", "value"), rows)


def _best(found: Sequence[Configuration], space: Space | None) -> str:
    names = _names(space)
    rows = []
    for each in sorted(found, key=lambda each: -each.mean)[:BEST_SHOWN]:
        active = _active(each.params, space)
        worst, best = number(min(each.scores)), number(max(each.scores))
        spread = f"{worst} to {best}" if len(each.scores) > 1 else "-"
        rows.append(
            (
                each.trials[0].name,
                number(each.mean),
                len(each.scores),
                spread,
                *(active[n] for n in names),
            )
        )
    return _table(("first trial", "mean score", "seeds", "seed spread", *names), rows)


def _evaluations(evaluations: Sequence[dict[str, Any]]) -> str:
    if not evaluations:
        return "<p>None yet: evaluate_champion.py writes them.</p>"
    names = (
        "timestamp",
        "env",
        "trained_on",
        "mean_reward",
        "std_reward",
        "generalisation_gap",
        "verdict",
        "model",
    )
    rows = [[_cell(each.get(name)) for name in names] for each in evaluations]
    return _table(names, rows)


def _trials(trials: Sequence[Trial], space: Space | None) -> str:
    names = _names(space)
    head = (
        "trial",
        "ended",
        "status",
        "score",
        "std",
        "seconds",
        *names,
        "seed",
        "champion",
        "cause",
    )
    rows = []
    for trial in trials:
        record, active = trial.record, _active(trial.params, space)
        ended = (
            trial.ended.isoformat(sep=" ", timespec="seconds")
            if trial.ended
            else str(record.timestamp)
        )
        numbers = map(_cell, (trial.score, record.std_reward, record.elapsed_sec))
        last = (record.seed, "crowned" if record.champion else "", _cell(record.cause))
        rows.append(
            (
                trial.name,
                ended,
                record.run_status,
                *numbers,
                *(active[name] for name in names),
                *last,
            )
        )
    return _table(head, rows)


def _names(space: Space | None) -> list[str]:
    """Columns of a table: the algorithm and what was searched."""
    return ["agent", *(name for name in (space.names if space else ()) if name != "agent")]


def _active(params: dict[str, Any], space: Space | None) -> dict[str, str]:
    """A configuration's value of each of ``_names``, a dash where it is inactive."""
    active = {"agent"} | active_names(space, params)
    return {n: number(params.get(n, "")) if n in active else "-" for n in _names(space)}


def _cell(value: Any) -> str:
    return "-" if value is None else number(value)


def _whole(value: Any) -> str:
    """A champion's value, not cut short: paths and hashes are there to be copied."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def row(tag: str, cells: Sequence[Any]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    body = "\n".join(row("td", cells) for cells in rows)
    return (
        f'<div class="scroll"><table>\n{row("th", head)}\n{body}\n</table></div>'
        if body
        else "<p>None yet.</p>"
    )
