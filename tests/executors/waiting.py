"""Waiting for trials, for tests."""

from __future__ import annotations

import time

import psutil

from agent.executors.base import Handle, Outcome

WAIT_SEC = 120.0  # more than any trial here takes, a busy machine's start of a node included


def ended(handle: Handle) -> Outcome:
    """Polls until there is an outcome."""
    deadline = time.monotonic() + WAIT_SEC
    while time.monotonic() < deadline:
        outcome = handle.poll()
        if outcome is not None:
            return outcome
        time.sleep(0.01)
    raise AssertionError(f"the trial has not ended within {WAIT_SEC:g} s")


def wait_until_started(handle: Handle) -> None:
    """Polls until the trial's first evaluation."""
    deadline = time.monotonic() + WAIT_SEC
    while not handle.progress():
        assert handle.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
