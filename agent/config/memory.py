"""Sizes of memory as people write them."""

from __future__ import annotations

import math

from agent.config.errors import UserError

MEMORY_UNITS = {"M": 1024**2, "G": 1024**3}


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``8G`` or ``900M``.

    :raises UserError: no positive number followed by M or G
    """
    number, unit = text[:-1], text[-1:].upper()
    try:
        size = float(number) * MEMORY_UNITS[unit]
    except (ValueError, KeyError):
        size = 0.0
    if not 0.0 < size < math.inf:
        raise UserError(f"{text!r} is not a size; write it as 8G or 900M")
    return int(size)
