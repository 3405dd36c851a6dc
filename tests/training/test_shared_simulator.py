"""Whole trials in simulators on ports: two tasks in every rollout, and what a lost one does."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback

from agent import donkeycar_sb3_runner, evaluate_champion
from agent.simulator.server import Server
from agent.training import run as trial
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.remote.upstream_version import missing

TRACK, MOUNTAIN = "donkey-generated-track-v0", "donkey-mountain-track-v0"
TINY = [
    "--timesteps",
    "128",
    "--max-episode-steps",
    "25",
    "--eval-episodes",
    "2",
    "--evaluations",
    "4",
]
TINY += ["--device", "cpu", "--save-dir"]


@contextlib.contextmanager
def serving(clock: str = "lockstep") -> Iterator[Server]:
    server = Server(port=0, clock=clock)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):  # a test may have stopped it
            server.stop()
        thread.join(5.0)
        assert not thread.is_alive()


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = donkeycar_sb3_runner.main([*TINY, str(folder), *arguments])
    return code, json.loads((folder / "result.json").read_text())


class Rollouts(BaseCallback):
    """Notes where every car was at every step, and which environments drove them."""

    def __init__(self) -> None:
        super().__init__()
        self.rollouts: list[list[dict[str, Any]]] = []
        self.environments: list[list[int]] = []
        self.episode_starts: list[np.ndarray] = []

    def _on_rollout_start(self) -> None:
        self.rollouts.append([])

    def _on_step(self) -> bool:
        self.rollouts[-1].append(
            {
                "pos": [info["pos"] for info in self.locals["infos"]],
                "done": self.locals["dones"].copy(),
                "environments": [id(env) for env in self.training_env.get_attr("unwrapped")],
            }
        )
        return True

    def _on_rollout_end(self) -> None:
        buffer = getattr(self.model, "rollout_buffer", None)
        if buffer is not None:
            assert buffer.full and buffer.n_envs == 2
            self.episode_starts.append(buffer.episode_starts.copy())


@pytest.mark.slow
@pytest.mark.parametrize("agent", [["ppo", "--n-steps", "16"], ["dqn", "--gradient-steps", "1"]])
def test_each_rollout_holds_both_tracks_and_no_environment_is_swapped_within(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: list[str]
) -> None:
    watch = Rollouts()
    monkeypatch.setattr(trial, "progress_callback", lambda _: watch)
    with serving() as one, serving() as other:
        ports = one.address[1], other.address[1]
        envs = ("--env", f"{TRACK}@{ports[0]}", "--env", f"{MOUNTAIN}@127.0.0.1:{ports[1]}")
        code, result = run(tmp_path, "--agent", *agent, *envs)
        assert code == 0, result
        assert result["simulator"] == f"tcp:127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}"
        assert len(result["score"]["episodes"]) == 2
    tracks = [DonkeyEnv("generated_track").world.track, DonkeyEnv("mountain_track").world.track]
    assert len({tuple(step["environments"]) for rollout in watch.rollouts for step in rollout}) == 1
    assert sum(map(len, watch.rollouts)) * 2 == 128
    for rollout in watch.rollouts:
        for before, step in zip([None, *rollout], rollout, strict=False):
            for index, ((x, _, z), track) in enumerate(zip(step["pos"], tracks, strict=True)):
                near = np.hypot(track.nodes[:, 0] - 8 * x, track.nodes[:, 1] - 8 * z).min()
                assert near < 12.0, "a car stays on its own track"
                if before is not None and not before["done"][index]:
                    jump = np.hypot(x - before["pos"][index][0], z - before["pos"][index][2])
                    assert jump < 0.3, "between resets it drives on from where it was"
    if agent[0] == "ppo":
        # Between two rollouts the same cars are evaluated: each rollout begins with new episodes.
        assert [starts[0].tolist() for starts in watch.episode_starts] == [[1.0, 1.0]] * 4


@pytest.mark.slow
def test_training_and_evaluation_share_one_car_and_repeat_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars: list[int] = []
    scores = []
    with serving() as server:
        driven = DonkeyEnv.step

        def step(env: DonkeyEnv, action: Any) -> Any:
            cars.append(server.n_cars)
            return driven(env, action)

        monkeypatch.setattr(DonkeyEnv, "step", step)
        for number in (1, 2):
            code, result = run(
                tmp_path / str(number),
                "--env",
                f"{TRACK}@{server.address[1]}",
                "--timesteps",
                "64",
                "--evaluations",
                "2",
            )
            assert code == 0, result
            scores.append(result["score"])
    assert set(cars) == {1}
    assert scores[0] == scores[1]


def test_a_simulator_that_is_not_there_is_exit_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, result = run(tmp_path, "--env", f"{TRACK}@{port}")
    assert (code, result["run_status"], result["mean_reward"]) == (3, "sim_lost", None)
    assert f"no simulator answers on 127.0.0.1:{port}" in result["cause"]
    assert result["simulator"] == f"tcp:127.0.0.1:{port}"
    assert "Traceback" not in capsys.readouterr().err


def lose_after(steps: int, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    driven, count = DonkeyEnv.step, [0]

    def step(env: DonkeyEnv, action: Any) -> Any:
        count[0] += 1
        if count[0] == steps:
            for connection in list(server._connections):
                connection.socket.shutdown(socket.SHUT_RDWR)
        return driven(env, action)

    monkeypatch.setattr(DonkeyEnv, "step", step)


def test_a_simulator_lost_in_training_is_exit_3_and_the_model_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        lose_after(60, server, monkeypatch)
        code, result = run(tmp_path, "--env", f"{TRACK}@{server.address[1]}")
    assert (code, result["run_status"]) == (3, "sim_lost")
    assert f"simulator 127.0.0.1:{server_port(result)} lost: " in result["cause"]
    assert (tmp_path / "last_model.zip").is_file()


def server_port(result: dict[str, Any]) -> str:
    return str(result["simulator"]).rpartition(":")[2]


def test_a_trial_that_asks_for_it_reconnects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        lose_after(60, server, monkeypatch)
        code, result = run(
            tmp_path, "--env", f"{TRACK}@{server.address[1]}", "--reconnect", "--timesteps", "128"
        )
    assert (code, result["run_status"]) == (0, "ok"), result


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    assert run(folder, "--timesteps", "32", "--n-envs", "2", "--evaluations", "1")[0] == 0
    return folder


def test_a_champion_is_judged_on_the_wire_as_in_the_embedded_world(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewards = []
    with serving() as server:
        for env in (TRACK, f"{TRACK}@{server.address[1]}"):
            arguments = [
                "--model",
                str(trained / "model.zip"),
                "--results-dir",
                str(tmp_path),
                "--env",
                env,
            ]
            assert evaluate_champion.main([*arguments, "--episodes", "1"]) == 0
            line = (tmp_path / "evaluations.jsonl").read_text().splitlines()[-1]
            rewards.append(json.loads(line)["mean_reward"])
            assert json.loads(line)["env"] == env and json.loads(line)["trained_on"]
        assert json.loads(line)["simulator"] == f"tcp:127.0.0.1:{server.address[1]}"
    assert rewards[0] == pytest.approx(rewards[1], rel=0.05)  # the pictures went through JPEG
    assert evaluate_champion.main([*arguments, "--episodes", "1"]) == 3
    (complaint,) = capsys.readouterr().err.splitlines()
    assert "no simulator answers on" in complaint


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--env", TRACK + "@"], "write it as 9091"),
        (["--env", TRACK + "@localhost"], "write it as 9091"),
        (["--env", TRACK + "@99999"], "write it as 9091"),
        (["--env", "donkey-atlantis-v0@9091"], "choose from donkey-"),
        (["--reconnect"], "is for simulators on ports"),
        (["--client", "gym-donkeycar"], "is for simulators on ports"),
        (["--client", "unity", "--env", TRACK + "@9091"], "choose from own, gym-donkeycar"),
    ],
)
def test_what_cannot_be_followed_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path / "trial", *arguments)
    assert caught.value.code == 2
    (complaint,) = capsys.readouterr().err.splitlines()
    assert word in complaint
    assert not (tmp_path / "trial").exists()


@pytest.mark.skipif(missing() is None, reason="gym_donkeycar is installed")
def test_upstreams_client_where_it_is_not_installed_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path / "trial", "--client", "gym-donkeycar", "--env", TRACK + "@9091")
    assert caught.value.code == 2
    (complaint,) = capsys.readouterr().err.splitlines()
    assert "needs gym_donkeycar 1.3 or newer" in complaint and "drop --client" in complaint


@pytest.mark.skipif(missing() is not None, reason="gym_donkeycar 1.3 is not installed")
def test_a_trial_over_upstreams_client(tmp_path: Path) -> None:
    with serving() as server:
        env = f"{TRACK}@{server.address[1]}"
        code, result = run(
            tmp_path, "--client", "gym-donkeycar", "--env", env, "--timesteps", "128"
        )
    assert (code, result["run_status"]) == (0, "ok"), result
