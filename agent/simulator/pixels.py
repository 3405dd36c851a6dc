"""Writing pixels fast, colour (three bytes) or grey (one).

As many pixels as fit go into one store of eight bytes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

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


def _load(context: Any, data: Any, at: Any) -> Any:
    """Read a 64-bit word from eight bytes of a flat uint8 array, wherever they begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = make_array(signature.args[0])(context, builder, arguments[0])
        first_byte = builder.gep(array.data, [arguments[1]])
        place = builder.bitcast(first_byte, ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(data, types.uint64), generate


load_8_bytes: Any = intrinsic(_load)


def _mix(context: Any, under: Any, over: Any, opacity: Any) -> Any:
    """Mix two 64-bit words as ``blend_word`` does, each byte with an opacity of its own."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bytes_of = ir.VectorType(ir.IntType(8), 8)
        wide = ir.VectorType(ir.IntType(16), 8)
        under, over, opacity = (
            builder.zext(builder.bitcast(word, bytes_of), wide) for word in arguments
        )
        eight, half, most = (ir.Constant(wide, [number] * 8) for number in (8, 128, 255))
        mixed = builder.mul(under, builder.sub(most, opacity))
        mixed = builder.add(builder.add(mixed, builder.mul(over, opacity)), half)
        mixed = builder.lshr(builder.add(mixed, builder.lshr(mixed, eight)), eight)
        return builder.bitcast(builder.trunc(mixed, bytes_of), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64, types.uint64), generate


mix_8_bytes: Any = intrinsic(_mix)


EVERY_BYTE = np.uint64(0x0101010101010101)
EVEN_BYTES = np.uint64(0x00FF00FF00FF00FF)
HALVES = np.uint64(0x0080008000800080)  # for rounding
LUMA = np.array([0.299, 0.587, 0.114])  # grey of red, green, blue: ITU-R BT.601, as OpenCV has it


class Fog(NamedTuple):
    """Haze that grows from a distance on, over another, up to a share."""

    from_u: float = 60.0  # chosen, as all three
    over_u: float = 260.0
    most: float = 0.6


@snippet
def clear_share(distance_u: float, fog: Fog) -> Any:  # pragma: no cover - compiled
    """Returns the share of a colour that haze leaves."""
    return 1.0 - min(max((distance_u - fog.from_u) / fog.over_u, 0.0), fog.most)


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


@snippet
def blend_word(under: Any, over: Any, opacity: Any) -> Any:  # pragma: no cover - compiled
    """Returns two words mixed byte by byte.

    :param under: what is there
    :param over: what is mixed in
    :param opacity: its share, 0 to 255
    """
    rest = np.uint64(255) - opacity
    even = ((under & EVEN_BYTES) * rest + (over & EVEN_BYTES) * opacity) + HALVES
    odd = ((under >> np.uint64(8)) & EVEN_BYTES) * rest
    odd += ((over >> np.uint64(8)) & EVEN_BYTES) * opacity + HALVES
    # x / 255 as (x + x / 256) / 256, byte by byte.
    even += (even >> np.uint64(8)) & EVEN_BYTES
    odd += (odd >> np.uint64(8)) & EVEN_BYTES
    return ((even >> np.uint64(8)) & EVEN_BYTES) | (odd & ~EVEN_BYTES)


@part
def blend_pixel(
    pixels: Any, at: Any, channels: Any, word: Any, opacity: Any
) -> None:  # pragma: no cover - compiled
    """Mix a colour into one pixel.

    :param pixels: the picture's bytes
    :param at: the pixel's first byte
    :param channels: bytes of a pixel
    :param word: the colour, see ``pack``
    :param opacity: its share, 0 to 255
    """
    under = np.uint64(pixels[at])
    if channels == 3:
        under |= np.uint64(pixels[at + np.uint64(1)]) << np.uint64(8)
        under |= np.uint64(pixels[at + np.uint64(2)]) << np.uint64(16)
    put_pixel(pixels, at, channels, blend_word(under, word, opacity))


@part
def put_pixel(pixels: Any, at: Any, channels: Any, word: Any) -> None:  # pragma: no cover
    """Write one pixel; see ``blend_pixel``."""
    pixels[at] = np.uint8(word)
    if channels == 3:
        pixels[at + np.uint64(1)] = np.uint8(word >> np.uint64(8))
        pixels[at + np.uint64(2)] = np.uint8(word >> np.uint64(16))


@part
def blend_run(
    pixels: Any,
    first: int,
    columns: int,
    left: float,
    right: float,
    channels: Any,
    word: Any,
    opacity: float,
) -> None:  # pragma: no cover - compiled
    """Mix a colour into a row from one place to another; pixels at the ends are covered in part.

    :param pixels: the picture's bytes
    :param first: the row's first pixel
    :param columns: how many pixels it has
    :param left: where the run begins, in columns, ``right`` where it ends
    :param channels: bytes of a pixel
    :param word: the colour, see ``pack``
    :param opacity: its share, 0 to 1
    """
    begin = int(math.floor(max(left + 0.5, 0.0)))
    end = int(math.floor(min(right + 0.5, columns - 1.0)))
    at = np.uint64((first + begin) * channels)
    for column in range(begin, end + 1):
        covered = min(right, column + 0.5) - max(left, column - 0.5)
        share = np.uint64(int(max(covered, 0.0) * opacity * 255.0 + 0.5))
        blend_pixel(pixels, at, channels, word, share)
        at += np.uint64(channels)


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
