from __future__ import annotations

import pytest

from agent.config.plain import is_finite, is_whole, object_in


def test_an_object_of_plain_values_is_read() -> None:
    text = '{"a": [1, 2.5, true, null, {"b": "\\u00e9"}]}'
    assert object_in(text) == object_in(text.encode()) == {"a": [1, 2.5, True, None, {"b": "é"}]}
    assert object_in('{"a": NaN, "b": -Infinity}', nan_as_none=True) == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "no JSON object"),
        ("{", "Expecting"),
        (b'{"a": "\xff"}', "utf-8"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": 1e400}', "inf is not a finite number"),
        ('{"a": ' + "9" * 400 + "}", "9...9* is not a finite number"),
        ('{"a": ' + "9" * 5000 + "}", "limit"),
        ('{"a": "\\ud800"}', "not Unicode"),
        ('{"\\ud800": 1}', "not Unicode"),
        ('{"a": ' * 100_000, "nests more than 20 levels"),
        ('{"a": ' + "[" * 30 + "]" * 30 + "}", "nests more than 20 levels"),
    ],
)
def test_anything_else_is_refused_in_words(text: str | bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        object_in(text)
    assert len(str(refusal.value)) < 200


def test_numbers() -> None:
    assert [is_finite(value) for value in (1, 1.5, True, "1", 10**400, float("nan"))] == (
        [True, True, False, False, False, False]
    )
    assert [is_whole(value) for value in (1, -(2**62), True, 1.0, 2**63)] == (
        [True, True, False, False, False]
    )
