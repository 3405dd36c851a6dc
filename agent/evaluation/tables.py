"""Tables of an evaluation: a task's episodes, and the trained policy beside the baselines."""

from __future__ import annotations

from collections.abc import Mapping

from agent.evaluation.episodes import Score
from agent.worlds.text_table import show_table

TRAINED = "trained"


def show_score(
    title: str,
    score: Score,
    baselines: Mapping[str, Score],
    reference: tuple[str, str, float] | None,
    gap: float | None,
    verdict: str | None,
) -> None:
    """Print a task's episodes, what they amount to, and the baselines.

    :param title: above the table
    :param score: of the trained policy
    :param baselines: scores of others, by name
    :param reference: name of a reference, its measure and its value; None for none
    :param gap: the generalisation gap, None on a training task
    :param verdict: one word for the episodes, None for none
    """
    print(f"\n{title}")
    measures = [measure for measure in score.world.measures if measure.episode_text]
    head = ["episode", "reward", *(measure.title for measure in measures), "ended by"]
    rows = []
    for number, episode in enumerate(score.episodes, start=1):
        cells = [
            measure.episode_text(episode.measures[measure.name])
            for measure in measures
            if measure.episode_text
        ]
        rows.append([str(number), f"{episode.reward:.2f}", *cells, episode.end_reason])
    show_table(head, rows)
    summary = f"mean_reward {score.mean_reward:.2f} +- {score.std_reward:.2f}"
    print(summary + (f"  verdict {verdict}" if verdict else ""))
    _show_policies({TRAINED: score, **baselines}, reference)
    if gap is not None:
        print(f"generalisation gap {gap:.2f} (training-task reward minus this task's)")


def _show_policies(scores: Mapping[str, Score], reference: tuple[str, str, float] | None) -> None:
    """Print a row for each policy."""
    first = next(iter(scores.values()))
    measures = [measure for measure in first.world.measures if measure.combine and measure.text]
    head = ["policy", "mean reward", "std", *(measure.title for measure in measures)]
    rows = []
    for name, score in scores.items():
        cells = [
            measure.text(measure.combine(score.episodes))
            for measure in measures
            if measure.combine and measure.text
        ]
        rows.append([name, f"{score.mean_reward:.2f}", f"{score.std_reward:.2f}", *cells])
    if reference is not None:
        name, stands_for, value = reference
        cells = [f"{value:.2f}" if each.name == stands_for else "-" for each in measures]
        rows.append([name, "-", "-", *cells])
    show_table(head, rows)
