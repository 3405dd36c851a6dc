"""Writing pixels fast, colour (three bytes) or grey (one).

As many pixels as fit go into one store of eight bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from agent.simulator.kernels import part, snippet


def _store(context: Any, data: Any, at: Any, word: Any) -> Any:
    """Write a 64-bit word over eight bytes of a flat uint8 array, wherever they begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])
        first_byte = builder.gep(array.data, [arguments[1]])
        place = builder.bitcast(first_byte, ir.IntType(64).as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(data, types.uint64, types.uint64), generate


store_8_bytes: Any = intrinsic(_store)


EVERY_BYTE = np.uint64(0x0101010101010101)
LUMA = np.array([0.299, 0.587, 0.114])  # grey of red, green, blue: ITU-R BT.601, as OpenCV has it
# Chosen: haze grows from the first distance on over the second, up to a share.
HAZE_FROM_U = 60.0
HAZE_OVER_U = 260.0
MOST_HAZE = 0.6
HAZED_SHARE = 1.0 - MOST_HAZE  # the least that haze leaves of a colour


@snippet
def clear_share(distance_u: float) -> Any:  # pragma: no cover - compiled
    """Returns the share of a colour that haze leaves."""
    return 1.0 - min(max((distance_u - HAZE_FROM_U) / HAZE_OVER_U, 0.0), MOST_HAZE)


@snippet
def pack(colour: Any, share: Any, haze: Any, haze_share: Any) -> Any:  # pragma: no cover - compiled
    """Returns a word of two pixels, red in the lowest byte of each three, or of eight grey ones.

    :param colour: levels, (channels,)
    :param share: of the colour
    :param haze: levels that it is mixed with, (channels,)
    :param haze_share: of the haze
    """
    # Through signed integers, to which floats convert fastest.
    one = int(share * colour[0] + haze_share * haze[0])
    if len(haze) == 1:
        return np.uint64(one) * EVERY_BYTE
    one |= int(share * colour[1] + haze_share * haze[1]) << 8
    one |= int(share * colour[2] + haze_share * haze[2]) << 16
    return np.uint64(one | one << 24)


@part
def fill(
    flat: Any, pixel: int, run: int, word: Any, channels: Any
) -> None:  # pragma: no cover - compiled
    """Write pixels of one colour, and nothing beyond them.

    :param flat: the picture's bytes
    :param pixel: the first one
    :param run: how many
    :param word: see ``pack``
    :param channels: bytes of a pixel
    """
    at = np.uint64(pixel * channels)
    stop = np.uint64((pixel + run) * channels)
    while at + np.uint64(8) <= stop:
        store_8_bytes(flat, at, word)
        at += np.uint64(6)
    shift = np.uint64(0)
    while at < stop:
        flat[at] = np.uint8(word >> shift)
        shift += np.uint64(8)
        at += np.uint64(1)
