"""Folders of a soak, the controllers that run in them, and checks of what they leave."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from agent.config import files
from agent.executors.processes import tagged_processes, workspace_id
from agent.trials.champion import check_trust
from agent.trials.folders import Folders
from agent.trials.ledger import Ledger
from agent.trials.record import Record
from tests.stepped_clock import SteppedClock

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_SEC = 3.0
GONE_SEC = 10.0
CLOCK_STEPS_SEC = (-3600, -2, -1, 1, 2, 3600)
CONTROLLER = """
import sys
from pathlib import Path
from agent.trials import session
session.COOLDOWN_SEC = 0.0
import agent.autoresearch_controller as controller
controller.RUNNER = Path(sys.argv[1])
sys.exit(controller.main(sys.argv[2:]))
"""


class Workspace:
    """Folders of a study, its plan for the fake runner, and controllers over it.

    Studies with other ``results`` in the same folder share models and plan.
    """

    def __init__(self, folder: Path, results: str = "results") -> None:
        self.folder = folder
        self.results = folder / results
        self.models = folder / "models"
        self.controller_log = folder / f"{results}.log"
        self.runner = Path(shutil.copy(ROOT / "tests" / "fake_runner.py", folder / "runner.py"))
        self.ledger = Ledger(self.results / files.SEARCH_LEDGER)
        self.clock: SteppedClock | None = None
        self.clock_steps = 0

    def open_clock(self) -> None:
        """Give controllers from now on a clock that can be set, where this account may."""
        try:
            self.clock = SteppedClock(self.folder)
        except (OSError, subprocess.CalledProcessError) as error:
            print(
                f"clock steps: skipped, this account can show no other clock ({error})", flush=True
            )

    def step_clock(self, rng: random.Random) -> None:
        """Set that clock, while controllers run."""
        if self.clock is not None:
            self.clock.step(rng.choice(CLOCK_STEPS_SEC))
            self.clock_steps += 1

    def plan(self, steps: dict[str, dict[str, Any]]) -> None:
        """Write what each trial does."""
        (self.folder / "plan.json").write_text(json.dumps(steps))

    def start(self, trials: int, *argv: str, redirection: str = "") -> subprocess.Popen[bytes]:
        """A controller in a process of its own.

        :param trials: that it runs
        :param argv: further options
        :param redirection: a shell's, of its streams, such as ``>&-``
        """
        folders = ["--results-dir", str(self.results), "--models-dir", str(self.models)]
        options = [
            "--trials",
            str(trials),
            "--cooldown",
            "0",
            "--agent",
            "ppo",
            "--push-every",
            "0",
        ]
        options += ["--confirm-seeds", "0", *folders, *argv]
        prefix = [] if self.clock is None else self.clock.prefix
        if redirection:
            prefix = [*prefix, "sh", "-c", f'exec "$@" {redirection}', "sh"]
        command = [
            *prefix,
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            CONTROLLER,
            str(self.runner),
            *options,
        ]
        with self.controller_log.open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    def heard(self) -> None:
        """Wait for the controller's next word."""
        deadline = time.monotonic() + GONE_SEC
        before = self.controller_log.stat().st_size
        while self.controller_log.stat().st_size == before and time.monotonic() < deadline:
            time.sleep(0.01)

    def left_alive(self) -> int:
        """Processes of this workspace, after they had ``GONE_SEC`` to go."""
        deadline = time.monotonic() + GONE_SEC
        while time.monotonic() < deadline:
            own = [workspace_id(self.models)]
            left = [tag for _, tag in tagged_processes() if tag.split(":")[3:4] == own]
            if not left:
                return 0
            time.sleep(0.05)
        return len(left)

    def blamed(self, records: list[Record], expected: dict[str, set[str]]) -> list[str]:
        """Trials that did not end as they should.

        :param records: all
        :param expected: a record's statuses, by what its step of the plan says; others may end
            in any way
        """
        plan = json.loads((self.folder / "plan.json").read_text())
        wrong = []
        for record in records:
            step = plan[f"trial-{record.trial:03d}"].get("say", "")
            if record.run_status not in expected.get(step, {record.run_status}):
                blame = f"{record.run_status} ({record.cause})"
                wrong.append(f"trial {record.trial}, which {step or 'is well'}, is said {blame}")
        return wrong

    def check(self, records: list[Record], beside: list[Record] | None = None) -> list[str]:
        """What is wrong with ledger, folders and champion.

        :param records: all of this study
        :param beside: of another study that shares the models
        """
        wrong = []
        numbers = sorted(record.trial for record in [*records, *(beside or [])])
        if numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"trial numbers are not 1 to {len(numbers)}: {numbers}")
        folders = sorted(int(path.name.split("-")[1]) for path in self.models.glob("trial-*"))
        if folders != numbers:
            wrong.append(f"folders {sorted(set(folders) ^ set(numbers))} and records differ")
        if len(self.ledger.path.read_text().splitlines()) != len(records):
            wrong.append("the ledger has lines that are no records")
        best = max((r.mean_reward for r in records if r.mean_reward is not None), default=None)
        if best is not None:
            (champion,) = Folders(self.models, "trial", self.ledger.path).titles.folders()
            check_trust(champion / files.MODEL)
            manifest = json.loads((champion / files.MANIFEST).read_text())
            if manifest["mean_reward"] != best:
                wrong.append(f"the champion has {manifest['mean_reward']}, the best trial {best}")
        return wrong


class StudyBeside:
    """A second study over the same models, whose controllers nobody listens to."""

    REDIRECTIONS = (">&- 2>&-", "| head -c 1")

    def __init__(self, study: Workspace, trials: int, *argv: str) -> None:
        """Starts it in a thread.

        :param study: the first
        :param trials: that it runs
        :param argv: further options of its controllers
        """
        self.study = Workspace(study.folder, "beside")
        self.study.clock = study.clock
        self.wrong: list[str] = []
        self._trials = trials
        self._argv = argv
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def records(self) -> list[Record]:
        """All of its records, once it has ended."""
        self._thread.join()
        return self.study.ledger.load()

    def _run(self) -> None:
        for redirection in itertools.cycle(self.REDIRECTIONS):
            left = self._trials - len(self.study.ledger.load())
            if left <= 0 or self.wrong:
                return
            started = self.study.start(left, *self._argv, redirection=redirection)
            try:
                code = started.wait(60.0 + 10.0 * left)
            except subprocess.TimeoutExpired:
                started.kill()
                code = started.wait()
            if code not in (0, 3):
                self.wrong.append(f"a controller that nobody listened to ended with {code}")
