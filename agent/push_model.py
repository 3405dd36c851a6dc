"""CLI: a model on the Hugging Face Hub, or the folder of its repository (--dry-run)."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from agent import PRODUCT
from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.command_name import command_name, to_run
from agent.config.console import keep_streams_open
from agent.config.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, UserError
from agent.config.export_formats import check_libraries
from agent.config.one_line_parser import OneLineParser
from agent.config.outputs import check_folder
from agent.config.plain import read_object
from agent.reporting.films import film_folders
from agent.reporting.history import load_trials, read_evaluations
from agent.reporting.model_card import Card, Result, race_result_of, result_of, write_card
from agent.trials.champion import check_trust, find_model, sha256
from agent.trials.experiment import add_experiment_arguments, settle_folders
from agent.trials.record import task_names

PROG = command_name(__file__)
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)  # the hub's rule
NOT_IN_A_NAME = ("--", "..", ".git")
CARD = "README.md"
FILM = "replay"  # the hub shows a film of this name
TFLITE = "champion.tflite"
OUTPUTS = (CARD, files.MODEL, files.MANIFEST, TFLITE, f"{FILM}.mp4", f"{FILM}.gif")


def build_parser(prog: str = PROG) -> OneLineParser:
    """Returns the command line of pushing a model."""
    parser = OneLineParser(
        prog=prog,
        description="Write a folder with a model, its manifest, its film and a page with its"
        " scores, and upload it to the Hugging Face Hub.",
        allow_abbrev=False,
    )
    parser.add_argument("repository", metavar="USER/NAME", help="name of the model on the hub")
    parser.add_argument(
        "--dry-run", action="store_true", help="write the folder, and upload nothing"
    )
    parser.add_argument(
        "--private", action="store_true", help="make a repository that only you can see"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="ZIP",
        help="model to push: a file, its folder, bundled or bundled/WORLD (default: the champion"
        " of the study, or the bundled one while there is none)",
    )
    parser.add_argument(
        "--film",
        type=Path,
        metavar="FILE",
        help=".mp4 or .gif to show (default: that of its latest race or evaluation)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder to write (default {files.HUB}/USER/NAME in the results folder)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="lose what an earlier push left in that folder"
    )
    add_experiment_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    """Writes the folder and uploads it; returns an exit code of ``agent.config.errors``."""
    keep_streams_open()
    parser = build_parser(prog)
    arguments = parser.parse_args(argv)
    try:
        settle_folders(arguments)
        folder = prepare(arguments)
        if arguments.dry_run:
            print("nothing was uploaded (--dry-run)", flush=True)
            return EXIT_OK
        return upload(arguments, folder, prog)
    except UserError as error:
        return parser.refuse(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return EXIT_INTERRUPTED


def prepare(arguments: argparse.Namespace) -> Path:
    """Writes the folder of the repository; returns it.

    :raises UserError: a name, a model or a folder that will not do; nothing is written
    """
    check_name(arguments.repository)
    if not arguments.dry_run and importlib.util.find_spec("huggingface_hub") is None:
        raise UserError(
            "huggingface_hub is not installed;"
            f' pip install "{PRODUCT}[hub]", or give --dry-run to write the folder alone'
        )
    folder: Path = arguments.out or arguments.results_dir / files.HUB / arguments.repository
    check_folder("--out" if arguments.out else "--results-dir", folder)
    present = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if present and not arguments.overwrite:
        raise UserError(f"--out {folder} holds {present[0]}; name another or give --overwrite")
    model = find_model(arguments.model, arguments.models_dir)
    if not model.is_file():
        raise UserError(
            f"--model {model} does not exist;"
            f" train one with {to_run('autoresearch_controller.py', 'search')} or give --model"
        )
    try:
        check_trust(model)
    except UserError:
        raise UserError(
            f"--model {model} is not what {files.MANIFEST} or {files.RESULT} beside it is of;"
            " give a folder as its training left it"
        ) from None
    manifest = manifest_of(model)
    evaluations = own_evaluations(arguments.results_dir, str(manifest["sha256"]))
    film = arguments.film or film_of(evaluations)
    check_film(film)
    contents = contents_of(model, manifest, film)
    page = card_of(arguments, manifest, evaluations, set(contents))
    write_folder(folder, {CARD: page.encode(), **contents})
    told = ", ".join(name for name in OUTPUTS if (folder / name).exists())
    print(f"{files.shown_path(folder)}: {told}", flush=True)
    if not film:
        print("no film: race it with --gif DIR, or give --film FILE", flush=True)
    return folder


def check_name(name: str) -> None:
    """Refuses what cannot be the name of a model on the hub.

    :raises UserError: such a name
    """
    if not NAME.fullmatch(name) or any(part in name for part in NOT_IN_A_NAME):
        raise UserError(f"{name!r} is no name on the hub; write USER/NAME, such as ann/warren-ppo")


def check_film(film: Path | None) -> None:
    """Refuses a film that cannot be shown.

    :raises UserError: such a film
    """
    if film and (film.suffix not in (".mp4", ".gif") or not film.is_file()):
        raise UserError(
            f"--film {film} is no .mp4 or .gif that is there; name one, or leave it out"
        )


def manifest_of(model: Path) -> dict[str, Any]:
    """The manifest to publish: that beside the model, or one of the trial that made it.

    No path of this machine is in it.

    :raises UserError: a file beside the model cannot be read
    """
    path = model.with_name(files.MANIFEST)
    try:
        if path.exists():
            manifest = read_object(path)
        else:
            path = model.with_name(files.CONFIG)
            result = read_object(model.with_name(files.RESULT), nan_as_none=True)
            manifest = {name: result.get(name) for name in ("mean_reward", "std_reward", "score")}
            manifest |= {"params": read_object(path), "git_commit": result.get("git_commit")}
        params = {name: bare(value) for name, value in dict(manifest["params"]).items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} does not say what trained the model ({error}); restore it"
        ) from None
    manifest.pop("ledger", None)
    own = {"params": params, "model_path": files.MODEL, "sha256": sha256(model)}
    return manifest | own


def bare(value: Any) -> Any:
    """A parameter; of an absolute path the name alone."""
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def own_evaluations(results_dir: Path, digest: str) -> list[dict[str, Any]]:
    """Evaluations and races of this very model, the oldest first.

    :param results_dir: folder of their ledgers
    :param digest: SHA-256 of the model
    """
    found = [
        line
        for name in (files.EVALUATIONS, files.RACES)
        for line in read_evaluations(results_dir / name)
        if line.get("sha256") == digest
    ]
    return sorted(found, key=lambda line: str(line.get("timestamp")))


def film_of(evaluations: Sequence[Mapping[str, Any]]) -> Path | None:
    """The film of the latest race or evaluation that has one, as .mp4 if there is both."""
    for folder in reversed(film_folders(evaluations)):
        films = [path for path in sorted(folder.glob("*")) if path.suffix in (".mp4", ".gif")]
        if films:
            return max(films, key=lambda path: path.suffix == ".mp4")
    return None


def results_of(
    manifest: Mapping[str, Any], arguments: argparse.Namespace, evaluations: Sequence[Any]
) -> Iterator[Result]:
    """Scores of the model: of the trial that made it, and of the latest evaluation of each task."""
    found: Mapping[str, Any] = manifest
    with suppress(UserError):  # no folder of ledgers: the manifest has the score alone
        found = next(
            (
                vars(trial.record)
                for trial in load_trials(arguments.results_dir)
                if is_of(trial.record.kind, trial.record.trial, trial.record.timestamp, manifest)
            ),
            manifest,
        )
    home = " + ".join(dict.fromkeys(task_names(manifest["params"])))
    latest = {str(line.get("env")): line for line in evaluations if "mean_reward" in line}
    for task, each in {home: found, **latest}.items():
        result = result_of(task, each)
        if result is not None:
            yield result


def races_of(evaluations: Sequence[Mapping[str, Any]]) -> Iterator[Result]:
    """The latest race of the model on each task."""
    latest = {str(line.get("env")): line for line in evaluations if "races" in line}
    for task, line in latest.items():
        result = race_result_of(task, line)
        if result is not None:
            yield result


def is_of(kind: str, trial: int, timestamp: str, manifest: Mapping[str, Any]) -> bool:
    """True for the trial that the manifest is of: numbers alone repeat between ledgers."""
    named = (manifest.get("kind"), manifest.get("trial"), manifest.get("timestamp"))
    return named == (kind, trial, timestamp)


def contents_of(model: Path, manifest: Mapping[str, Any], film: Path | None) -> dict[str, bytes]:
    """Files of the repository by their names, but for its page.

    :param model: a model.zip
    :param manifest: to publish
    :param film: to show, ``None`` for none
    :raises UserError: a file that cannot be read
    """
    found = {files.MANIFEST: (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode()}
    try:
        found[files.MODEL] = model.read_bytes()
        if film:
            found[FILM + film.suffix] = film.read_bytes()
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); mend it") from None
    try:
        found[TFLITE] = tflite_of(model)
    except UserError as error:
        print(f"no {TFLITE}: {error}", flush=True)
    return found


def tflite_of(model: Path) -> bytes:
    """The model as a file for a stock DonkeyCar.

    :raises UserError: a missing library, or a model that no such file can be made of
    """
    check_libraries("it", "tflite")
    # torch takes seconds to import, which a mistake in the arguments does without
    from agent.deployment.export import export
    from agent.deployment.pilot import Pilot

    return export(Pilot(model), "tflite").content


def card_of(
    arguments: argparse.Namespace,
    manifest: Mapping[str, Any],
    evaluations: Sequence[Mapping[str, Any]],
    names: Collection[str],
) -> str:
    """The page of the repository.

    :param arguments: of the command line
    :param manifest: to publish
    :param evaluations: of the model
    :param names: of the other files there
    """
    film = next((name for name in names if name.startswith(FILM)), None)
    results = list(results_of(manifest, arguments, evaluations))
    races = list(races_of(evaluations))
    return write_card(
        Card(arguments.repository, manifest, results, races, film, has_tflite=TFLITE in names)
    )


def write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes the files of a repository, in place of those of an earlier push.

    :param folder: made when absent
    :param contents: by their names
    :raises UserError: the folder cannot be written
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in OUTPUTS:
            (folder / name).unlink(missing_ok=True)
        for name, content in contents.items():
            write_bytes(folder / name, content)
    except OSError as error:
        raise UserError(
            f"--out {folder} cannot be written ({error.strerror}); choose another"
        ) from None


def upload(arguments: argparse.Namespace, folder: Path, prog: str) -> int:
    """Uploads the folder with the token that huggingface_hub finds; returns an exit code.

    :param arguments: of the command line
    :param folder: of the repository
    :param prog: name of the command, for a complaint
    """
    from huggingface_hub import HfApi

    try:
        api = HfApi()
        api.create_repo(arguments.repository, private=arguments.private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=arguments.repository,
            folder_path=folder,
            allow_patterns=list(OUTPUTS),
            commit_message=f"A model of {PRODUCT}",
        )
    except Exception as error:  # of the network, of the hub or of its client
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        print(f"{prog}: error: not uploaded: {reason}", file=sys.stderr, flush=True)
        return EXIT_ERROR
    print(f"uploaded: {commit.commit_url}", flush=True)
    return EXIT_OK


if __name__ == "__main__":
    raise SystemExit(main())
