"""Loads models and states of older versions, whose pickles name modules by old paths."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Old module -> new module, and the classes in it whose names have changed.
MOVED: dict[str, tuple[str, dict[str, str]]] = {
    "agent.training.algorithms.lean": ("agent.training.old_names", {"LeanPPO": "FastPPO"}),
    "agent.training.algorithms.lessons": ("agent.training.old_names", {}),
    "agent.training.algorithms.demos": ("agent.training.old_names", {}),
    "agent.training.algorithms.replay": ("agent.training.replay", {}),
    "agent.training.algorithms.networks": (
        "agent.training.algorithms.patch_encoder",
        {"RoadNet": "PatchEncoder"},
    ),
    "agent.envs.road_replay": ("agent.worlds.donkey.curriculum", {}),
}


class _MovedModule:
    """Makes a module of an old name out of today's: a loader.

    It does without the base class in ``importlib.abc``, whose import takes the controller 3 ms.
    """

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of today under its old name."""
        new_path, names = MOVED[spec.name]
        new = importlib.import_module(new_path)
        module = ModuleType(spec.name)
        module.__dict__.update(vars(new) | {old: getattr(new, name) for old, name in names.items()})
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""


class _GonePackage:
    """Makes an empty package that a moved module was in and that is there no longer."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Python's own module will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


class _OldPaths:
    """Finds modules by the paths that they had."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """See ``MetaPathFinder``.

        :param fullname: of the module
        :param path: ignored
        :param target: ignored
        """
        if fullname in MOVED:
            return ModuleSpec(fullname, _MovedModule())  # type: ignore[arg-type]
        if any(old.startswith(f"{fullname}.") for old in MOVED):
            return ModuleSpec(fullname, _GonePackage(), is_package=True)  # type: ignore[arg-type]
        return None


def install() -> None:
    """Make old paths importable; nothing heavy is loaded before one is asked for."""
    if not any(isinstance(finder, _OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(_OldPaths())
