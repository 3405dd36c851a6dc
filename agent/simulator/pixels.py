"""Writing pixels fast: two of them, six bytes, in one store of eight."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


def _store(context: Any, data: Any, at: Any, word: Any) -> Any:
    """Write a 64-bit word over eight bytes of a flat uint8 array, wherever they begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(data, types.uint64, types.uint64), generate


store_8_bytes: Any = intrinsic(_store)


@njit(cache=True, inline="always")
def pack(red: float, green: float, blue: float) -> Any:  # pragma: no cover - compiled
    """Two pixels of one colour, red in the lowest byte of each three."""
    one = int(red) | int(green) << 8 | int(blue) << 16  # through signed integers, to which floats convert fastest
    return np.uint64(one | one << 24)


@njit(cache=True, inline="always")
def fill(flat: Any, pixel: int, run: int, pair: Any) -> None:  # pragma: no cover - compiled
    """Write ``run`` pixels of one colour from ``pixel`` on, and nothing beyond them."""
    at, stop = np.uint64(pixel * 3), np.uint64((pixel + run) * 3)
    while at + np.uint64(8) <= stop:
        store_8_bytes(flat, at, pair)
        at += np.uint64(6)
    shift = np.uint64(0)
    while at < stop:
        flat[at] = np.uint8(pair >> shift)
        shift += np.uint64(8)
        at += np.uint64(1)
