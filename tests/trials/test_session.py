from __future__ import annotations

import errno
import signal

import pytest

from agent.trials.session import exit_code


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "no space is left on the disk; free some and start it again",
        ),
        (
            OSError(errno.EDQUOT, "Disk quota exceeded"),
            "no space is left on the disk; free some and start it again",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            "Permission denied: '/x'; mend that and start it again",
        ),
    ],
)
def test_a_disk_that_fails_ends_the_night_in_one_line(
    error: OSError, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def body() -> None:
        raise error

    assert exit_code("controller", body) == 1
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1


def test_a_night_that_is_to_outlive_its_terminal_does() -> None:
    seen = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup starts it
    try:
        exit_code("controller", lambda: seen.append(signal.getsignal(signal.SIGHUP)))
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert seen == [signal.SIG_IGN]
