"""Kinds of kernels of this room, as decorators.

They make no arrays, so numba need not count who holds one (``_nrt``); what is called once a joint
or a pixel would spend most of its time on that. What makes arrays is ``@njit(cache=True)``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from numba import njit

_njit = partial(njit, cache=True, _nrt=False, error_model="numpy")
# No entrance for Python or C, which takes long to compile where there are many arguments.
_unwrapped = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

# Called by Python, and by kernels.
kernel: Any = _njit(no_cfunc_wrapper=True)
# Called by kernels, from several places or seldom.
routine: Any = _njit(**_unwrapped)
# Part of the kernels that call it.
part: Any = _njit(forceinline=True, **_unwrapped)
