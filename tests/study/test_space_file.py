"""Spaces in TOML: whatever a file holds, it is a space or one line."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.config.config_file import read_file
from agent.config.errors import UserError
from agent.search.parameter import Choice, Range
from agent.search.proposer import propose
from agent.study.plan import Plan, make_plan
from agent.study.space_file import load_space
from tests.controllers import Run, rewards

GAMMA = 'name = "gamma"'


def plan_of(tmp_path: Path, *tables: str, agent: str | None = "ppo", **fixed: Any) -> Plan:
    path = tmp_path / "own.toml"
    path.write_text("".join(f"[[parameter]]\n{table}\n" for table in tables))
    given = {"agent": agent} if agent else {}
    return make_plan(given, fixed, str(path), 5000, 20_000)


@pytest.mark.parametrize("encode", [str.encode, lambda text: codecs.BOM_UTF8 + text.encode()])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_other_ends_of_lines_are_read_over(
    encode: Any, newline: str, tmp_path: Path
) -> None:
    text = newline.join(["[[parameter]]", GAMMA, "low = 0.9", "high = 0.99"])
    (tmp_path / "own.toml").write_bytes(encode(text))
    assert load_space(tmp_path / "own.toml").parameters == (Range("gamma", 0.9, 0.99),)
    (tmp_path / "own.toml").write_bytes(encode(f"gamma = 0.9{newline}seed = 1"))
    assert read_file(tmp_path / "own.toml") == {"gamma": 0.9, "seed": 1}


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ('name = "batch_size"\nchoices = [2, 2, 3]', "batch_size has the choice 2 twice; drop one"),
        (f"{GAMMA}\nchoices = [0, 0.0]", "gamma has the choice 0.0 twice"),
        ('name = "augment"\nchoices = ["flip", ["flip"]]', "has the choice ['flip'] twice"),
        ('name = "batch_size"\nchoices = ["2", 2]', "batch_size '2' is not a whole number"),
        (
            'name = "batch_size"\nlow = 2.2\nhigh = 2.8\ninteger = true',
            "batch_size has no whole number from 2.2 to 2.8; widen the range",
        ),
        ('name = "batch_size"\nlow = 2.2\nhigh = 2.8', "batch_size has no whole number"),
        ('name = "learning_rate"\nlow = 0\nhigh = 1\nlog = true', "needs a bound above 0"),
        ('name = "learning_rate"\nlow = -1\nhigh = 1\nlog = true', "needs a bound above 0"),
        (f"{GAMMA}\nlow = 0.99\nhigh = 0.9", "a lower bound that is not above"),
        (f"{GAMMA}\nlow = nan\nhigh = 0.9", "nan is not a finite number"),
        (f"{GAMMA}\nlow = 0\nhigh = inf", "inf is not a finite number"),
        (f"{GAMMA}\nchoices = [nan]", "nan is not a finite number"),
        (f"{GAMMA}\nlow = 0\nhigh = {'9' * 400}", "is not a finite number"),
        (f"{GAMMA}\nlow = 0\nhigh = {'9' * 5000}", "own.toml is no search space"),
        ('name = "target_entropy"\nlow = -1e308\nhigh = 1e308', "bounds that are too large"),
        (f'{GAMMA}\nlow = "0.9"\nhigh = 1', "low '0.9' is not a number"),
        (f"{GAMMA}\nlow = true\nhigh = 1", "low True is not a number"),
        (f"{GAMMA}\nlow = 1979-05-27\nhigh = 1", "is not a finite number"),
        (f"{GAMMA}\nlow = 0.9\nhigh = 0.95\ninteger = 1", "integer 1 is not true or false"),
        (f"{GAMMA}\nchoices = []", "gamma has no choices"),
        (f"{GAMMA}\nchoices = [0.9]\nlow = 0.8", "key 'low' is unknown"),
        (f'{GAMMA}\nchoices = ["high"]', "gamma 'high' is not a number"),
        (f"{GAMMA}\nchoices = [{{ low = 1 }}]", "is not a number"),
        (f"{GAMMA}\nchoices = {'[' * 30}{']' * 30}", "nests more than 20 levels"),
        (f"{GAMMA}\nchoices = {'[' * 9000}{']' * 9000}", "nests too deeply"),
        ('name = "reward"\nlow = 0\nhigh = 1', "reward is no number and cannot have a range"),
        ('name = "reward_shaping"\nlow = 0\nhigh = 1', "reward_shaping is no number"),
        (
            'name = "reward"\nchoices = ["sim", "speed"]',
            "reward 'speed' is another spelling of reward sim and reward_shaping True",
        ),
        ('name = "reward"\nchoices = ["sim", "speeed"]', "reward 'speeed' is unknown"),
        ('name = "gama"\nlow = 0\nhigh = 1', "'gama' cannot be searched; did you mean gamma?"),
        ('name = ""\nchoices = [1]', "'' is no name of a parameter"),
        ('name = "a\\nb"\nchoices = [1]', r"'a\nb' is no name of a parameter"),
        ("name = 3\nchoices = [1]", "has no name"),
        ('name = "device"\nchoices = ["cpu", "cuda"]', "'device' cannot be searched"),
        ('name = "max_episode_steps"\nlow = 100\nhigh = 900', "scores compare only where it is"),
        ('name = "max_cte"\nchoices = [4.0, 8.0]', "--set max_cte=VALUE has it in all trials"),
        ('name = "tau"\nlow = 0.01\nhigh = 0.1', "no setting of ppo"),
        (f'{GAMMA}\nlow = 0.9\nhigh = 0.99\nwhen = {{ agent = "dqn" }}', "put that choice before"),
    ],
)
def test_a_parameter_that_cannot_be_searched_is_one_line(
    table: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, table)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "the space has no parameters"),
        (codecs.BOM_UTF8, "the space has no parameters"),
        (b'[[parameters]]\nname = "gamma"', "key 'parameters' is unknown; write [[parameter]]"),
        (b"[parameter]\nlow = 1", "write [[parameter]]"),
        ("[[parameter]]".encode("utf-16"), "it is not UTF-8; save it as that"),
        (b'name = "\xff"', "it is not UTF-8"),
    ],
)
def test_a_file_that_is_no_space_is_one_line(data: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(data)
    with pytest.raises(UserError) as caught:
        make_plan({}, {}, str(tmp_path / "own.toml"), 5000, 20_000)
    assert "own.toml is no search space: " in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_space_and_nothing_is_written(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.toml").mkdir()
    assert run(rewards(1), "--space", str(tmp_path / "own.toml")) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "it cannot be read (Is a directory); give a file" in said
    assert [path.name for path in tmp_path.iterdir()] == ["own.toml"]


def test_a_whole_number_s_range_has_whole_numbers_between_its_bounds(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'name = "batch-size"\nlow = 31.2\nhigh = 34.9')
    assert plan.space.parameters == (Range("batch_size", 32, 34, integer=True),)
    tried = {plan.space.decode(np.array([unit]))["batch_size"] for unit in np.linspace(0, 1, 50)}
    assert tried == {32, 33, 34}


def test_values_are_of_the_parameter_s_own_kind_and_name(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        'name = "taught"\nchoices = [0, 0.5]',
        'name = "lesson_weight"\nlow = 1\nhigh = 3\nwhen = { taught = 0.5 }',
        'name = "augment"\nchoices = [[], "flip", ["flip", "blur"]]',
    )
    assert plan.space.parameters == (
        Choice("imitation_share", (0.0, 0.5)),
        Range("imitation_weight", 1, 3, when=("imitation_share", 0.5)),
        Choice("augment", ([], ["flip"], ["flip", "blur"])),
    )
    assert isinstance(plan.default["imitation_share"], float)


def test_a_file_that_a_trial_would_need_is_asked_for_before_the_night(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = tmp_path / "own.toml"
    space.write_text('[[parameter]]\nname = "warm_start"\nchoices = ["", "nowhere.zip"]')
    assert run(rewards(1), "--agent", "ppo", "--space", str(space)) == 2
    assert "nowhere.zip does not exist" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["own.toml"]


def test_every_choice_is_tried_before_the_night(tmp_path: Path) -> None:
    choices = ", ".join(str(n / 1000) for n in range(200))
    with pytest.raises(UserError, match=r"throttle_min 0\.9 is not below throttle_max"):
        plan_of(tmp_path, f'name = "throttle_min"\nchoices = [{choices}, 0.9]')


def test_a_space_of_one_point_has_one_proposal(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, f"{GAMMA}\nlow = 0.98\nhigh = 0.98")
    assert plan.default == {"gamma": 0.98}
    proposal = propose(plan.space, [], np.random.default_rng(0), kappa=2.0)
    assert proposal.params == {"gamma": 0.98}
