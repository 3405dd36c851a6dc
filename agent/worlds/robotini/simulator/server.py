"""The simulator on two TCP ports: one for cars, one for spectators; docs/robotini.md.

One thread, one selector. Nothing here waits for a client: in real time a frame is due every 1/60 s,
in lockstep as soon as every car on the track has answered, and after a second without an answer.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.worlds.robotini.simulator.commands import (
    Refused,
    read_command,
    read_login,
    read_spectator_command,
)
from agent.worlds.robotini.simulator.connection import (
    OUTBOX_LIMIT,
    CarConnection,
    Connection,
    SpectatorConnection,
    all_drive_and_answered,
)
from agent.worlds.robotini.simulator.events import Event, line
from agent.worlds.robotini.simulator.parameters import Parameters
from agent.worlds.robotini.simulator.png import png
from agent.worlds.robotini.simulator.race import Race
from agent.worlds.robotini.simulator.session import FRAMES_PER_SEC, Session
from agent.worlds.robotini.simulator.track import Track

CLOCKS = ("realtime", "lockstep")
CARS_PORT = 11000  # upstream's
SPECTATORS_PORT = 11001  # upstream's
MOST_CLIENTS = 64  # of each port, chosen
LOGIN_SEC = 30.0  # chosen: for a client of the cars' port to log in
PATIENCE_SEC = 1.0  # chosen: a frame of lockstep does not wait longer for an answer
LATE_SEC = 0.1  # chosen: a schedule later than this is begun anew
LINES_A_TURN = 200  # of one client, chosen; the others then have theirs
MOST_FRAME_BYTES = 65535  # upstream's


def complain(text: str) -> None:
    """Print to stderr; the server goes on where nobody reads it."""
    with contextlib.suppress(OSError):
        print(f"robotini_sim: {text}", file=sys.stderr, flush=True)


class Server:
    """Listens from construction on, answers while ``serve`` runs.

    :param track: to drive on
    :param parameters: of the race
    :param cars: the listening socket of the cars, which is the server's to close
    :param spectators: the same of the spectators
    :param clock: a name of ``CLOCKS``
    :param has_fork_fields: tell and do what upstream's fork does
    :param seed: draws where cars are put
    :param log: takes a line about the first fault of a kind
    """

    def __init__(
        self,
        track: Track,
        parameters: Parameters,
        *,
        cars: socket.socket,
        spectators: socket.socket,
        clock: str = "realtime",
        has_fork_fields: bool = False,
        seed: int = 0,
        log: Callable[[str], None] = complain,
    ) -> None:
        kind = Race if parameters.mode == "race" else Session
        self._listeners = [cars, spectators]
        self.session = kind(track, parameters, has_fork_fields=has_fork_fields, seed=seed)
        self._is_lockstep = clock == "lockstep"
        self._log = log
        self._known_kinds: set[str] = set()
        self._cars: list[CarConnection] = []
        self._spectators: list[SpectatorConnection] = []
        self._next_tick = time.monotonic()
        self._last_frame = time.monotonic()
        self._stopping = False
        self._wrote_result = False
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        for listener in self._listeners:
            self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port for cars, and for spectators."""
        return [listener.getsockname()[:2] for listener in self._listeners]

    @property
    def n_cars(self) -> int:
        """Cars that are logged in."""
        return sum(car.racer is not None for car in self._cars)

    def stop(self) -> None:
        """Let ``serve`` return; from a signal handler or another thread, as often as you like."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def serve(self) -> None:
        """Answer clients until ``stop`` or the end of a race, then close every socket."""
        self._next_tick = time.monotonic() + 1 / FRAMES_PER_SEC
        try:
            while not self._stopping and not self.session.is_over:
                self._run_once()
        finally:
            for connection in (*self._cars, *self._spectators):
                connection.socket.close()
            self._cars.clear()
            self._spectators.clear()
            self._selector.close()
            for end in (*self._listeners, self._waker, self._woken):
                end.close()

    def _run_once(self) -> None:
        """Wait for something to do, and do it."""
        for key, events in self._selector.select(self._wait_sec()):
            if key.fileobj in self._listeners:
                self._accept(key.fileobj)
            elif key.data is not None:
                if events & selectors.EVENT_WRITE:
                    self._flush(key.data)
                if events & selectors.EVENT_READ and not key.data.inbox:
                    self._receive(key.data)
        now = time.monotonic()
        for connection in [*self._cars, *self._spectators]:
            self._handle(connection)
        for car in list(self._cars):
            if car.racer is None and now - car.since > LOGIN_SEC:
                self._complain("slow login", f"connection closed: no login in {LOGIN_SEC:g} s")
                self._drop(car)
        self._pass_time(now)
        self._tell(self.session.take_events())

    def _wait_sec(self) -> float | None:
        """Returns the seconds until something is due; None where only a client ends the wait."""
        if any(connection.inbox for connection in (*self._cars, *self._spectators)):
            return 0.0
        now = time.monotonic()
        due = [car.since + LOGIN_SEC for car in self._cars if car.racer is None]
        if self._is_in_lockstep():
            if all_drive_and_answered(self._cars):
                return 0.0
            due.append(self._last_frame + PATIENCE_SEC)
        elif self.n_cars or self.session.is_waiting:
            due.append(self._next_tick)
        return max(min(due) - now, 0.0) if due else None

    def _is_in_lockstep(self) -> bool:
        """True where cars are the clock: without one on the track, a race's phases need time."""
        return self._is_lockstep and any(
            racer.vehicle is not None and racer.is_connected
            for racer in self.session.racers.values()
        )

    def _pass_time(self, now: float) -> None:
        if self._is_in_lockstep():
            if all_drive_and_answered(self._cars) or now - self._last_frame >= PATIENCE_SEC:
                self._frame(now)
            self._next_tick = now + 1 / FRAMES_PER_SEC
            return
        if not self.n_cars and not self.session.is_waiting:
            self._next_tick = now + 1 / FRAMES_PER_SEC
            return
        if now >= self._next_tick:
            self._frame(now)
            self._next_tick += 1 / FRAMES_PER_SEC
            if now - self._next_tick > LATE_SEC:
                self._next_tick = now + 1 / FRAMES_PER_SEC

    def _frame(self, now: float) -> None:
        """Let a frame pass, and show it to the cars that asked for one."""
        self._last_frame = now
        self.session.frame()
        for car in list(self._cars):
            with self._isolated(car):
                self._show(car)
        if not self._wrote_result and self.session.result is not None:
            self._wrote_result = True
            self._write_result(self.session.result)

    def _show(self, car: CarConnection) -> None:
        if car.racer is None or not car.wants_frame or car.outbox:
            return
        image = self.session.picture(car.racer)
        if image is None:
            return
        data = png(image)
        if len(data) > MOST_FRAME_BYTES:
            raise ValueError(f"a picture has {len(data)} bytes")
        car.wants_frame = False
        self._send(car, struct.pack(">H", len(data)) + data)

    def _tell(self, events: list[Event]) -> None:
        if not events or not self._spectators:
            return
        told = b"".join(map(line, events))
        for spectator in list(self._spectators):
            if len(spectator.outbox) > OUTBOX_LIMIT:
                self._complain("deaf spectator", "connection closed: a spectator does not read")
                self._drop(spectator)
            else:
                self._send(spectator, told)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # it has gone again
        now = time.monotonic()
        connection: Connection
        if listener is self._listeners[0]:
            connection = CarConnection(client, now)
        else:
            connection = SpectatorConnection(client, now)
        group = self._group(connection)
        if len(group) >= MOST_CLIENTS:
            self._complain("no seat", f"connection refused, {MOST_CLIENTS} clients are the limit")
            client.close()
            return
        self._selector.register(client, selectors.EVENT_READ, connection)
        if isinstance(connection, SpectatorConnection):
            # What has happened until now is not for it: its cars are in the greeting.
            self._tell(self.session.take_events())
            self._send(connection, b"".join(map(line, self.session.greeting())))
        group.append(connection)

    def _group(self, connection: Connection) -> list:
        if isinstance(connection, CarConnection):
            return self._cars
        return self._spectators

    def _receive(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        try:
            is_there = connection.receive()
        except Refused as error:
            self._complain("oversized", f"connection closed: {error}")
            is_there = False
        if not is_there:
            self._drop(connection)

    def _handle(self, connection: Connection) -> None:
        """Do what some of the client's lines ask."""
        for _ in range(min(len(connection.inbox), LINES_A_TURN)):
            if not connection.is_open:
                return
            said = connection.inbox.popleft()
            with self._isolated(connection):
                if isinstance(connection, CarConnection):
                    self._handle_car(connection, said)
                else:
                    self._handle_spectator(said)

    def _handle_car(self, car: CarConnection, said: bytes) -> None:
        if car.racer is None:
            car.racer = self.session.join(read_login(said))
            car.wants_frame = True
            return
        command = read_command(said)
        car.wants_frame = True
        if command is not None and car.racer.vehicle is not None:
            car.racer.vehicle.command(command.action, command.value)

    def _handle_spectator(self, said: bytes) -> None:
        match read_spectator_command(said):
            case "ProceedToNextPhase":
                self.session.proceed()
            case "MotorsToggle":
                self.session.toggle_motors()
            case "ResetSimulator":
                self.session.reset()
            case "CameraFollow" | "CameraPosition":
                pass  # there is no window
            case unknown:
                raise Refused(f"a spectator's command {unknown!r} is unknown")

    @contextlib.contextmanager
    def _isolated(self, connection: Connection) -> Iterator[None]:
        """Keep one client's errors from the others: they end its connection."""
        try:
            yield
        except Refused as error:
            text = str(error)
            self._complain(text.partition("'")[0], f"connection closed: {text}")
            self._drop(connection)
        except Exception as error:
            self._complain(
                f"fault {type(error).__name__}",
                f"connection closed by a fault of the simulator: {error!r}",
            )
            self._drop(connection)

    def _write_result(self, result: Event) -> None:
        """Write the result file, whole or not at all."""
        path = Path(self.session.parameters.raceResultFile)
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            scratch.write_text(json.dumps(result, indent=4) + "\n", encoding="utf-8")
            scratch.replace(path)
        except OSError as error:
            self._complain("result", f"the result cannot be written to {path} ({error.strerror})")

    def _send(self, connection: Connection, data: bytes) -> None:
        connection.outbox += data
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        """Send what the socket takes, and choose what to wait for next."""
        if not connection.is_open:
            return
        if not connection.flush():
            self._drop(connection)
            return
        events = connection.wanted_events()
        if events != connection.interest:
            connection.interest = events
            self._selector.modify(connection.socket, events, connection)

    def _drop(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        group = self._group(connection)
        if connection in group:
            group.remove(connection)
        connection.inbox.clear()
        self._selector.unregister(connection.socket)
        connection.socket.close()
        if isinstance(connection, CarConnection) and connection.racer is not None:
            self.session.leave(connection.racer)

    def _complain(self, kind: str, text: str) -> None:
        """Log a line that is the first of its kind."""
        if kind not in self._known_kinds:
            self._known_kinds.add(kind)
            self._log(text)
