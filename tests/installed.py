"""The project as a user has it: a wheel, built from the checkout and installed in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from agent import kernels

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")
LEFT_OUT = ("__pycache__", "models", "runs", "outerloop-results")


class Installed(NamedTuple):
    """An installation.

    :param folder: what its packages lie in
    """

    folder: Path

    def files(self) -> set[Path]:
        """Its files, relative to the folder, but for what Python and numba keep beside them."""
        return {
            path.relative_to(self.folder)
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    def start(self, work: Path, *arguments: str) -> subprocess.Popen[str]:
        """Starts ``autoresearch`` in the folder ``work``; its errors go to its output."""
        return subprocess.Popen(
            [sys.executable, str(self.folder / "bin" / "autoresearch"), *arguments],
            cwd=work,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def install(checkout: Path, scratch: Path) -> Installed:
    """Builds the wheel of a checkout and installs it, without a network.

    :param checkout: of this project
    :param scratch: an empty folder to build and to install in
    """
    wheel = build_wheel(checkout, scratch)
    installed = Installed(scratch / "site-packages")
    target = ["--no-deps", "--no-index", "--no-compile", "--target", str(installed.folder)]
    subprocess.run([*PIP, "install", *target, str(wheel)], check=True, timeout=120)
    bring_kernels(checkout, installed.folder)
    return installed


def build_wheel(checkout: Path, scratch: Path) -> Path:
    """Builds the wheel of a checkout, without a network; returns its path.

    :param checkout: of this project
    :param scratch: an empty folder to build in
    """
    source = scratch / "source"
    shutil.copytree(checkout / "agent", source / "agent", ignore=shutil.ignore_patterns(*LEFT_OUT))
    for name in SOURCES:
        shutil.copy(checkout / name, source)
    wheels = scratch / "wheels"
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    subprocess.run([*PIP, *build], check=True, timeout=120)
    (wheel,) = wheels.iterdir()
    return wheel


def bring_kernels(checkout: Path, folder: Path) -> None:
    """Copies what the checkout has compiled, for the same sources: compiling takes half a minute.

    numba has a folder of kernels for each folder of sources, named by a hash of its path.
    """
    from numba.core.caching import _CacheLocator

    def name_of(source: Path) -> str:
        return str(_CacheLocator.get_suitable_cache_subpath(str(source / "kernels.py")))

    own = kernels._kernels(checkout / "agent")
    theirs = kernels._kernels(folder / "agent")
    for room in ("simulator", "worlds/donkey/experts", "worlds/car_racing/exact"):
        compiled = own / name_of(checkout / "agent" / room)
        if compiled.is_dir():
            shutil.copytree(compiled, theirs / name_of(folder / "agent" / room))
