"""Figures of the TCP server: lockstep and realtime rates, reset, memory, and a protocol fuzz. Run it alone.

``--frames 100000 --reconnects 1000`` is the long form of the memory figure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import select
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from binascii import a2b_base64

import agent.worlds.donkey.registration  # noqa: F401 - registers the environments
from agent.simulator.protocol import Replies, request

ROOT = Path(__file__).resolve().parents[2]
CONTROL = request("control", steering=0.05, throttle=0.2, brake=0.0)
FRAMES, ROUNDS, RESETS, REALTIME_CARS, REALTIME_SEC = 3000, 5, 300, 8, 10.0
LIMIT_SEC = 20.0

Client = tuple[socket.socket, Any]


@contextlib.contextmanager
def simulator(clock: str, *, core: int | None = None) -> Iterator[tuple[psutil.Process, int]]:
    """A server in a process of its own, and its port."""
    command = [
        sys.executable,
        "agent/donkey_sim.py",
        "--port",
        "0",
        "--scene",
        "generated_track",
        "--clock",
        clock,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = re.search(r":(\d+) ", process.stdout.readline())
            assert said, "the simulator did not start"
            server = psutil.Process(process.pid)
            if core is not None:
                server.cpu_affinity([core])
            yield server, int(said[1])
            process.terminate()
            assert process.wait(5) == 0
        finally:
            process.kill()


def connect(port: int) -> Client:
    client = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SEC)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client, client.makefile("rb")


def close(client: Client) -> None:
    client[1].close()
    client[0].close()


def telemetry(lines: Any) -> bytes:
    """The next line of telemetry."""
    while not (line := lines.readline()).startswith(b'{"msg_type":"telemetry"'):
        assert line, "the simulator has closed the connection"
    return bytes(line)


def drive(client: Client, steps: int, use: Callable[[bytes], object] = len) -> None:
    for k in range(steps):
        client[0].sendall(CONTROL if k % 400 else request("reset_car"))
        use(telemetry(client[1]))


def act(env: gymnasium.Env, steps: int) -> None:
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(np.array([0.05, 0.2], np.float32))
        if terminated or truncated:
            env.reset()


def decode(line: bytes) -> None:
    message = json.loads(line)
    image = cv2.imdecode(np.frombuffer(a2b_base64(message["image"]), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None


def lockstep() -> None:
    with simulator("lockstep") as (_, port):
        client = connect(port)
        telemetry(client[1])
        drive(client, 500)
        conf = {"host": "127.0.0.1", "port": port, "max_episode_steps": 400}
        env = gymnasium.make(
            "donkey-generated-track-v0", conf=conf, disable_env_checker=True
        ).unwrapped
        env.reset(seed=0)
        ways = {
            "our environment": lambda: act(env, FRAMES),
            "JSON and JPEG decoded": lambda: drive(client, FRAMES, decode),
            "lines only": lambda: drive(client, FRAMES),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                rates[name].append(FRAMES / (time.perf_counter() - began))
        env.close()
        figures = ", ".join(
            f"{k} {statistics.median(v):.0f} (best {max(v):.0f})" for k, v in rates.items()
        )
        print(f"lockstep over loopback, 160x120 JPEG + JSON, frames/s: {figures}", flush=True)
        took = []
        for _ in range(RESETS):
            drive(client, 3)
            began = time.perf_counter()
            client[0].sendall(request("reset_car"))
            telemetry(client[1])
            took.append(1e3 * (time.perf_counter() - began))
        print(
            f"reset over TCP in lockstep, ms: median {statistics.median(took):.2f}, worst {max(took):.2f}",
            flush=True,
        )
        close(client)


def realtime() -> None:
    with simulator("realtime", core=0) as (server, port):
        waiting = selectors.DefaultSelector()
        frames = [0] * REALTIME_CARS
        cutters = [Replies() for _ in frames]
        clients = [connect(port) for _ in frames]
        for k, (client, _) in enumerate(clients):
            client.setblocking(False)
            waiting.register(client, selectors.EVENT_READ, k)
        for warm in (True, False):
            frames[:] = [0] * REALTIME_CARS
            began, cpu = time.perf_counter(), sum(server.cpu_times()[:2])
            while (elapsed := time.perf_counter() - began) < (1.0 if warm else REALTIME_SEC):
                for key, _ in waiting.select(0.01):
                    lines = cutters[key.data].feed(key.fileobj.recv(1 << 18))  # type: ignore[union-attr]
                    frames[key.data] += sum(b'"telemetry"' in line[:30] for line in lines)
                    key.fileobj.send(CONTROL)  # type: ignore[union-attr]
        rates = [count / elapsed for count in frames]
        load = (sum(server.cpu_times()[:2]) - cpu) / elapsed
        print(
            f"realtime, {REALTIME_CARS} cars on one core, frames/s each: {min(rates):.2f} to {max(rates):.2f},"
            f" {100 * load:.0f} % of the core",
            flush=True,
        )
        for pair in clients:
            close(pair)


def memory(frames: int, reconnects: int) -> None:
    with simulator("lockstep") as (server, port):

        def use(count: int, times: int) -> None:
            for _ in range(times):
                client = connect(port)
                telemetry(client[1])
                drive(client, count // times)
                close(client)

        use(2000, 50)
        before = server.memory_info().rss
        use(frames, reconnects)
        after = server.memory_info().rss
        print(
            f"memory of the server after {frames} frames and {reconnects} reconnects: {before / 2**20:.1f} ->"
            f" {after / 2**20:.1f} MB ({100 * (after / before - 1):+.1f} %)",
            flush=True,
        )


VALUES = (
    "0",
    "1",
    "-1",
    "0.3",
    "90",
    "64",
    "1e308",
    "-1e-320",
    "nan",
    "inf",
    "",
    "JPG",
    "x",
    "\\ud800",
    "1" * 400,
)
NAMES = re.findall(
    r"\w+",
    "steering throttle brake pos_x pos_y pos_z Qx Qy Qz Qw index fov offset_x offset_y offset_z rot_x rot_y fish_eye_x"
    " fish_eye_y img_w img_h img_d img_enc degPerSweepInc degAngDown degAngDelta maxRange noise numSweepsLevels"
    " road_style rand_seed turn_increment scene_name",
)
TYPES = re.findall(
    r"\w+",
    "control reset_car set_position node_position cam_config cam_config_b lidar_config regen_road car_config step_mode"
    " racer_info get_protocol_version get_scene_names load_scene exit_scene no_such",
)


def nonsense(draw: random.Random) -> bytes:
    """One input: bytes, half a message, several in one, or a whole one with fields missing or absurd."""
    kind = draw.random()
    if kind < 0.25:
        return draw.randbytes(draw.randrange(60))
    fields = dict.fromkeys(NAMES, "1") | {
        "img_w": "64",
        "img_h": "48",
        "scene_name": "generated_road",
    }
    for name in draw.sample(NAMES, draw.choice((0, 0, 1, 2, 30))):
        fields[name] = draw.choice(VALUES)
    for name in draw.sample(NAMES, draw.choice((0, 0, 0, 1, 10))):
        del fields[name]
    if kind < 0.35:
        fields[draw.choice(NAMES)] = draw.choice((0, 1e999, None, [[]], {"a": 1}))  # type: ignore[assignment]
    message = json.dumps({"msg_type": draw.choice(TYPES), **fields}).encode() + draw.choice(
        (b"", b"\n")
    )
    if kind < 0.5:
        return message[: draw.randrange(len(message))]
    return message * draw.choice((1, 1, 1, 3))


def push(client: socket.socket, data: bytes, until: bytes = b"") -> None:
    """Send all of ``data``, reading meanwhile; then read until ``until`` comes.

    :raises ConnectionError: the server has closed the connection
    """
    waiting, tail, deadline = memoryview(data), b"", time.monotonic() + LIMIT_SEC
    while waiting or until not in tail:
        assert time.monotonic() < deadline, "the server does not answer"
        readable, writable, _ = select.select([client], [client] if waiting else [], [], 1.0)
        if readable:
            chunk = client.recv(1 << 18)
            if not chunk:
                raise ConnectionError
            tail = tail[-100:] + chunk
        if writable:
            waiting = waiting[client.send(waiting) :]


def torment(port: int, draw: random.Random, inputs: int) -> int:
    """One connection of nonsense; most read and wait for its end, some neither. Returns the inputs that were sent."""
    client = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SEC)
    client.setblocking(False)
    reads, done = draw.random() < 0.8, 0
    with contextlib.suppress(BlockingIOError, ConnectionError), client:
        while done < inputs:
            done += 1
            data = nonsense(draw) if draw.random() > 1e-4 else b"{" + b"x" * 10_000_000
            if reads:
                push(client, data)
            else:
                client.sendall(data)
        if reads:
            push(client, b"}" + request("get_protocol_version"), until=b'"protocol_version"')
        elif draw.random() < 0.5:
            client.shutdown(socket.SHUT_WR)
    return done


def fuzz(inputs: int) -> None:
    draw = random.Random(0)
    with simulator("lockstep") as (server, port):
        witness = connect(port)
        telemetry(witness[1])
        before, worst, began = server.memory_info().rss, 0.0, time.perf_counter()
        done = 0
        while done < inputs:
            done += torment(port, draw, draw.randrange(1, 500))
            asked = time.perf_counter()
            drive(witness, 1)
            worst = max(worst, time.perf_counter() - asked)
        drive(witness, 100)
        after = server.memory_info().rss
        close(witness)
    print(
        f"protocol fuzz: {done} inputs in {time.perf_counter() - began:.0f} s, the server lives, memory"
        f" {before / 2**20:.1f} -> {after / 2**20:.1f} MB, longest wait of another car {1e3 * worst:.0f} ms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--reconnects", type=int, default=100)
    parser.add_argument("--inputs", type=int, default=100_000)
    arguments = parser.parse_args()
    lockstep()
    realtime()
    memory(arguments.frames, arguments.reconnects)
    fuzz(arguments.inputs)


if __name__ == "__main__":
    main()
