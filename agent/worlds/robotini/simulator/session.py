"""Cars on a track, frame by frame: they move, touch, crash, return, and are timed.

Nobody's clock but its own: a frame is 1/60 s of game time, whenever it is asked for. So all is a
function of the seed and of the commands between the frames. Upstream takes times of crashes and
the times of its events from the wall clock, which agrees with this one in real time.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.worlds.robotini.simulator.commands import Login, Refused
from agent.worlds.robotini.simulator.events import CarInfo, Event, Lap, event, vector
from agent.worlds.robotini.simulator.laps import UPSTREAM, LapCounter, passed, triggers
from agent.worlds.robotini.simulator.parameters import Parameters
from agent.worlds.robotini.simulator.picture import Image, paint, picture
from agent.worlds.robotini.simulator.track import Track
from agent.worlds.robotini.simulator.vehicle import TICK_SEC, Vehicle, separate

FRAMES_PER_SEC = 60  # upstream's
STUCK_SEC = 2.0  # upstream's: in a wall, or without moving
FORK_STUCK_SEC = 0.2  # the fork's: in a wall
MOVING = 0.1  # m/s forward, upstream's
PRACTICE_SLOTS = 10  # upstream's


@dataclass(eq=False)
class Racer:
    """A car that takes part.

    :param login: what its client said
    :param info: what it is told as
    :param laps: its counter
    :param vehicle: on the track; ``None`` before and after
    """

    login: Login
    info: CarInfo
    laps: LapCounter
    vehicle: Vehicle | None = None
    is_connected: bool = True
    has_finished: bool = False
    has_moved: bool = False
    stuck_sec: float = 0.0
    still_sec: float = 0.0
    finished_sec: float = 0.0
    crashed: bool = False  # touches a wall since an earlier frame
    met_m: float = 0.0  # up to where its triggers are counted
    touched: set[str] = field(default_factory=set)


class Session:
    """A simulator without sockets.

    :param track: to drive on
    :param parameters: of the race
    :param has_fork_fields: tell and do what the fork does
    :param seed: draws where cars are put
    """

    def __init__(
        self, track: Track, parameters: Parameters, *, has_fork_fields: bool = False, seed: int = 0
    ) -> None:
        self.track = track
        self.parameters = parameters
        self.has_fork_fields = has_fork_fields
        self.racers: dict[str, Racer] = {}
        self.time_sec = 0.0
        self.motors_on = True
        self.phase_sec = 0.0  # when the phase began
        self._random = random.Random(seed)
        self._road = paint(track)
        self._events: list[Event] = []
        self._n_frames = 0
        self._n_ticks = 0
        segments = None
        self._n_segments = len(UPSTREAM)
        self._stuck_sec = STUCK_SEC
        if has_fork_fields:
            segments = parameters.numSegments
            self._n_segments = parameters.numSegments
            self._stuck_sec = FORK_STUCK_SEC
        self._triggers = triggers(track.length_m, segments)
        self.begin()

    # What a phase of a race does otherwise.

    def begin(self) -> None:
        """Start the free practice."""
        self.tell("FreePracticeStart")

    def admit(self, racer: Racer) -> None:
        """Put a new car on the track, behind those that are there."""
        self.add(racer)
        n_on_track = sum(other.vehicle is not None for other in self.racers.values())
        apart_m = self.track.length_m / PRACTICE_SLOTS
        back_m = (n_on_track + 1) * apart_m + self._random.uniform(0.0, apart_m / 2)
        self.place(racer, self.track.length_m - back_m)

    def dismiss(self, racer: Racer) -> None:
        """Take off a car that has left."""
        self.tell_of("CarRemoved", racer)
        del self.racers[racer.info.name]

    def pass_time(self) -> None:
        """Do what is due; free practice never ends."""

    def count_lap(self, racer: Racer) -> None:
        """Take note of a lap."""

    def proceed(self) -> None:
        """Go on to the next phase; free practice has none."""

    @property
    def is_qualifying(self) -> bool:
        """True where standings are by best laps."""
        return True

    @property
    def result(self) -> Event | None:
        """Contents of the result file, as soon as it is known; free practice has none."""
        return None

    @property
    def is_over(self) -> bool:
        """True when the simulator shall end."""
        return False

    @property
    def is_waiting(self) -> bool:
        """True where time passes although nobody drives."""
        return False

    # Clients

    def join(self, login: Login) -> Racer:
        """Returns the car of a client that logs in.

        :raises Refused: it may not
        """
        info = login.car
        for known in self.parameters.cars:
            if known.team_id == info.team_id:
                info = known
                break
        else:
            if self.parameters.mode == "race":
                raise Refused(f"team {info.team_id!r} is not one of the race's cars")
        if info.name in self.racers:
            raise Refused(f"car {info.name!r} is there already")
        racer = Racer(login, info, LapCounter(self._n_segments))
        self.admit(racer)
        return racer

    def leave(self, racer: Racer) -> None:
        """Let a client go."""
        racer.is_connected = False
        racer.vehicle = None
        if not racer.has_finished:
            racer.laps.leave()
        self.tell_of("CarDisconnected", racer)
        self.tell_standings()
        self.dismiss(racer)

    def picture(self, racer: Racer) -> Image | None:
        """Returns what a car sees; ``None`` while it is not on the track."""
        if racer.vehicle is None:
            return None
        others = [
            (other.vehicle, other.info.rgb)
            for other in self.racers.values()
            if other.vehicle is not None and other is not racer
        ]
        login = racer.login
        return picture(self._road, racer.vehicle, others, login.width_px, login.height_px)

    def greeting(self) -> list[Event]:
        """Returns what a spectator is told first."""
        on_track = [racer for racer in self.racers.values() if racer.vehicle is not None]
        return [
            self.parameters.event(self.time_sec, self.has_fork_fields),
            *(self._of("CarAdded", racer.info) for racer in on_track),
        ]

    def take_events(self) -> list[Event]:
        """Returns what has happened since it was asked last."""
        told = self._events
        self._events = []
        return told

    def toggle_motors(self) -> None:
        """Switch all motors off, or on again."""
        self.motors_on = not self.motors_on

    def reset(self) -> None:
        """Put all cars back to a start, without laps."""
        for i, racer in enumerate(self.racers.values()):
            racer.laps.reset()
            if racer.vehicle is not None:
                self.place(racer, self.track.length_m - (i + 1) * 0.4)

    # Time

    def frame(self) -> None:
        """Let 1/60 s pass."""
        self._n_frames += 1
        due = math.floor(self._n_frames / FRAMES_PER_SEC / TICK_SEC + 1e-9)
        driving = [racer for racer in self.racers.values() if racer.vehicle is not None]
        vehicles = [racer.vehicle for racer in driving if racer.vehicle is not None]
        for racer, vehicle in zip(driving, vehicles, strict=True):
            vehicle.motor_on = self.motors_on and not racer.has_finished
        pairs = list(itertools.combinations(zip(driving, vehicles, strict=True), 2))
        touching: set[tuple[str, str]] = set()
        while self._n_ticks < due:
            self._n_ticks += 1
            for vehicle in vehicles:
                vehicle.tick()
            for (one, one_vehicle), (other, other_vehicle) in pairs:
                if separate(one_vehicle, other_vehicle):
                    touching |= {
                        (one.info.name, other.info.name),
                        (other.info.name, one.info.name),
                    }
        self.time_sec = self._n_frames / FRAMES_PER_SEC
        for racer, vehicle in zip(driving, vehicles, strict=True):
            self._tell_bumps(racer, {name for mine, name in touching if mine == racer.info.name})
            self._count(racer, vehicle)
            self._watch(racer, vehicle)
        if driving:
            self._events.append(self._status(driving))
        self.pass_time()

    def _tell_bumps(self, racer: Racer, touched: set[str]) -> None:
        for name in sorted(touched - racer.touched):
            other = self.racers[name].info.fields(self.time_sec)
            self.tell("CarBumped", car=racer.info.fields(self.time_sec), other=other)
        racer.touched = touched

    def _count(self, racer: Racer, vehicle: Vehicle) -> None:
        before_m = racer.met_m
        racer.met_m = vehicle.distance_m
        for segment in passed(self._triggers, before_m, racer.met_m, self.track.length_m):
            met = racer.laps.meet(segment, self.time_sec - self.phase_sec)
            if met == "lap":
                self._events.append(racer.laps.lap.event(racer.info, self.time_sec))
                self.count_lap(racer)
            if met in ("lap", "line") or (met and self.has_fork_fields):
                self.tell_standings()

    def _watch(self, racer: Racer, vehicle: Vehicle) -> None:
        """Notice a crash, and return a car that is stuck."""
        if vehicle.in_wall and not racer.crashed:
            self.tell_of("CarCrashed", racer)
            racer.stuck_sec = 0.0
        racer.crashed = vehicle.in_wall
        racer.stuck_sec += 1 / FRAMES_PER_SEC
        racer.still_sec += 1 / FRAMES_PER_SEC
        if not self.motors_on:
            racer.has_moved = False
        if vehicle.forward_speed >= MOVING:
            racer.has_moved = True
            racer.still_sec = 0.0
        is_stuck = racer.crashed and racer.stuck_sec >= self._stuck_sec
        if is_stuck or (racer.has_moved and racer.still_sec >= STUCK_SEC):
            distance_m = vehicle.distance_m
            if self.has_fork_fields:
                distance_m = self._random.uniform(0.0, self.track.length_m)
            self.place(racer, distance_m)
            self.tell_of("CarReturnedToTrack", racer)

    # For the phases

    def add(self, racer: Racer) -> None:
        """Take a car in, and tell so."""
        self.racers[racer.info.name] = racer
        self.tell_of("CarConnected", racer)

    def place(self, racer: Racer, distance_m: float, offset_m: float = 0.0) -> None:
        """Put a car on the track, at rest.

        :param racer: whose car
        :param distance_m: from the finish line, of any lap
        :param offset_m: to the right of the middle
        """
        if racer.vehicle is None:
            racer.vehicle = Vehicle(self.track, distance_m)
            self.tell_of("CarAdded", racer)
        racer.vehicle.place(distance_m, offset_m)
        racer.met_m = racer.vehicle.distance_m
        racer.has_moved = False
        racer.crashed = False
        racer.still_sec = 0.0
        racer.stuck_sec = 0.0

    def standings(self) -> list[tuple[Racer, Lap]]:
        """Cars with their laps, the best first."""
        return sorted(
            ((racer, racer.laps.lap) for racer in self.racers.values()),
            key=lambda row: row[1].best_sec or math.inf,
        )

    def rows(self, standings: Iterable[tuple[Racer, Lap]]) -> list[Event]:
        """Standings as they are told."""
        return [lap.event(racer.info, self.time_sec) for racer, lap in standings]

    def tell_standings(self) -> None:
        """Tell how the cars stand."""
        rows = self.rows(self.standings())
        self.tell("CurrentStandings", standings=rows, qualifying=self.is_qualifying)

    def tell(self, kind: str, **fields: object) -> None:
        """Tell spectators something."""
        self._events.append(event(kind, self.time_sec, **fields))

    def tell_of(self, kind: str, racer: Racer) -> None:
        """Tell spectators something about a car."""
        self._events.append(self._of(kind, racer.info))

    def _of(self, kind: str, info: CarInfo) -> Event:
        return event(kind, self.time_sec, car=info.fields(self.time_sec))

    def _status(self, driving: Iterable[Racer]) -> Event:
        cars = []
        for racer in driving:
            vehicle = racer.vehicle
            if vehicle is None:  # it was taken off in this frame
                continue
            half = vehicle.heading_rad / 2
            status: Event = {
                "name": racer.info.name,
                "position": vector(vehicle.x_m, vehicle.height_m, vehicle.z_m),
                "velocity": vector(vehicle.velocity[0], 0.0, vehicle.velocity[1]),
                "rotation": {**vector(0.0, math.sin(half), 0.0), "w": round(math.cos(half), 6)},
            }
            if self.has_fork_fields:
                status["trackAngle"] = round(abs(math.degrees(vehicle.angle_rad)), 4)
                status["trackSegment"] = racer.laps.last_met
            cars.append(status)
        return event("GameStatus", self.time_sec, cars=cars)
