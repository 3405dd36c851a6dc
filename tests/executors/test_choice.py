"""``--executor``: what is asked for, and what is refused before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.config.errors import UserError
from agent.executors import choice
from agent.executors.choice import Place, parse_place
from tests.controllers import Run

ROOT = Path(__file__).parents[2]
LOADED = """
import sys
from agent import autoresearch_controller
autoresearch_controller.build_parser(["--executor", sys.argv[1]])
parts = {"ray", "submitit", "agent.executors.slurm"}
print(sorted(each for each in sys.modules if each in parts or ".ray_" in each))
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("local", Place("local")),
        ("ray", Place("ray")),
        ("ray://192.0.2.1:6379", Place("ray", "192.0.2.1:6379")),
        ("ray://head.lab:6379", Place("ray", "head.lab:6379")),
        ("slurm", Place("slurm")),
    ],
)
def test_a_place_is_read(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is unknown; choose from local, ray, ray://HOST:PORT"),
        ("lokal", "'lokal' is unknown; did you mean local?"),
        ("local://here", "'local://here' is unknown;"),
        ("ray://", "'ray://' has no HOST:PORT; write it as ray://192.0.2.1:6379"),
        ("ray://head", "'ray://head' has no HOST:PORT;"),
        ("ray://head:port", "'ray://head:port' has no HOST:PORT;"),
        ("ray://:6379", "'ray://:6379' has no HOST:PORT;"),
        ("slurm://head:6379", "'slurm://head:6379' is unknown;"),
    ],
)
def test_what_is_no_place_is_refused(text: str, words: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_place(text)
    assert str(refused.value).startswith(words)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--executor", "lokal"], "argument --executor: 'lokal' is unknown; did you mean local?"),
        (["--cpus-per-trial", "2"], "--cpus-per-trial 2 is for trials on other machines; drop it"),
        (["--gpus-per-trial", "0.5"], "--gpus-per-trial 0.5 is for trials on other machines"),
        (["--cpus-per-trial", "0"], "argument --cpus-per-trial: 0 is too small"),
        (["--executor", "ray"], "pip install 'donkeycar-rl-autoresearch[ray]'"),
        (["--executor", "slurm"], "pip install 'donkeycar-rl-autoresearch[slurm]'"),
        (["--partition", "gpu"], "--partition gpu is for trials on other machines; drop it"),
        (["--slurm", "qos=high"], "--slurm qos=high is for trials on other machines; drop it"),
        (["--slurm", "qos"], "argument --slurm: 'qos' is no option of sbatch; write NAME=VALUE"),
        (["--slurm", "a b=1"], "argument --slurm: 'a b=1' is no option of sbatch"),
    ],
)
def test_what_cannot_be_followed_is_one_line_and_nothing_is_written(
    run: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    words: str,
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    assert run({}, "--agent", "ppo", *argv) == 2
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert words in line
    assert output.out == ""
    assert not (tmp_path / "results").exists()


def test_gpus_above_one_are_whole(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda _: True)
    assert run({}, "--agent", "ppo", "--executor", "ray", "--gpus-per-trial", "1.5") == 2
    assert (
        "--gpus-per-trial 1.5 is above 1 and no whole number; give one" in capsys.readouterr().err
    )


@pytest.mark.parametrize("place", ["ray", "slurm"])
def test_what_only_a_cluster_needs_is_not_loaded_before_it_is_used(place: str) -> None:
    command = [sys.executable, "-c", LOADED, place]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("[]\n", "")
