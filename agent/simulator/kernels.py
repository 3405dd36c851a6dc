"""Compilation of kernels that make no array.

They go into the kernels that call them (``forceinline``), and numba need not count who holds an
array (``_nrt``). Counting makes a picture of generated_track take 106 us instead of 49
(tests/benchmarks/bench_camera.py). A kernel that makes arrays is ``njit(cache=True)``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from numba import njit

_njit = partial(njit, cache=True, forceinline=True, _nrt=False)
_part = partial(_njit, no_cpython_wrapper=True, no_cfunc_wrapper=True)
# Called by Python and by kernels.
kernel: Any = _njit()
# Called by kernels alone.
part: Any = _part()
# The same for pictures: sums may be reordered, and a division by zero is no error.
fast_part: Any = _part(fastmath=True, error_model="numpy")
# A line or two that every caller compiles by its own rules of floating point.
snippet: Any = njit(cache=True, inline="always")
