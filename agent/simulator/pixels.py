"""Writing pixels fast, colour (three bytes) or grey (one): as many as go into one store of eight bytes."""

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
        place = builder.bitcast(
            builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer()
        )
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(data, types.uint64, types.uint64), generate


store_8_bytes: Any = intrinsic(_store)


EVERY_BYTE = np.uint64(0x0101010101010101)
LUMA = np.array([0.299, 0.587, 0.114])  # grey of red, green, blue: ITU-R BT.601, as OpenCV has it


@njit(cache=True, inline="always")
def pack(colour: Any, share: Any, haze: Any, haze_share: Any) -> Any:  # pragma: no cover - compiled
    """Two pixels of a colour mixed with haze, red in the lowest byte of each three, or eight grey ones."""
    one = int(
        share * colour[0] + haze_share * haze[0]
    )  # through signed integers, to which floats convert fastest
    if len(haze) == 1:
        return np.uint64(one) * EVERY_BYTE
    one |= (
        int(share * colour[1] + haze_share * haze[1]) << 8
        | int(share * colour[2] + haze_share * haze[2]) << 16
    )
    return np.uint64(one | one << 24)


@njit(cache=True, inline="always")
def fill(
    flat: Any, pixel: int, run: int, word: Any, channels: Any
) -> None:  # pragma: no cover - compiled
    """Write ``run`` pixels of one colour from ``pixel`` on, and nothing beyond them."""
    at, stop = np.uint64(pixel * channels), np.uint64((pixel + run) * channels)
    while at + np.uint64(8) <= stop:
        store_8_bytes(flat, at, word)
        at += np.uint64(6)
    shift = np.uint64(0)
    while at < stop:
        flat[at] = np.uint8(word >> shift)
        shift += np.uint64(8)
        at += np.uint64(1)
