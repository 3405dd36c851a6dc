"""Figures of the TCP server: lockstep and realtime rates, reset, memory, and a protocol fuzz.

Run it alone. ``--frames 100000 --reconnects 1000`` is the long form of the memory figure.
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
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import gymnasium
import numpy as np
import psutil

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import agent.worlds.donkey.registration  # noqa: F401 - registers the environments
from agent.simulator.protocol import Replies, request
from tests.benchmarks.server_nonsense import draw_input

ROOT = Path(__file__).resolve().parents[2]
CONTROL = request("control", steering=0.05, throttle=0.2, brake=0.0)
FRAMES = 3000
ROUNDS = 5
RESETS = 300
RESET_EVERY = 400  # frames
REALTIME_CARS = 8
REALTIME_SEC = 10.0
WARM_UP_SEC = 1.0
LIMIT_SEC = 20.0
CHUNK = 1 << 18  # bytes
MB = 2**20

Client = tuple[socket.socket, Any]


@contextlib.contextmanager
def simulator(clock: str, *, core: int | None = None) -> Iterator[tuple[psutil.Process, int]]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "agent/donkey_sim.py", "--port", "0"]
    command += ["--scene", "generated_track", "--clock", clock]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            greeting = re.search(r":(\d+) ", process.stdout.readline())
            assert greeting, "the simulator did not start"
            server = psutil.Process(process.pid)
            if core is not None:
                server.cpu_affinity([core])
            yield server, int(greeting[1])
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
    line = b""
    while not line.startswith(b'{"msg_type":"telemetry"'):
        line = lines.readline()
        assert line, "the simulator has closed the connection"
    return bytes(line)


def drive(client: Client, steps: int, use: Callable[[bytes], object] = len) -> None:
    """Drive in lockstep.

    :param client: the connection
    :param steps: frames
    :param use: gets every line of telemetry
    """
    for k in range(steps):
        client[0].sendall(CONTROL if k % RESET_EVERY else request("reset_car"))
        use(telemetry(client[1]))


def act(env: gymnasium.Env, steps: int) -> None:
    """Drive through the environment."""
    for _ in range(steps):
        _, _, terminated, truncated, _ = env.step(np.array([0.05, 0.2], np.float32))
        if terminated or truncated:
            env.reset()


def decode(line: bytes) -> None:
    """Decode a line of telemetry and its picture."""
    message = json.loads(line)
    image = cv2.imdecode(np.frombuffer(a2b_base64(message["image"]), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None


def lockstep() -> None:
    """Print frames a second by the client's share of the work, and milliseconds of a reset."""
    with simulator("lockstep") as (_, port):
        client = connect(port)
        telemetry(client[1])
        drive(client, 500)
        conf = {"host": "127.0.0.1", "port": port, "max_episode_steps": 400}
        env = gymnasium.make(
            "donkey-generated-track-v0", conf=conf, disable_env_checker=True
        ).unwrapped
        env.reset(seed=0)
        clients: dict[str, Callable[[], None]] = {
            "our environment": lambda: act(env, FRAMES),
            "JSON and JPEG decoded": lambda: drive(client, FRAMES, decode),
            "lines only": lambda: drive(client, FRAMES),
        }
        rates: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(ROUNDS):
            for name, run in clients.items():
                rates[name].append(FRAMES / seconds(run))
        env.close()
        figures = ", ".join(
            f"{name} {statistics.median(own):.0f} (best {max(own):.0f})"
            for name, own in rates.items()
        )
        print(f"lockstep over loopback, 160x120 JPEG + JSON, frames/s: {figures}", flush=True)
        resets(client)
        close(client)


def resets(client: Client) -> None:
    """Print milliseconds of a reset."""
    took = []
    for _ in range(RESETS):
        drive(client, 3)
        began = time.perf_counter()
        client[0].sendall(request("reset_car"))
        telemetry(client[1])
        took.append(1e3 * (time.perf_counter() - began))
    figures = f"median {statistics.median(took):.2f}, worst {max(took):.2f}"
    print(f"reset over TCP in lockstep, ms: {figures}", flush=True)


def seconds(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def cpu_sec(process: psutil.Process) -> float:
    """Seconds of the processor that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


class RealtimeCars:
    """Cars of a realtime server, each on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.frames = [0] * REALTIME_CARS
        self._waiting = selectors.DefaultSelector()
        self._cutters = [Replies() for _ in self.frames]
        self._clients = [connect(port) for _ in self.frames]
        for k, (client, _) in enumerate(self._clients):
            client.setblocking(False)
            self._waiting.register(client, selectors.EVENT_READ, k)

    def drive(self, duration_sec: float) -> float:
        """Count frames for so long; returns the seconds that it was."""
        self.frames = [0] * REALTIME_CARS
        began = time.perf_counter()
        elapsed = 0.0
        while elapsed < duration_sec:
            for key, _ in self._waiting.select(0.01):
                client: Any = key.fileobj
                lines = self._cutters[key.data].feed(client.recv(CHUNK))
                self.frames[key.data] += sum(b'"telemetry"' in line[:30] for line in lines)
                client.send(CONTROL)
            elapsed = time.perf_counter() - began
        return elapsed

    def close(self) -> None:
        for client in self._clients:
            close(client)


def realtime() -> None:
    """Print frames a second of each car, and the load of the core that serves them."""
    with simulator("realtime", core=0) as (server, port):
        cars = RealtimeCars(port)
        cars.drive(WARM_UP_SEC)
        before = cpu_sec(server)
        elapsed = cars.drive(REALTIME_SEC)
        load = (cpu_sec(server) - before) / elapsed
        rates = [count / elapsed for count in cars.frames]
        print(
            f"realtime, {REALTIME_CARS} cars on one core, frames/s each:"
            f" {min(rates):.2f} to {max(rates):.2f}, {100 * load:.0f} % of the core",
            flush=True,
        )
        cars.close()


def memory(frames: int, reconnects: int) -> None:
    """Print the server's memory before and after so many frames and connections."""
    with simulator("lockstep") as (server, port):
        reconnect_and_drive(port, 2000, 50)
        before = server.memory_info().rss
        reconnect_and_drive(port, frames, reconnects)
        after = server.memory_info().rss
        print(
            f"memory of the server after {frames} frames and {reconnects} reconnects:"
            f" {before / MB:.1f} -> {after / MB:.1f} MB ({100 * (after / before - 1):+.1f} %)",
            flush=True,
        )


def reconnect_and_drive(port: int, frames: int, reconnects: int) -> None:
    """Drive so many frames, spread over so many connections."""
    for _ in range(reconnects):
        client = connect(port)
        telemetry(client[1])
        drive(client, frames // reconnects)
        close(client)


def push(client: socket.socket, data: bytes, until: bytes = b"") -> None:
    """Send all of ``data``, reading meanwhile; then read until ``until`` comes.

    :param client: the connection
    :param data: to be sent
    :param until: answer that is waited for
    :raises ConnectionError: the server has closed the connection
    """
    waiting = memoryview(data)
    tail = b""
    deadline = time.monotonic() + LIMIT_SEC
    while waiting or until not in tail:
        assert time.monotonic() < deadline, "the server does not answer"
        readable, writable, _ = select.select([client], [client] if waiting else [], [], 1.0)
        if readable:
            chunk = client.recv(CHUNK)
            if not chunk:
                raise ConnectionError
            tail = tail[-100:] + chunk
        if writable:
            waiting = waiting[client.send(waiting) :]


def torment(port: int, draw: random.Random, inputs: int) -> int:
    """One connection of nonsense; returns the number of inputs that were sent.

    Most connections read and wait for its end, some do neither.

    :param port: of the server
    :param draw: draws the inputs
    :param inputs: how many, at most
    """
    client = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SEC)
    client.setblocking(False)
    reads = draw.random() < 0.8
    done = 0
    with contextlib.suppress(BlockingIOError, ConnectionError), client:
        while done < inputs:
            done += 1
            data = draw_input(draw)
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
    """Print how the server bears nonsense, and how long another car waits meanwhile."""
    draw = random.Random(0)
    worst = 0.0
    done = 0
    with simulator("lockstep") as (server, port):
        witness = connect(port)
        telemetry(witness[1])
        before = server.memory_info().rss
        began = time.perf_counter()
        while done < inputs:
            done += torment(port, draw, draw.randrange(1, 500))
            worst = max(worst, seconds(lambda: drive(witness, 1)))
        drive(witness, 100)
        after = server.memory_info().rss
        took = time.perf_counter() - began
        close(witness)
    print(
        f"protocol fuzz: {done} inputs in {took:.0f} s, the server lives,"
        f" memory {before / MB:.1f} -> {after / MB:.1f} MB,"
        f" longest wait of another car {1e3 * worst:.0f} ms",
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
