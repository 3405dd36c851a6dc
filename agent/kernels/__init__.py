"""Kernels of all worlds: compiled once and kept. Knows no other room.

numba notices a change of a kernel's own file, not of the kernels that it calls in others, nor of
their constants. So each state of the sources keeps its kernels in a folder of its own; the sources
are all files of the folders that hold a kernel. A package with kernels imports this one first.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from agent.kernels.cache import keep_kernels


def _kernels(package: Path) -> Path:
    """Returns the folder of the kernels that are compiled from the sources of this state."""
    texts = {source: source.read_bytes() for source in sorted(package.rglob("*.py"))}
    rooms = {source.parent for source, text in texts.items() if b"@njit" in text}
    digest = hashlib.sha256()
    for source, text in texts.items():
        if source.parent in rooms:
            digest.update(text)
    return package / "kernels" / "__pycache__" / f"kernels-{digest.hexdigest()[:16]}"


keep_kernels(_kernels(Path(__file__).parents[1]))
