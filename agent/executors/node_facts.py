"""Facts about a node of a cluster, which decide if it may run trials.

Ray carries ``node_facts`` to nodes that may not have this package, so it needs nothing but Python
itself.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from agent import PRODUCT

PACKAGE = "agent"
GIB = 1024**3
DIGITS = 12  # chosen: of the digest
CODE = (".py", ".json", ".j2")  # endings of the files that decide what a trial does


def node_facts() -> dict[str, Any]:
    """Returns the facts about the machine that it runs on.

    ``version`` and ``code`` of this package, empty without it, ``python``, and ``memory_bytes``.
    """
    facts = {
        "version": "",
        "code": "",
        "python": sys.version.partition(" ")[0],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }
    try:
        package: Any = import_module(PACKAGE)
        version = package.__version__
    except (ImportError, AttributeError):
        return facts
    return facts | {"version": version, "code": code_digest(Path(package.__file__).parent)}


def code_digest(package: Path) -> str:
    """Returns the first digits of the SHA-256 of a package's code.

    :param package: its folder; folders in it that are no packages, such as those of models, do not
        count
    """
    digest = hashlib.sha256()
    rooms = [
        package,
        *sorted(each for each in package.iterdir() if (each / "__init__.py").exists()),
    ]
    for room in rooms:
        found = room.iterdir() if room == package else room.rglob("*")
        for path in sorted(each for each in found if each.suffix in CODE):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGITS]


def why_refused(
    facts: dict[str, Any], here: dict[str, Any], memory_bytes: int | None
) -> str | None:
    """Returns, in words behind its name, why a node may run no trials; ``None`` if it may.

    :param facts: of the node, see ``node_facts``
    :param here: of this machine
    :param memory_bytes: what a trial may plan for, ``None`` for anything
    """
    if not facts["version"]:
        return f"has no {PRODUCT}; install {here['version']} there"
    if facts["version"] != here["version"]:
        return (
            f"has {PRODUCT} {facts['version']}, this machine {here['version']};"
            " install the same on both"
        )
    if facts["code"] != here["code"]:
        return (
            f"has {PRODUCT} {facts['version']} with code {facts['code']}, this machine with"
            f" {here['code']}; install the same on both"
        )
    if memory_bytes is not None and facts["memory_bytes"] < memory_bytes:
        return (
            f"has {facts['memory_bytes'] / GIB:.1f} GiB of memory, less than"
            f" --memory-limit {memory_bytes / GIB:.1f}G of a trial; lower that or drop the node"
        )
    return None
