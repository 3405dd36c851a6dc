"""What is kept of a training that is cut short, what is said of it, and what it goes on from."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from agent.config import files
from agent.config.flat import arguments_of
from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import Attempt, build_parser, main
from agent.simulator.fleet import Fleet
from agent.training.algorithms import ALGORITHMS
from agent.training.callbacks import FiniteGuard
from agent.worlds.base import SimulatorLost
from agent.worlds.donkey.vec_env import DonkeyVecEnv
from tests.conftest import TINY

ALGORITHM_OPTIONS = {
    "ppo": ["--n-steps", "8"],
    "recurrent_ppo": ["--n-steps", "8"],
    "dqn": ["--batch-size", "4", "--gradient-steps", "1"],
    "sac": ["--batch-size", "4", "--gradient-steps", "1"],
    "td3": ["--batch-size", "4", "--gradient-steps", "1"],
    "ddpg": ["--batch-size", "4", "--gradient-steps", "1"],
    "tqc": ["--batch-size", "4", "--gradient-steps", "1"],
}
LOST = "simulator fell silent"


def run(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    argv = [*arguments_of({**TINY, "eval_episodes": 1}), "--save-dir", str(folder), *options]
    return main(argv), json.loads((folder / files.RESULT).read_text())


def steps_of(path: Path, agent: str = "ppo") -> int:
    return int(ALGORITHMS[agent].model.load(path, device="cpu").num_timesteps)


def fail_at(call: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the simulator fail at its ``call``-th step."""
    whole = Fleet.step
    calls = [0]

    def step(self: Fleet, *given: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            raise error
        return whole(self, *given)

    monkeypatch.setattr(Fleet, "step", step)


@pytest.mark.parametrize(
    ("agent", "error"),
    [("ppo", KeyboardInterrupt()), ("sac", KeyboardInterrupt()), ("ppo", SimulatorLost(LOST))],
    ids=["ppo", "sac", "lost"],
)
def test_training_cut_short_before_its_first_evaluation_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    agent: str,
    error: BaseException,
) -> None:
    options = ["--agent", agent, *ALGORITHM_OPTIONS[agent], "--keep-state"]
    with monkeypatch.context() as patch:
        fail_at(11, error, patch)
        _, result = run(tmp_path, *options, "--timesteps", "96")
    assert result["run_status"] in ("interrupted", "sim_lost")
    assert not (tmp_path / files.MODEL).exists()
    kept = pickle.loads((tmp_path / files.STATE).read_bytes())
    assert kept["config"]["agent"] == agent
    line = capsys.readouterr().out.splitlines()[-1]
    if isinstance(error, KeyboardInterrupt):
        assert "(no checkpoint yet, last_model.zip is the latest; --resume" in line
    assert main(["--resume", str(tmp_path)]) == 0
    assert steps_of(tmp_path / files.LAST_MODEL, agent) >= 96
    assert capsys.readouterr().out.startswith(f"going on with {agent} in donkey on donkey-")


@pytest.mark.parametrize(
    "evaluation", ["checkpoint_chooser.CheckpointChooser._on_training_end", "run._judge"]
)
def test_training_cut_short_in_an_evaluation_at_its_end_goes_on_with_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluation: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(f"agent.training.{evaluation}", interrupted)
        assert run(tmp_path, "--keep-state")[0] == 130
    assert main(["--resume", str(tmp_path)]) == 0
    assert json.loads((tmp_path / files.RESULT).read_text())["run_status"] == "ok"


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "(model.zip is the best so far)"),
        (["--keep-state"], "(model.zip is the best so far; --resume"),
        (["--imitation-share", "1"], "(model.zip is the latest checkpoint)"),
    ],
)
def test_an_interrupted_trial_says_what_it_has_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    fail_at(60, KeyboardInterrupt(), monkeypatch)
    code, result = run(tmp_path, *options, "--n-steps", "8")
    assert code == 130
    assert words in result["cause"]
    output = capsys.readouterr().out
    assert words in output.splitlines()[-1]
    assert ("best so far" in output) == ("--imitation-share" not in options)


def test_a_failure_after_a_score_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, done = run(tmp_path, "--keep-state")
    assert code == 0
    fail_at(5, SimulatorLost(LOST), monkeypatch)
    assert main(["--resume", str(tmp_path), "--timesteps", "96"]) == 3
    found = json.loads((tmp_path / files.RESULT).read_text())
    assert found.pop("resumed")["cause"] == LOST
    assert found == done


@pytest.mark.parametrize("agent", ALGORITHM_OPTIONS)
def test_an_error_before_the_first_step_is_the_one_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    def silent(_: object) -> Any:
        raise SimulatorLost(LOST)

    monkeypatch.setattr(DonkeyVecEnv, "reset", silent)
    code, result = run(tmp_path, "--agent", agent, *ALGORITHM_OPTIONS[agent], "--keep-state")
    assert (code, result["run_status"], result["cause"]) == (3, "sim_lost", LOST)


def fails(*_: object) -> Any:
    raise OSError("it cannot be closed")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (DonkeyVecEnv, "close"),
        (FiniteGuard, "restore"),
        ("agent.training.run", "save_model"),
        ("agent.training.run", "_close"),
        ("stable_baselines3.common.logger.Logger", "close"),
    ],
)
def test_errors_of_cleanup_mask_no_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
) -> None:
    target = f"{place}.{name}" if isinstance(place, str) else place
    if isinstance(place, str):
        monkeypatch.setattr(target, fails)
    else:
        monkeypatch.setattr(place, name, fails)
    fail_at(5, SimulatorLost(LOST), monkeypatch)
    code, result = run(tmp_path)
    assert (code, result["cause"]) == (3, LOST)


def test_an_environment_that_cannot_be_closed_costs_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(DonkeyVecEnv, "close", fails)
    code, result = run(tmp_path)
    assert (code, result["run_status"]) == (0, "ok")
    assert "closing failed: OSError: it cannot be closed" in capsys.readouterr().err


def test_a_retry_begins_its_curves_anew_and_needs_no_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller tries a trial that lost its simulator once more in the same folder."""
    (tmp_path / files.LAUNCH).write_text("{}")
    with monkeypatch.context() as patch:
        fail_at(60, SimulatorLost(LOST), patch)
        assert run(tmp_path, "--n-steps", "8")[0] == 3
    assert (tmp_path / files.MODEL).exists()
    (tmp_path / files.CURVES / "notes").write_text("mine")
    code, result = run(tmp_path)
    assert (code, result["run_status"]) == (0, "ok")
    assert len(list((tmp_path / files.CURVES).glob("events*"))) == 1
    assert (tmp_path / files.CURVES / "notes").exists()


def test_overwriting_loses_what_was_there(tmp_path: Path) -> None:
    assert run(tmp_path, "--keep-state")[0] == 0
    (tmp_path / "notes").write_text("mine")
    assert run(tmp_path, "--overwrite", "--seed", "5")[1]["seed"] == 5
    assert not (tmp_path / files.STATE).exists()
    assert (tmp_path / "notes").exists()
    assert len(list((tmp_path / files.CURVES).glob("events*"))) == 1


def test_a_trial_says_first_what_it_trains_and_where() -> None:
    config = TrialConfig.of(timesteps=1000, seed=7)
    arguments = build_parser().parse_args(["--save-dir", "here"])
    assert Attempt(config, Path("here"), arguments).describe() == (
        "training ppo in donkey on donkey-generated-track-v0, 1,000 steps, seed 7; files in here"
    )
