"""Mixed precision: layers compute in bfloat16, and all around them in float32.

bfloat16 has float32's range, so that losses need no scaling (Micikevicius et al. 2018 scale them
for float16). Its eight bits hold a pixel's 256 grey levels exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch


def answers_of(network: Callable[..., Any], *inputs: torch.Tensor, mixed: bool) -> Any:
    """Answers of a network, or of a part of one.

    :param network: returns a tensor, or a tuple, list or mapping of them
    :param inputs: of the network, on one device
    :param mixed: its layers compute in bfloat16, its answers are made float32
    """
    if not mixed:
        return network(*inputs)
    # A pass needs a weight once, so that keeping its cast gains nothing; and torch would share it
    # with the thread that imitates.
    with torch.autocast(inputs[0].device.type, torch.bfloat16, cache_enabled=False):
        answers = network(*inputs)
    return _as_float32(answers)


def _as_float32(answers: Any) -> Any:
    if isinstance(answers, torch.Tensor):
        return answers.float()
    if isinstance(answers, Mapping):
        return {name: _as_float32(answer) for name, answer in answers.items()}
    return tuple(_as_float32(answer) for answer in answers)
