"""One trial from the command line: train a driver, keep its best checkpoint, judge it, write ``result.json``.

Arguments are checked before torch is imported, so a mistake is answered at once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent.config import files
from agent.config.argument_types import at_least_int
from agent.config.command_line import OneLineParser, add_trial_arguments, trial_config, trial_params
from agent.config.errors import (
    EXIT_DIVERGED,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_PRUNED,
    EXIT_SIM_LOST,
    UserError,
)
from agent.config.provenance import Provenance
from agent.config.trial import TrialConfig
from agent.training.checkpoints import write_json
from agent.trials.champion import sha256
from agent.worlds.base import SimulatorLost, World, headline

if TYPE_CHECKING:
    from agent.evaluation.episodes import Score

STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def build_parser() -> OneLineParser:
    """The runner's command line: one option per field of ``TrialConfig``, and where to write."""
    parser = OneLineParser(prog="donkeycar_sb3_runner.py", description=__doc__, allow_abbrev=False)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--save-dir", type=Path, metavar="DIR", help="folder of the trial's files")
    place.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="go on with the training whose state is there; alone or with --timesteps",
    )
    parser.add_argument(
        "--keep-state",
        action="store_true",
        help="write all that --resume needs at every evaluation, and start episodes anew",
    )
    parser.add_argument(
        "--log-steps",
        type=at_least_int(0),
        default=0,
        metavar="N",
        help="print every N-th step's reward (default 0: none)",
    )
    add_trial_arguments(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one trial; returns an exit code of ``agent.config.trial``."""
    started = time.perf_counter()
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        folder = arguments.resume or arguments.save_dir
        config = resumed_config(arguments) if arguments.resume else trial_config(arguments)
        config.check_ready()
        check_folder(folder)
        with _signals_interrupt():
            code, result = _attempt(config, folder, arguments)
            _ignore_signals()
            result |= {
                "elapsed_sec": round(time.perf_counter() - started, 3),
                "simulator": config.simulator,
                "seed": config.trial.seed,
                **asdict(Provenance.here()),
            }
            return _conclude(folder, code, result, config.the_world)
    except UserError as error:
        parser.error(str(error))


def resumed_config(arguments: argparse.Namespace) -> TrialConfig:
    """The configuration of the trial to go on with, with the length of training that is asked for.

    :raises UserError: no trial there, or other parameters are asked for than it has
    """
    path = arguments.resume / files.CONFIG
    given = trial_params(arguments)
    if others := sorted(given.keys() - {"timesteps"}):
        raise UserError(
            f"{others[0]} {given[others[0]]} was settled when the training began; drop it or train anew"
        )
    try:
        params = json.loads(path.read_text(encoding="utf-8"))
        return TrialConfig.from_params(params | given)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"resume {path} is no trial's configuration ({error}); give a trial's folder"
        ) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written, without creating anything.

    :raises UserError: a file stands in the way, or permission is missing
    """
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise UserError(
            f"save-dir {folder} cannot be a folder, {nearest} is a file; choose another"
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(
            f"save-dir {folder} cannot be written, no permission in {nearest}; choose another"
        )


def _attempt(
    config: TrialConfig, folder: Path, arguments: argparse.Namespace
) -> tuple[int, dict[str, Any]]:
    """Exit code and the outcome's part of the result, whatever happens inside the trial."""
    try:
        from agent.training.callbacks import Diverged, Pruned
        from agent.training.run import run_trial

        try:
            keeping = {"keep_state": arguments.keep_state, "resume": arguments.resume is not None}
            score, stopped = run_trial(config, folder, arguments.log_steps, **keeping)
            return EXIT_OK, _outcome("ok", stopped, score)
        except Diverged as error:
            return EXIT_DIVERGED, _outcome("diverged", str(error))
        except Pruned as error:
            return EXIT_PRUNED, _outcome("pruned", str(error))
        except SimulatorLost as error:
            return EXIT_SIM_LOST, _outcome("sim_lost", str(error))
    except UserError:
        raise
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED, _outcome(
            "interrupted", "stopped by a signal before the trial was done"
        )
    except Exception as error:
        traceback.print_exc()
        status = "out_of_memory" if _is_out_of_memory(error) else "crashed"
        return EXIT_ERROR, _outcome(status, f"{type(error).__name__}: {error}")


def _outcome(status: str, cause: str | None, score: Score | None = None) -> dict[str, Any]:
    return {
        "run_status": status,
        "cause": cause,
        "mean_reward": score.mean_reward if score else None,
        "std_reward": score.std_reward if score else None,
        "score": score.to_json() if score else None,
    }


def _conclude(folder: Path, code: int, result: dict[str, Any], world: World) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / files.MODEL
        result["model_sha256"] = sha256(model) if model.exists() else None
        write_json(folder / files.RESULT, result)
    except OSError as error:
        print(
            f"result.json cannot be written into {folder}: {error}; free space or choose another",
            file=sys.stderr,
        )
        return code or EXIT_ERROR
    if code == EXIT_OK:
        summary = (
            f"mean_reward {result['mean_reward']:.4f} std_reward {result['std_reward']:.4f}"
            f"{headline(world, result['score'])}"
        )
    else:
        summary = result["cause"]
    print(
        f"{result['run_status']}: {summary} in {result['elapsed_sec']:.1f} s,"
        f" see {folder / files.RESULT}",
        flush=True,
    )
    return code


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Turn the first SIGTERM or SIGINT into KeyboardInterrupt and ignore more of them while saving."""

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
    text = str(error).lower()
    return (
        isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text
    )


if __name__ == "__main__":
    raise SystemExit(main())
