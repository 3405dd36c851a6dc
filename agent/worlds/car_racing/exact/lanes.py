"""Four levels in one word of 64 bits, and their means, as the processor's vectors compute them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

LANES = ir.VectorType(ir.IntType(16), 4)
WIDE = ir.VectorType(ir.IntType(32), 4)


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


mean_of_lanes: Any = intrinsic(_mean)
