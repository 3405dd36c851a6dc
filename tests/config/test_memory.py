from __future__ import annotations

import pytest

from agent.config.errors import UserError
from agent.config.memory import parse_memory


def test_sizes_are_in_units_of_1024() -> None:
    assert parse_memory("8G") == 8 * 1024**3
    assert parse_memory("900M") == 900 * 1024**2
    assert parse_memory("1.5g") == 1536 * 1024**2


@pytest.mark.parametrize("text", ["8", "G", "-1G", "nanG", "infG", ""])
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="8G or 900M"):
        parse_memory(text)
