"""The report: seven pictures, and one page that holds them with films and tables, all by itself.

Nothing in it depends on when or where it is written, so the same ledgers give the same bytes. The
page's text and markup are in ``report.html.j2``.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib import rc_context
from matplotlib.figure import Figure

from agent.config import files
from agent.config.errors import UserError
from agent.reporting import tables
from agent.reporting.convergence import Assessment, assess_over_time, draw_convergence
from agent.reporting.films import Film
from agent.reporting.history import Configuration, Trial, configurations
from agent.reporting.parallel_coordinates import draw_parallel
from agent.reporting.searched_space import searched_space
from agent.reporting.style import DPI, STYLE, number
from agent.reporting.surface import MIN_CONFIGURATIONS, fit_surface, importances, slices
from agent.reporting.surface_plots import draw_importance, draw_slices
from agent.reporting.timeline import draw_scores, draw_statuses, draw_throughput
from agent.search.space import Space

TEMPLATE_NAME = "report.html.j2"


@dataclass(frozen=True)
class Report:
    """Everything that a page is made from.

    :param source: text on the page that says what it was made from
    :param champions: manifests, one for each task
    :param evaluations: evaluations of saved models, oldest first
    :param races: their races
    :param films: of laps
    """

    source: str
    trials: Sequence[Trial]
    champions: Sequence[dict[str, Any]] = ()
    evaluations: Sequence[dict[str, Any]] = ()
    races: Sequence[dict[str, Any]] = ()
    films: Sequence[Film] = ()


@dataclass(frozen=True)
class Findings:
    """Facts about the trials of a report."""

    configurations: Sequence[Configuration]
    space: Space | None
    assessments: Sequence[Assessment]


def write_report(report: Report, out: Path) -> Path:
    """Writes ``report.html`` and the pictures as PNGs into ``out``, which is made.

    Returns the page's path.

    :raises UserError: the folder cannot be written
    """
    space = searched_space(report.trials)
    assessments = assess_over_time(report.trials, space)
    findings = Findings(configurations(report.trials), space, assessments)
    with rc_context(STYLE):
        figures = _figures(report.trials, findings)
        pictures = {name: _png(figure) for name, figure in figures.items()}
    contents = {f"{name}.png": data for name, data in pictures.items()}
    contents[files.REPORT_PAGE] = _page(report, findings, pictures).encode(
        errors="backslashreplace"
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            (out / name).write_bytes(data)
    except OSError as error:
        raise UserError(
            f"out {out} cannot be written ({error.strerror}); choose another folder"
        ) from None
    return out / files.REPORT_PAGE


def _figures(trials: Sequence[Trial], findings: Findings) -> dict[str, Figure]:
    surface = fit_surface(findings.space, findings.configurations)
    return {
        "scores": draw_scores(trials, findings.configurations),
        "parallel": draw_parallel(trials, findings.space),
        "slices": draw_slices(slices(surface) if surface else []),
        "importance": draw_importance(importances(surface) if surface else []),
        "stopping": draw_convergence(findings.assessments),
        "statuses": draw_statuses(trials),
        "throughput": draw_throughput(trials),
    }


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    with warnings.catch_warnings(action="ignore"):  # of letters that the font lacks
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _page(report: Report, findings: Findings, pictures: Mapping[str, bytes]) -> str:
    environment = Environment(
        loader=PackageLoader("agent.reporting", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = number
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    environment.filters["css_text"] = _css_text
    scored = [trial for trial in report.trials if trial.score is not None]
    return environment.get_template(TEMPLATE_NAME).render(
        report=report,
        findings=findings,
        scored=scored,
        best=max(scored, key=lambda trial: trial.score or 0.0, default=None),
        min_configurations=MIN_CONFIGURATIONS,
        pictures=pictures,
        tables=tables,
        wide=_wide_tables(report, findings),
        text_columns=tables.TEXT_COLUMNS,
    )


def _wide_tables(report: Report, findings: Findings) -> dict[str, tables.Table]:
    """Returns the tables whose rows are cards on a narrow screen, by their class."""
    return {
        "configurations": tables.best_configurations(findings.configurations, findings.space),
        "best": tables.best_trials(report.trials),
        "races": tables.races_table(report.races),
        "evaluations": tables.evaluations_table(report.evaluations),
        "trials": tables.trials_table(report.trials, findings.space),
    }


def _css_text(text: str) -> str:
    """Returns a text as a string of CSS may hold it: names of columns are a world's own words."""
    return "".join(char if char.isalnum() else f"\\{ord(char):x} " for char in text)
