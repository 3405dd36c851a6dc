"""The world: vehicle physics, camera, tracks and their scenes. Knows no other room.

Its kernels are compiled once and kept. numba notices a change of a kernel's own file, not of the kernels that it calls
in others, so each state of the sources keeps its kernels in a folder of its own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from numba import config


def _kernels(folder: Path) -> Path:
    """Where the kernels compiled from the sources in ``folder`` are kept."""
    digest = hashlib.sha256()
    for source in sorted(folder.glob("*.py")):
        digest.update(source.read_bytes())
    return folder / "__pycache__" / f"kernels-{digest.hexdigest()[:16]}"


if not config.CACHE_DIR:  # type: ignore[attr-defined]  # NUMBA_CACHE_DIR is the user's own choice
    config.CACHE_DIR = str(_kernels(Path(__file__).parent))  # type: ignore[attr-defined]
