"""Compilation of kernels: their kinds as decorators.

A kernel that makes arrays is ``njit(cache=True)``; with ``UNWRAPPED``, kernels alone may call it.
The kinds below make none, so numba need not count who holds an array (``_nrt``). Counting makes a
picture of generated_track take 106 us instead of 45 (tests/benchmarks/bench_camera.py). numba does
not document this option and ``UNWRAPPED``; a release without them would refuse them at import.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from numba import njit

# No entrance for Python or C, which takes long to compile where there are many arguments.
UNWRAPPED: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_njit = partial(njit, cache=True, _nrt=False)

# Called by Python, and part of the kernels that call it.
kernel: Any = _njit(forceinline=True, no_cfunc_wrapper=True)
# Called by kernels, from several places or seldom.
routine: Any = _njit(**UNWRAPPED)
# Part of the one kernel, or the few, that call it.
part: Any = _njit(forceinline=True, **UNWRAPPED)
# The same for pictures: sums may be reordered, and a division by zero is no error.
fast_part: Any = _njit(forceinline=True, fastmath=True, error_model="numpy", **UNWRAPPED)
# A line or two that every caller compiles by its own rules of floating point.
snippet: Any = njit(cache=True, inline="always")
