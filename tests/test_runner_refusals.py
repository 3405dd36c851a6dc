"""Command lines that the runner refuses: in the folder of a trial that is done, nothing changes."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.flat import arguments_of
from agent.donkeycar_sb3_runner import main
from tests.conftest import TINY
from tests.refusals import exit_code, refusal, snapshot

TRIAL = arguments_of({**TINY, "evaluations": 1, "timesteps": 32, "eval_episodes": 1})
ELSEWHERE = ["--env", "donkey-generated-track-v0@1"]  # where no simulator listens


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial that came to its end, with its state kept."""
    folder = tmp_path_factory.mktemp("done") / "trial"
    assert main([*TRIAL, "--keep-state", "--save-dir", str(folder)]) == 0
    return folder


@pytest.fixture
def trial(done: Path, tmp_path: Path) -> Path:
    """A copy of it, the only folder in ``tmp_path``."""
    return shutil.copytree(done, tmp_path / "trial")


BAD = [
    ["--agent", "sarsa"],
    ["--world", "moon"],
    ["--reward", "fame"],
    ["--preset", "fame"],
    ["--timesteps", "0"],
    ["--timesteps", "1e99"],
    ["--gamma", "2"],
    ["--learning-rate", "inf"],
    ["--eval-episodes", "-1"],
    ["--env", "donkey-atlantis-v0"],
    [*ELSEWHERE, "--appearance", "random"],
    [*ELSEWHERE, "--imitation-share", "0.5"],
    ["--client", "gym-donkeycar"],
    ["--config", "nowhere.toml"],
    ["--warm-start", "nowhere.zip"],
    ["--warm-start", __file__],
    ["--agent", "sac", "--demos", "nowhere.npz"],
    ["--agent", "sac", "--demos", __file__],
    ["--agent", "sac", "--memory-limit", "1M"],
    ["--device", "cuda"],
    ["--device", "tpu"],
    ["--mixed-precision"],
    ["--augment", "upside-down"],
    ["--n-envs", "1000"],
    ["--log-steps", "-1"],
    ["--wings", "2"],
]
REFUSED_WHERE = [
    ["--save-dir", "{new}"],
    ["--save-dir", "{new}/deep/er"],
    ["--save-dir", "{trial}", "--overwrite"],
]


@pytest.mark.parametrize("where", REFUSED_WHERE, ids=["new", "deep", "overwritten"])
@pytest.mark.parametrize("bad", BAD, ids=" ".join)
def test_what_cannot_be_followed_changes_nothing(
    trial: Path, capsys: pytest.CaptureFixture[str], bad: list[str], where: list[str]
) -> None:
    folder = [part.format(new=trial.parent / "new", trial=trial) for part in where]
    refusal(main, [*TRIAL, *bad, *folder], trial.parent, capsys)


def torn(trial: Path) -> None:
    (trial / "state.pkl").write_bytes((trial / "state.pkl").read_bytes()[:-2000])


def none(trial: Path) -> None:
    (trial / "state.pkl").unlink()


def of_a_missing_module(trial: Path) -> None:
    (trial / "state.pkl").write_bytes(b"cnowhere\nThing\n.")


def of_something_else(trial: Path) -> None:
    (trial / "state.pkl").write_bytes(pickle.dumps({"model": 5}))


def of_no_model(trial: Path) -> None:
    state = pickle.loads((trial / "state.pkl").read_bytes())
    (trial / "state.pkl").write_bytes(pickle.dumps({**state, "model": b"no zip"}))


def of_another_configuration(trial: Path) -> None:
    params = json.loads((trial / "config.json").read_text())
    (trial / "config.json").write_text(json.dumps({**params, "gamma": 0.5}))


def of_another_agent(trial: Path) -> None:
    state = pickle.loads((trial / "state.pkl").read_bytes())
    del state["config"]  # as an older version kept it
    (trial / "state.pkl").write_bytes(pickle.dumps(state))
    (trial / "config.json").write_text(json.dumps({"agent": "dqn", "timesteps": 64}))


def of_no_configuration(trial: Path) -> None:
    (trial / "config.json").write_text("[")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (none, "has no state.pkl; train with --keep-state"),
        (torn, "cannot be read"),
        (of_a_missing_module, "cannot be read (No module named 'nowhere'); train anew"),
        (of_something_else, "cannot be read (no "),
        (of_no_model, "does not fit this trial"),
        (of_another_configuration, "was kept with gamma 0."),
        (of_another_agent, "does not fit this trial"),
        (of_no_configuration, "is no trial's configuration"),
    ],
)
def test_a_state_that_cannot_be_gone_on_with_changes_nothing(
    trial: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    words: str,
) -> None:
    spoil(trial)
    argv = ["--resume", str(trial), "--timesteps", "64"]
    assert words in refusal(main, argv, trial.parent, capsys)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--save-dir", "{trial}"], "holds the result.json of an earlier trial; choose another"),
        (["--save-dir", "{trial}"], "or --resume {trial} to go on with it"),
        (["--resume", "{trial}"], "has trained 32 steps; give more with --timesteps"),
        (["--resume", "{trial}", "--timesteps", "16"], "has trained 32 steps; give more"),
        (["--resume", "{trial}", "--overwrite"], "goes on with what is there; drop --overwrite"),
        (["--resume", "{trial}", "--gamma", "0.5"], "drop it or train anew"),
        (["--save-dir", "{trial}/model.zip/x"], "is none; choose another"),
        (["--save-dir", "{trial}/" + "x" * 300], "cannot be written (File name too long)"),
        (["--save-dir", "{trial}/new/" + "x" * 300], "cannot be written (File name too long)"),
        (["--save-dir", "/proc/nowhere/trial"], "cannot be written"),
        ([], "no folder is named"),
    ],
)
def test_a_folder_that_cannot_be_the_trials_changes_nothing(
    trial: Path, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    given = [part.format(trial=trial) for part in argv]
    resumed = "--resume" in argv
    line = refusal(main, given if resumed else [*TRIAL, *given], trial.parent, capsys)
    assert words.format(trial=trial) in line


@pytest.mark.parametrize("left", ["state.pkl", "model.zip"])
def test_a_model_or_a_state_without_a_score_is_not_lost_unasked_either(
    trial: Path, capsys: pytest.CaptureFixture[str], left: str
) -> None:
    for path in trial.iterdir():
        if path.is_file() and path.name != left:
            path.unlink()
    line = refusal(main, [*TRIAL, "--save-dir", str(trial)], trial.parent, capsys)
    assert f"holds the {left} of an earlier trial" in line


@pytest.mark.parametrize(
    ("name", "word"), [("model.zip", "written"), ("config.json", "written"), ("tb", "a folder")]
)
def test_what_is_of_another_kind_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, word: str
) -> None:
    (tmp_path / "trial").mkdir()
    if name == "tb":
        (tmp_path / "trial" / name).write_text("")
    else:
        (tmp_path / "trial" / name).mkdir()
    line = refusal(main, [*TRIAL, "--save-dir", str(tmp_path / "trial")], tmp_path, capsys)
    assert f"cannot be {word}" in line


@pytest.mark.parametrize("how", [["--save-dir", "{trial}", "--overwrite"], ["--resume", "{trial}"]])
def test_a_simulator_that_is_not_there_leaves_a_score_as_it_is(
    trial: Path, capsys: pytest.CaptureFixture[str], how: list[str]
) -> None:
    given = [part.format(trial=trial) for part in how]
    if how[0] == "--resume":
        away = json.loads((trial / "config.json").read_text()) | {"env": ELSEWHERE[1:]}
        (trial / "config.json").write_text(json.dumps(away))
        state = pickle.loads((trial / "state.pkl").read_bytes())
        (trial / "state.pkl").write_bytes(pickle.dumps({**state, "config": away}))
        given += ["--timesteps", "64"]
    else:
        given += [*TRIAL, *ELSEWHERE]
    before = snapshot(trial)
    assert exit_code(main, given) == 3
    assert snapshot(trial) == before
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("sim_lost: no simulator answers")
    assert last.endswith(f"{trial / 'result.json'} has the score of before")
