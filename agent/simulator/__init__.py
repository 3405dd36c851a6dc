"""The simulator: vehicle physics, tracks and scenes, camera, TCP server. Knows no other room.

Its kernels are compiled once and kept. numba notices a change of a kernel's own file, not of the
kernels that it calls in others. So each state of the sources keeps its kernels in a folder of its
own; the sources are this room's, and those of kernels elsewhere in the package.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from agent.simulator.kernel_cache import keep_kernels


def _kernels(folder: Path) -> Path:
    """Returns the folder of the kernels that are compiled from the sources of this state."""
    digest = hashlib.sha256()
    for source in sorted(folder.parent.rglob("*.py")):
        text = source.read_bytes()
        if source.parent == folder or b"@njit" in text:
            digest.update(text)
    return folder / "__pycache__" / f"kernels-{digest.hexdigest()[:16]}"


keep_kernels(_kernels(Path(__file__).parent))
