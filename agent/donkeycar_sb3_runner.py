"""One trial from the command line: train, keep the best checkpoint, evaluate it, write the result.

Arguments are checked before torch is imported, so a mistake is answered at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import at_least_int
from agent.config.command_line import TrialParser, print_params, trial_config, trial_params
from agent.config.command_name import command_name
from agent.config.console import keep_streams_open
from agent.config.errors import (
    EXIT_DIVERGED,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PRUNED,
    EXIT_SIM_LOST,
    UserError,
)
from agent.config.parts import TRACKERS
from agent.config.plain import read_object
from agent.config.provenance import Provenance
from agent.config.trial import TrialConfig
from agent.training.result import outcome, write_result
from agent.training.trial_folder import check_free, check_writable, kept_in
from agent.trials.champion import sha256
from agent.worlds.base import SimulatorLost, headline

PROG = command_name(__file__)
STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def build_parser(argv: Sequence[str] = (), prog: str = PROG) -> TrialParser:
    """The command line: one option per parameter of a trial, and the folder to write to.

    :param argv: the command line that it is for
    :param prog: name of the command
    """
    parser = TrialParser(
        argv,
        prog,
        "--save-dir DIR [--world NAME] [--agent NAME] [--env ID] [OPTION ...]",
        "Train one model in a world, keep its best checkpoint, evaluate it and write result.json.",
    )
    group = parser.add_argument_group("output")
    folder = group.add_mutually_exclusive_group()
    folder.add_argument("--save-dir", type=Path, metavar="DIR", help="folder of the trial's files")
    folder.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="go on with the training whose state is there; alone or with --timesteps",
    )
    group.add_argument(
        "--overwrite",
        action="store_true",
        help="lose what an earlier trial left in the folder of --save-dir",
    )
    group.add_argument(
        "--keep-state",
        action="store_true",
        help=parser.rare(
            "write all that --resume needs at every evaluation, where episodes then start anew,"
            " and when training is cut short"
        ),
    )
    group.add_argument(
        "--log-steps",
        type=at_least_int(0),
        default=0,
        metavar="N",
        help=parser.rare("print every N-th step's reward (default 0: none)"),
    )
    group.add_argument(
        "--track",
        dest="tracker",
        choices=TRACKERS,
        default=argparse.SUPPRESS,
        help="send curves, parameters and score to this tracker too, as far as that goes;"
        " the same as --tracker",
    )
    parser.add_configuration()
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Runs one trial; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    started = time.perf_counter()
    if argv is None:
        argv = sys.argv[1:]
    parser = build_parser(argv, prog)
    arguments = parser.parse_args(argv)
    try:
        config = asked_config(arguments)
        if arguments.print_config:
            print_params(config.to_params())
            return EXIT_OK
        folder = folder_of(arguments)
        config.check_ready()
        check_writable("--resume" if arguments.resume else "--save-dir", folder)
        if not (arguments.resume or arguments.overwrite):
            check_free(folder)
        return Attempt(config, folder, arguments).run(started)
    except UserError as error:
        parser.error(parser.told(error))


def folder_of(arguments: argparse.Namespace) -> Path:
    """The folder to write to.

    :raises UserError: none is named, or one to go on in and to overwrite
    """
    folder: Path | None = arguments.save_dir or arguments.resume
    if folder is None:
        raise UserError("no folder is named; give --save-dir DIR, or --resume DIR")
    if arguments.resume and arguments.overwrite:
        raise UserError(f"--resume {folder} goes on with what is there; drop --overwrite")
    return folder


def asked_config(arguments: argparse.Namespace) -> TrialConfig:
    """The configuration of the trial to run.

    :raises UserError: an impossible value, or a trial that cannot be resumed
    """
    if arguments.resume:
        return resumed_config(arguments)
    return trial_config(arguments)


def resumed_config(arguments: argparse.Namespace) -> TrialConfig:
    """The configuration of the trial to go on with, and the length of training that is asked for.

    :raises UserError: no trial there, or other parameters are asked for than it has
    """
    path = arguments.resume / files.CONFIG
    given = trial_params(arguments)
    others = sorted(given.keys() - {"timesteps"})
    if others:
        name = others[0]
        raise UserError(
            f"{name} {given[name]} was fixed when the training began; drop it or train anew",
            name,
        )
    try:
        return TrialConfig.from_params(read_object(path) | given)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"--resume {path} is no trial's configuration ({error}); give a trial's folder"
        ) from error


@dataclass
class Attempt:
    """One run of a trial, from its first line on the console to its result.

    :param config: of the trial
    :param folder: of its files
    :param arguments: of the command line
    """

    config: TrialConfig
    folder: Path
    arguments: argparse.Namespace
    has_opened: bool = field(default=False, init=False)  # the folder; before, nothing is written

    def run(self, started: float) -> int:
        """Runs it and writes its result, whatever becomes of it; returns the exit code.

        :param started: clock at the beginning of the process
        :raises UserError: options that this machine cannot follow; nothing is written
        """
        with _signals_interrupt():
            print(self.describe(), flush=True)
            code, result = self._train()
            _ignore_signals()
            result |= {
                "elapsed_sec": round(time.perf_counter() - started, 3),
                "simulator": self.config.simulator,
                "seed": self.config.trial.seed,
                **asdict(Provenance.here()),
            }
            return self._conclude(code, result)

    def describe(self) -> str:
        """Names what is about to be trained, and where its files go, in a line."""
        trial = self.config.trial
        work = "training"
        if self.arguments.resume:
            work = "going on with"
        return (
            f"{work} {trial.agent} in {trial.world} on {', '.join(trial.env)},"
            f" {trial.timesteps:,} steps, seed {trial.seed}; files in {self.folder}"
        )

    def _train(self) -> tuple[int, dict[str, Any]]:
        """Exit code and the outcome's part of the result, whatever happens inside the trial."""
        try:
            return self._train_to_an_end()
        except SimulatorLost as error:
            return EXIT_SIM_LOST, outcome("sim_lost", str(error))
        except KeyboardInterrupt:
            cause = f"stopped by a signal before the trial was done ({self._kept()})"
            return EXIT_INTERRUPTED, outcome("interrupted", cause)
        except Exception as error:
            if isinstance(error, UserError) and not self.has_opened:
                raise
            traceback.print_exc()
            status = "crashed"
            if _is_out_of_memory(error):
                status = "out_of_memory"
            return EXIT_ERROR, outcome(status, f"{type(error).__name__}: {error}")

    def _train_to_an_end(self) -> tuple[int, dict[str, Any]]:
        """As ``_train``, of a training that ends by itself or for the controller."""
        # torch takes seconds to import, which a mistake in the arguments does without
        from agent.training.callbacks import Diverged, Pruned
        from agent.training.run import run_trial

        try:
            score, stopped = run_trial(
                self.config,
                self.folder,
                self.arguments.log_steps,
                keep_state=self.arguments.keep_state,
                resume=self.arguments.resume is not None,
                on_open=self._note_opened,
            )
        except Diverged as error:
            return EXIT_DIVERGED, outcome("diverged", str(error))
        except Pruned as error:
            return EXIT_PRUNED, outcome("pruned", str(error))
        return EXIT_OK, outcome("ok", stopped, score)

    def _note_opened(self) -> None:
        self.has_opened = True

    def _kept(self) -> str:
        if not self.has_opened:
            return "before it began"
        from agent.training.checkpoint_chooser import imitates_to_the_end

        return kept_in(self.folder, latest=imitates_to_the_end(self.config))

    def _conclude(self, code: int, result: dict[str, Any]) -> int:
        """Write ``result.json`` and print the last line; returns the exit code."""
        model = self.folder / files.MODEL
        try:
            result["model_sha256"] = sha256(model) if model.exists() else None
            where = write_result(self.folder, result, has_opened=self.has_opened)
        except OSError as error:
            path = self.folder / files.RESULT
            remedy = "free space or choose another"
            print(f"{path} cannot be written: {error}; {remedy}", file=sys.stderr, flush=True)
            return code or EXIT_ERROR
        summary = result["cause"]
        if code == EXIT_OK:
            summary = (
                f"mean_reward {result['mean_reward']:.4f} std_reward {result['std_reward']:.4f}"
                f"{headline(self.config.the_world, result['score'])}"
            )
        print(
            f"{result['run_status']}: {summary} in {result['elapsed_sec']:.1f} s, {where}",
            flush=True,
        )
        return code


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Turn the first SIGTERM or SIGINT into KeyboardInterrupt and ignore more of them."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in STOPPING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in STOPPING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _is_out_of_memory(error: Exception) -> bool:
    texts = ("out of memory", "can't allocate memory")  # torch raises RuntimeError
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in texts)


if __name__ == "__main__":
    raise SystemExit(main())
