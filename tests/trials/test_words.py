from __future__ import annotations

from agent.trials.words import COLUMNS, differing, fixed, in_words

MANY = {f"parameter_{number}": number / 7 for number in range(30)}


def test_what_does_not_fit_is_counted() -> None:
    assert in_words({"a": 1, "b": 0.1234567}) == "a 1 b 0.123457"
    line = in_words(MANY, COLUMNS)
    assert len(line) <= COLUMNS
    shown = line.count("parameter_")
    assert line.endswith(f" and {30 - shown} more")
    assert in_words(MANY, 0) == "parameter_0 0 and 29 more"
    assert in_words(MANY).count("parameter_") == 30


def test_what_differs_is_shown() -> None:
    found = [{"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "c": 3}, {"a": 1, "b": 2}]
    assert differing(found[0], found) == {"b": 2, "c": 3}
    assert differing(found[0], found[:1]) == found[0]


def test_a_huge_number_is_short() -> None:
    assert [fixed(12.3456, 2), fixed(-1.5e299, 3)] == ["12.35", "-1.5e+299"]
