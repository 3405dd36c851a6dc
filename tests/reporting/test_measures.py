from __future__ import annotations

from agent.reporting.measures import measure_texts


def test_every_measure_of_a_world_has_a_text_under_its_own_name() -> None:
    score = {
        "episodes": [1.0, 2.0],
        "tiles": [0.5, 1.0],
        "collisions": 3,
        "best_lap_sec": None,
        "gates": [],
    }
    assert measure_texts(score) == [
        ("tiles", "0.75 (0.5 to 1)"),
        ("collisions", "3"),
        ("best_lap_sec", "-"),
        ("gates", "-"),
    ]


def test_a_group_of_measures_is_taken_apart() -> None:
    assert measure_texts({"episodes": [1.0], "measures": {"laps": 2, "lap_sec": 12.3456}}) == [
        ("laps", "2"),
        ("lap_sec", "12.35"),
    ]


def test_equal_values_need_no_range_and_words_no_mean() -> None:
    score = {"laps": [0, 0, 0], "endings": ["crash", None]}
    assert measure_texts(score) == [("laps", "0"), ("endings", "crash, None")]


def test_a_trial_without_a_score_has_no_measures() -> None:
    assert measure_texts(None) == []
