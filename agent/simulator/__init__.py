"""The simulator: vehicle physics, tracks and scenes, camera, TCP server. Knows no world."""

import agent.kernels  # noqa: F401 - before the first kernel
