"""Scene files of the user's and other ways of a track, wherever a task is named."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.donkeycar_sb3_runner import build_parser
from agent.simulator.server import Server
from agent.simulator.tracks import SCENES_DIR
from agent.trials.record import task_names
from agent.worlds.base import SimulatorLost, split_task, world_named
from agent.worlds.comparisons import check_task, full_task
from agent.worlds.donkey.make_env import check_scenes, make_env
from agent.worlds.donkey.own_tracks import parse_name, short_name
from agent.worlds.donkey.servers import simulators
from agent.worlds.donkey.tasks import scene_of

WORLD = world_named("donkey")


@pytest.fixture
def track(tmp_path: Path) -> Path:
    return Path(shutil.copy(SCENES_DIR / "waveshare.json", tmp_path / "mine.json"))


def refused(name: str) -> str:
    with pytest.raises(UserError) as caught:
        check_task(WORLD, name)
    return str(caught.value)


def test_a_file_has_its_place_and_its_content_on_record(
    track: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(track.parent)
    name = full_task(WORLD, "mine.json")
    assert name.startswith(f"{track}#") and len(name) == len(str(track)) + 9
    assert full_task(WORLD, name) == name
    assert full_task(WORLD, "../" + str(track.parent.name) + "/mine.json") == name
    check_task(WORLD, name)
    assert scene_of(name) == str(track)
    assert scene_of(full_task(WORLD, "mine.json+reversed+mirrored")) == (
        f"{track}+mirrored+reversed"
    )
    assert short_name(name) == "mine" and short_name(f"{track}+reversed") == "mine+reversed"


def test_another_way_of_a_named_track() -> None:
    assert full_task(WORLD, "warren+mirrored@9091") == "donkey-warren-track-v0+mirrored@9091"
    name = full_task(WORLD, "warren+reversed+mirrored")
    assert name == "donkey-warren-track-v0+mirrored+reversed"
    check_task(WORLD, name)
    assert scene_of(name) == "warren+mirrored+reversed"
    assert short_name("warren+mirrored") == "warren+mirrored"
    for unknown in ("waren+mirrored", "warren+sideways", "warren#0123abcd"):
        assert "is no task of world 'donkey'" in refused(full_task(WORLD, unknown))


def test_a_path_may_have_the_signs_of_names_in_it(track: Path) -> None:
    folder = track.parent / "me@home+mirrored#00000000"
    folder.mkdir()
    file = track.rename(folder / "a+b.json")
    name = full_task(WORLD, f"{file}+reversed@sim.local:9091")
    task, address = split_task(name)
    assert address == ("sim.local", 9091)
    check_task(WORLD, task)
    assert scene_of(task) == f"{file}+reversed"
    assert parse_name(task).track == str(file)
    assert task_names({"env": [name]}) == [task]


def test_a_file_that_changed_is_not_taken_for_what_it_was(track: Path) -> None:
    name = full_task(WORLD, str(track))
    track.write_text(track.read_text() + "\n")
    assert f"{track}#" in refused(name)
    assert f"bring the file back as it was, or begin anew with --env {track}" in refused(name)
    with pytest.raises(UserError, match="has changed since"):
        make_env(name)
    again = full_task(WORLD, str(track))
    assert again != name
    check_task(WORLD, again)
    assert WORLD.task_key({"env": [name]}) != WORLD.task_key({"env": [again]})


def test_a_file_that_is_gone_or_none_is_one_line(track: Path) -> None:
    name = full_task(WORLD, str(track))
    track.unlink()
    assert "cannot be read (No such file or directory)" in refused(name)
    track.write_text("{")
    assert "is no JSON" in refused(str(track))
    track.write_text("[]")
    assert "is no scene file, it has no 'path'" in refused(str(track))
    track.write_bytes(b"\xff\xfe")
    assert "is no JSON" in refused(str(track))
    folder = track.parent / "folder.json"
    folder.mkdir()
    assert "Is a directory" in refused(str(folder))


def test_a_wrong_key_is_told_before_anything_is_driven(track: Path) -> None:
    data = json.loads(track.read_text())
    track.write_text(json.dumps(data | {"wings": 2}))
    check_task(WORLD, str(track))  # quick, without the simulator
    with pytest.raises(UserError, match=rf"scene {track}: wings is an unknown key"):
        check_scenes([str(track)])


def test_a_configuration_with_a_file_is_written_and_read_again(track: Path) -> None:
    config = TrialConfig.of(env=[str(track), "warren+mirrored"], timesteps=32)
    assert config.trial.env[0].startswith(f"{track}#")
    config.check_ready()
    assert TrialConfig.from_params(config.to_params()) == config
    assert TrialConfig.for_driving(config.to_params()).trial.env == config.trial.env
    parsed = build_parser(config.to_argv()).parse_args(config.to_argv())
    assert parsed.env == config.trial.env


def test_a_car_drives_there(track: Path) -> None:
    env = make_env(full_task(WORLD, f"{track}+reversed"))
    try:
        env.reset(seed=0)
        _, _, terminated, _, info = env.step(env.action_space.sample())
        assert not terminated and abs(info["cte"]) < 4.0
    finally:
        env.close()


@contextmanager
def served(scene: str) -> Iterator[tuple[str, int]]:
    server = Server("127.0.0.1", 0, scene=scene, clock="lockstep")
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.address
    finally:
        server.stop()
        thread.join(timeout=10)


def test_a_simulator_on_a_port_serves_the_file_the_same_way_round(track: Path) -> None:
    name = full_task(WORLD, f"{track}+reversed")
    with served(scene_of(name)) as (host, port):
        env = make_env(name, observation="raw", host=host, port=port)
        try:
            env.reset(seed=0)
            for _ in range(20):
                info = env.step(np.array([0.0, 1.0], dtype=np.float32))[4]
            assert info["progress"] > 0.0 and info["end_reason"] is None
        finally:
            env.close()
    with served(str(track)) as (host, port), pytest.raises(SimulatorLost, match="wrong"):
        make_env(name, observation="raw", host=host, port=port, connect_limit_sec=3.0)


def test_a_server_that_is_started_for_a_file_begins_with_it(track: Path) -> None:
    commands: list[list[str]] = []

    class Started:
        def is_running(self) -> bool:
            return True

        def stop(self, grace_sec: float) -> None:
            pass

    def start(command: list[str], log: Path) -> Started:
        commands.append(command)
        log.write_text("listening on 127.0.0.1:9091 scene x clock lockstep\n")
        return Started()

    envs = [full_task(WORLD, str(track)), "donkey-warren-track-v0"]
    with simulators("spawn", envs, 1, track.parent, start) as assign:
        assert assign(0, False) == [f"{env}@127.0.0.1:9091" for env in envs]
    assert [command[-2:] for command in commands] == [
        ["--scene", str(track)],
        ["--clock", "lockstep"],
    ]
