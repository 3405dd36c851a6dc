"""CarRacing-v3 anew, to the bit and to the pixel; knows numpy and numba alone."""

import agent.kernels  # noqa: F401 - before the first kernel
