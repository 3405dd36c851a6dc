"""The simulator on a TCP port: one thread, one selector, one car a connection; docs/wire.md.

Nothing here waits for a client. What one cannot take yet is kept in its outbox, up to a limit
beyond which it is not listened to either. Its messages are handled one a turn, so nobody's flood
delays the others.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator

from agent.simulator.connection import Connection, listen
from agent.simulator.protocol import (
    CLOCKS,
    KEEP_ALIVE,
    PROTOCOL_VERSION,
    BadField,
    BadMessage,
    Message,
    Oversized,
    ordered,
    parse,
    reply,
    text,
)
from agent.simulator.remote_car import SHOWN_AT_ONCE, RemoteCar
from agent.simulator.tracks import scene_names
from agent.simulator.world import CONTROL_HZ

KEEP_ALIVE_SEC = 3.0  # upstream's
MOST_CLIENTS = 64  # chosen
LATE_SEC = 0.1  # a schedule later than this is begun anew (Unity's limit to catching up)


def complain(line: str) -> None:
    """Print to stderr; the server goes on where nobody reads it."""
    with contextlib.suppress(OSError):
        print(f"donkey_sim: {line}", file=sys.stderr, flush=True)


class Server:
    """Listens from construction on, answers while ``serve`` runs.

    :param host: address or name to bind
    :param port: 0 for a free one
    :param scene: loaded already; None shows clients the menu
    :param clock: a name of ``protocol.CLOCKS``
    :param seed: draws random roads
    :param log: takes a line about the first message of a kind that is ignored or refused
    :param car: makes a client's car from scene, seed and place on the start grid
    :raises OSError: the address cannot be bound
    :raises ValueError: unknown scene or clock
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 9091,
        *,
        scene: str | None = None,
        clock: str = "realtime",
        seed: int = 0,
        log: Callable[[str], None] = complain,
        car: Callable[[str, int, int], RemoteCar] = RemoteCar,
    ) -> None:
        if clock not in CLOCKS:
            raise ValueError(f"clock {clock!r} is unknown; choose from {', '.join(CLOCKS)}")
        pace = CLOCKS[clock]
        self.scene = scene
        # Upstream lists its extra scenes by the paths of their files; so is a look that was asked.
        self._extra = [scene] if scene is not None and scene not in scene_names() else []
        self.seed = seed
        self._period_sec = None if pace is None else 1 / CONTROL_HZ / pace
        self._log = log
        self._make_car = car
        self._known_kinds: set[str] = set()
        self._connections: list[Connection] = []
        self._next_tick = 0.0
        self._stopping = False
        # The first car loads and compiles what all need, before anybody waits for it.
        RemoteCar(scene or ordered(scene_names())[0], seed).frame()
        self._listener = listen(host, port)
        self._listener.setblocking(False)
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        address: tuple[str, int] = self._listener.getsockname()[:2]
        return address

    @property
    def n_cars(self) -> int:
        """Cars on the track."""
        return sum(connection.car is not None for connection in self._connections)

    def stop(self) -> None:
        """Let ``serve`` return; from a signal handler or another thread, as often as you like."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b"x")

    def serve(self) -> None:
        """Answer clients until ``stop``, then close every socket."""
        try:
            while not self._stopping:
                self._run_once()
        finally:
            for connection in self._connections:
                connection.socket.close()
            self._connections.clear()
            self._selector.close()
            for end in (self._listener, self._waker, self._woken):
                end.close()

    def _run_once(self) -> None:
        """Wait for something to do, and do it."""
        arriving = False
        for key, events in self._selector.select(self._wait_sec()):
            if key.fileobj is self._listener:
                arriving = True
            elif key.data is not None:
                if events & selectors.EVENT_WRITE:
                    self._flush(key.data)
                if events & selectors.EVENT_READ:
                    self._receive(key.data)
        for connection in list(self._connections):
            if connection.has_turn:
                self._handle_next(connection)
        if arriving:  # last: a client that left before has freed its place on the grid
            self._accept()
        self._pass_time()

    def _wait_sec(self) -> float | None:
        """Returns the seconds until something is due; None where only a client ends the wait."""
        if not self._connections:
            return None
        due = min(connection.quiet_since for connection in self._connections) + KEEP_ALIVE_SEC
        for connection in self._connections:
            if connection.has_turn:
                return 0.0
            if connection.car is not None and self._period_sec is not None:
                due = min(due, self._next_tick)
        return max(due - time.monotonic(), 0.0)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        if len(self._connections) >= MOST_CLIENTS:
            self._complain("no seat", f"connection refused, {MOST_CLIENTS} clients are the limit")
            client.close()
            return
        connection = Connection(client, time.monotonic())
        self._connections.append(connection)
        self._selector.register(client, selectors.EVENT_READ, connection)
        with self._isolated(connection):
            if self.scene is None:
                self._send(connection, reply("scene_selection_ready", loaded="1"))
            else:
                self._load_car(connection, self.scene)

    def _load_car(self, connection: Connection, scene: str) -> None:
        taken = {other.car.slot for other in self._connections if other.car is not None}
        if not taken and self._period_sec is not None:
            self._next_tick = time.monotonic() + self._period_sec
        slot = min(set(range(MOST_CLIENTS)) - taken)
        connection.car = self._make_car(scene, self.seed, slot)
        shown = connection.car.frame() if self._period_sec is None else b""
        self._send(connection, reply("car_loaded") + shown)

    def _receive(self, connection: Connection) -> None:
        if connection.inbox or not connection.is_open:
            return
        try:
            is_there = connection.receive(time.monotonic())
        except Oversized as error:
            self._complain("oversized", f"connection closed: {error}")
            is_there = False
        if not is_there:
            self._drop(connection)

    def _handle_next(self, connection: Connection) -> None:
        """Do what the client's next message asks."""
        with self._isolated(connection):
            message = parse(connection.inbox.popleft())
            match message["msg_type"]:
                case "get_protocol_version":
                    self._send(connection, reply("protocol_version", version=PROTOCOL_VERSION))
                case "quit_app":
                    self._drop(connection)
                case _ if connection.car is None:
                    self._handle_in_menu(connection, message)
                case "exit_scene":
                    connection.car = None
                    if not self.n_cars:
                        self.scene = None
                case _:
                    self._handle_on_track(connection, connection.car, message)

    def _handle_in_menu(self, connection: Connection, message: Message) -> None:
        match message["msg_type"]:
            case "get_scene_names":
                names = [*ordered(scene_names()), *self._extra]
                self._send(connection, reply("scene_names", scene_names=names))
            case "load_scene":
                scene = text(message, "scene_name")
                if scene not in [*scene_names(), *self._extra]:
                    raise BadMessage("load_scene: no such scene", scene)
                self._load_car(connection, scene)
                self.scene = scene
            case unknown:
                raise BadMessage("unknown msg_type in the menu", unknown)

    def _handle_on_track(self, connection: Connection, car: RemoteCar, message: Message) -> None:
        msg_type = message["msg_type"]
        answer = b""
        try:
            answer = car.handle(message)
        except BadField as error:
            self._complain(error.kind, f"ignored a field, {error}")
        if self._period_sec is None:  # in lockstep the client's messages are the clock
            if msg_type == "control":
                car.drive()
            if msg_type == "control" or msg_type in SHOWN_AT_ONCE:
                answer += car.frame()
        if answer:
            self._send(connection, answer)

    @contextlib.contextmanager
    def _isolated(self, connection: Connection) -> Iterator[None]:
        """Keep one client's errors from the others.

        A bad message is ignored, a fault of its car ends the connection.
        """
        try:
            yield
        except BadMessage as error:
            self._complain(error.kind, f"ignored a message, {error}")
        except Exception as error:
            self._complain(
                f"fault {type(error).__name__}",
                f"connection closed by a fault of the simulator: {error!r}",
            )
            self._drop(connection)

    def _pass_time(self) -> None:
        now = time.monotonic()
        if self._period_sec is not None and now >= self._next_tick:
            self._tick()
            self._next_tick += self._period_sec
            if now - self._next_tick > LATE_SEC:
                self._next_tick = now + self._period_sec
        for connection in list(self._connections):
            if now - connection.quiet_since >= KEEP_ALIVE_SEC:
                connection.quiet_since = now
                if not connection.outbox:
                    self._send(connection, KEEP_ALIVE)

    def _tick(self) -> None:
        """Drive every car for one control step and send what it sees."""
        for connection in list(self._connections):
            if connection.car is not None:
                with self._isolated(connection):
                    connection.car.drive()
                    if not connection.outbox:  # a client that does not read misses frames
                        self._send(connection, connection.car.frame())

    def _send(self, connection: Connection, lines: bytes) -> None:
        connection.outbox += lines
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
        if connection in self._connections:
            self._connections.remove(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()

    def _complain(self, kind: str, line: str) -> None:
        """Log a line that is the first of its kind."""
        if kind not in self._known_kinds:
            self._known_kinds.add(kind)
            self._log(line)
