"""Our own CarRacing is the installed one, and another one is noticed, said and used."""

from __future__ import annotations

import pytest

from agent.worlds.base import Learner, Purpose
from agent.worlds.car_racing import make_vec_env as module
from agent.worlds.car_racing import self_check
from agent.worlds.car_racing.exact_backend import ExactBackend
from agent.worlds.car_racing.gymnasium_backend import GymnasiumBackend
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.vec_env import CarRacingVecEnv

pytest.importorskip("Box2D")


def test_the_installed_one_is_ours() -> None:
    assert self_check.difference() == ""


@pytest.mark.parametrize("changed", ["track", "reward", "picture"])
def test_a_difference_is_found(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if changed == "track":
        original = GymnasiumBackend.centre_line
        monkeypatch.setattr(
            GymnasiumBackend, "centre_line", lambda self, k: original(self, k) + 1e-12
        )
    if changed == "reward":
        drive = GymnasiumBackend.advance

        def pay_more(self: GymnasiumBackend, *arguments: object) -> object:
            moved = drive(self, *arguments)  # type: ignore[arg-type]
            moved.rewards[0] += 1e-9
            return moved

        monkeypatch.setattr(GymnasiumBackend, "advance", pay_more)
    if changed == "picture":
        monkeypatch.setattr(GymnasiumBackend, "picture", lambda self, k: self._frames[k] ^ 1)
    found = self_check.difference.__wrapped__()
    assert changed in found


def test_another_one_is_said_and_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "difference", lambda: "its picture at step 4")
    vec_env = module.make_vec_env(CarRacingOptions(n_envs=1), 1, Purpose.TRAIN, 0, Learner())
    try:
        assert isinstance(vec_env, CarRacingVecEnv)
        assert isinstance(vec_env.backend, GymnasiumBackend)
    finally:
        vec_env.close()
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "its picture at step 4" in line


def test_a_like_one_is_not_needed() -> None:
    vec_env = module.make_vec_env(CarRacingOptions(n_envs=1), 1, Purpose.TRAIN, 0, Learner())
    assert isinstance(vec_env, CarRacingVecEnv)
    assert isinstance(vec_env.backend, ExactBackend)
