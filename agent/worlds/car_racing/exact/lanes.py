"""Work for the processor's vectors: four levels in a word of 64 bits, and four words at once."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LANES = ir.VectorType(ir.IntType(16), 4)
WIDE = ir.VectorType(ir.IntType(32), 4)
WORD = ir.IntType(64)
WORDS = ir.VectorType(WORD, 4)


def _high_product(builder: Any, a: Any, b: Any) -> Any:
    """Returns the upper 16 bits of the lanes' products."""
    product = builder.mul(builder.zext(a, WIDE), builder.zext(b, WIDE))
    return builder.trunc(builder.lshr(product, ir.Constant(WIDE, [16] * 4)), LANES)


def _mean(
    context: Any,
    total: Any,
    last: Any,
    share: Any,
    before: Any,
    share_before: Any,
    reciprocal: Any,
) -> Any:
    """Returns a mean of pixels, of which the first and the last count in part.

    Each part and the mean are cut off.

    :param total: sum of the whole pixels
    :param last: pixel after them
    :param share: of it, of 2 ** 14, in all lanes as the next ones
    :param before: pixel before them
    :param share_before: of it
    :param reciprocal: of the number of pixels, of 2 ** 16
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        total, last, share, before, share_before, reciprocal = (
            builder.bitcast(word, LANES) for word in arguments
        )
        two = ir.Constant(LANES, [2] * 4)
        for pixel, part in ((last, share), (before, share_before)):
            total = builder.add(total, _high_product(builder, builder.shl(pixel, two), part))
        mean = _high_product(builder, total, reciprocal)
        return builder.bitcast(mean, ir.IntType(64))

    return types.uint64(*[types.uint64] * 6), generate


def _splat(builder: Any, word: Any) -> Any:
    """Returns four times the same word."""
    one = builder.insert_element(ir.Constant(WORDS, ir.Undefined), word, ir.IntType(32)(0))
    none = ir.Constant(ir.VectorType(ir.IntType(32), 4), [0] * 4)
    return builder.shuffle_vector(one, ir.Constant(WORDS, ir.Undefined), none)


def _cover(
    context: Any, words: Any, at: Any, flat: Any, around: Any, first: Any, last: Any, word: Any
) -> Any:
    """Sets twelve words: a part of them to one word, the others to another, or leaves them.

    :param words: an array
    :param at: index of the first
    :param flat: the others are set
    :param around: to this one
    :param first: of those that are set to ``word``, 0 to 11
    :param last: of them
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, at, flat, around, first, last, word = arguments
        data = make_array(signature.args[0])(context, builder, array).data
        around, first, last, word = (_splat(builder, x) for x in (around, first, last, word))
        flat = builder.trunc(flat, ir.IntType(1))
        for k in range(0, 12, 4):
            place = builder.gep(data, [builder.add(at, WORD(k))])
            place = builder.bitcast(place, WORDS.as_pointer())
            kept = builder.select(flat, around, builder.load(place, align=8))
            number = ir.Constant(WORDS, [k, k + 1, k + 2, k + 3])
            after = builder.icmp_signed(">=", number, first)
            covered = builder.and_(after, builder.icmp_signed("<=", number, last))
            builder.store(builder.select(covered, word, kept), place, align=8)
        return context.get_dummy_value()

    whole = types.int64
    arguments = (words, whole, types.boolean, types.uint64, whole, whole, types.uint64)
    return types.void(*arguments), generate


mean_of_lanes: Any = intrinsic(_mean)
cover_12: Any = intrinsic(_cover)
