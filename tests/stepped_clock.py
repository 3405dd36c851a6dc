"""A clock that is set while processes run, for those processes alone.

Linux tells when it was started as a time of day, ``btime`` in ``/proc/stat``. It changes with every
step of the clock, and so does the start of each process for whoever computes it from that. Commands
that begin with ``SteppedClock.prefix`` see a copy of the file, in a mount namespace of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

BIND = 'mount --bind "$0" /proc/stat && exec "$@"'


class SteppedClock:
    """A copy of ``/proc/stat`` and the command that shows it to others.

    :raises OSError: there is no such file, or no ``unshare``
    :raises subprocess.CalledProcessError: this account may mount nothing
    """

    def __init__(self, folder: Path) -> None:
        """Makes the copy, and makes sure that it can be shown.

        :param folder: for the copy
        """
        self._stat = folder / "stat"
        text = Path("/proc/stat").read_text()
        self._stat.write_text(text)
        btime = re.search(r"^btime (\d+)$", text, re.MULTILINE)
        assert btime is not None
        self._place = btime.start(1)
        self._btime = int(btime[1])
        self.prefix = ["unshare", "-Urm", "sh", "-c", BIND, str(self._stat)]
        subprocess.run([*self.prefix, "true"], check=True, capture_output=True)

    def step(self, seconds: int) -> None:
        """Sets the clock forward, or back; the file is whole at every moment."""
        self._btime += seconds
        with self._stat.open("r+b", buffering=0) as stat:
            os.pwrite(stat.fileno(), str(self._btime).encode(), self._place)
