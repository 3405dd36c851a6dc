"""A task's name, for who does not load a world."""

from __future__ import annotations


def task_of(task: str) -> str:
    """A task's name in ``TASK[@[HOST:]PORT]``, whatever the address is worth.

    A task may be a path whose folders have an @ in their names; an address has no slash.
    """
    name, at, address = task.rpartition("@")
    return name if at and "/" not in address else task
