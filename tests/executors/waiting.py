"""Waiting for trials, for tests."""

from __future__ import annotations

import time

import psutil

from agent.executors.base import Handle, Outcome


def ended(handle: Handle) -> Outcome:
    """Polls until there is an outcome."""
    while True:
        outcome = handle.poll()
        if outcome is not None:
            return outcome
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
