"""Reading and writing arrays by one index, which is never negative.

numba lets an index count from the end, and looks at each for that: a picture took 324 us so, and
226 us without. The arrays are in C order and written as one row; the caller answers for the index.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

FOUR = ir.IntType(64)  # numbers of 16 bits


def _read(context: Any, array: Any, at: Any) -> Any:
    """Returns an element."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]]))

    return array.dtype(array, types.int64), generate


def _write(context: Any, array: Any, at: Any, value: Any) -> Any:
    """Sets an element."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        builder.store(arguments[2], builder.gep(data, [arguments[1]]))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


def _write_4(context: Any, array: Any, at: Any, word: Any) -> Any:
    """Sets four elements of 16 bits, wherever they begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, arguments[0]).data
        first = builder.gep(data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(first, FOUR.as_pointer()), align=2)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), generate


read: Any = intrinsic(_read)
write: Any = intrinsic(_write)
write_4: Any = intrinsic(_write_4)
