"""A race: lobby, qualifying, starting grid, race, result; each phase ends by time or by word."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from agent.worlds.robotini.simulator.commands import Refused
from agent.worlds.robotini.simulator.events import Event, Lap, event
from agent.worlds.robotini.simulator.session import Racer, Session

GRID_M = 0.4  # upstream's: from row to row of the grid
ASIDE_M = 0.1  # upstream's: a row to the left, the next to the right
GONE_SEC = 1.0  # upstream's: a car that has finished stays so long
RESULT_SEC = 1.0  # upstream's: the result is written so long after the race
QUIT_SEC = 3.0  # upstream's: the simulator ends so long after the race


class Phase(Enum):
    """Phases of a race, in their order."""

    LOBBY = "lobby"
    QUALIFYING = "qualifying"
    GRID = "starting grid"
    RACE = "race"
    FINISHED = "finished"


@dataclass
class Countdown:
    """Seconds of game time, whole ones, told one by one, as upstream counts them.

    The first that is told is one less than asked for; at 0 the phase ends.
    """

    seconds: int
    began_sec: float

    def left(self, now_sec: float) -> int | None:
        """Returns the seconds that are left; ``None`` where it has no end by itself."""
        if self.seconds == 0:
            return None
        return self.seconds - 1 - math.floor(now_sec - self.began_sec + 1e-6)


class Race(Session):
    """A session with a lobby, a qualifying and a race; parameters as for ``Session``."""

    phase = Phase.LOBBY
    _countdown: Countdown
    _told_sec: int | None = None
    _won_sec = math.inf
    _finished_sec = math.inf
    _outcome: Event | None = None

    def begin(self) -> None:
        """Open the lobby."""
        told = self.parameters.event(self.time_sec, self.has_fork_fields)
        self.tell("RaceLobbyInit", raceParameters=told)
        self._count_down(self.parameters.autoStartQualifyingSeconds)

    def admit(self, racer: Racer) -> None:
        """Let a car wait in the lobby.

        :raises Refused: the lobby has closed
        """
        if self.phase is not Phase.LOBBY:
            raise Refused(f"the lobby has closed, it is {self.phase.value} now")
        self.add(racer)

    def dismiss(self, racer: Racer) -> None:
        """Forget a car that leaves the lobby; another stays in the standings."""
        if self.phase is Phase.LOBBY:
            super().dismiss(racer)
        elif self.phase in (Phase.QUALIFYING, Phase.RACE):
            self._end_if_all_are_done()

    @property
    def is_qualifying(self) -> bool:
        """True while best laps count."""
        return self.phase is Phase.QUALIFYING

    @property
    def is_waiting(self) -> bool:
        """True always: phases end by time."""
        return True

    @property
    def result(self) -> Event | None:
        """Contents of the result file, one second after the race."""
        if self.time_sec < self._finished_sec + RESULT_SEC:
            return None
        return self._outcome

    @property
    def is_over(self) -> bool:
        """True three seconds after the race."""
        return self.time_sec >= self._finished_sec + QUIT_SEC

    def reset(self) -> None:
        """Nothing: a race is not put back."""

    def proceed(self) -> None:
        """Go on to the next phase; a race ends by itself."""
        match self.phase:
            case Phase.LOBBY:
                self._qualify()
            case Phase.QUALIFYING:
                self._line_up()
            case Phase.GRID:
                self._start()

    def pass_time(self) -> None:
        """Count down, and take finished cars off the track."""
        for racer in self.racers.values():
            if racer.has_finished and self.time_sec >= racer.finished_sec + GONE_SEC:
                racer.vehicle = None
        if self.phase is Phase.FINISHED:
            return
        if self.phase is Phase.RACE:
            ends_sec = min(
                self.phase_sec + self.parameters.raceTimeoutSeconds,
                self._won_sec + self.parameters.raceTimeoutAfterWinnerSeconds,
            )
            left = max(int(ends_sec - self.time_sec + 1e-6), 0)
        else:
            counted = self._countdown.left(self.time_sec)
            if counted is None:
                return
            left = max(counted, 0)
        if left != self._told_sec:
            self._told_sec = left
            self.tell("SecondsRemaining", secondsRemaining=left)
        if left > 0:
            return
        if self.phase is Phase.RACE:
            self._finish()
        else:
            self.proceed()

    def count_lap(self, racer: Racer) -> None:
        """Let a car finish that has all laps, or whose race is won already."""
        if self.phase is not Phase.RACE:
            return
        is_won = self._won_sec < math.inf
        if racer.laps.lap.count < self.parameters.lapCount and not is_won:
            return
        racer.has_finished = True
        racer.finished_sec = self.time_sec
        self.tell_of("CarFinished", racer)
        if not is_won:
            self._won_sec = self.time_sec
            self.tell_of("RaceWon", racer)
        self._end_if_all_are_done()

    def standings(self) -> list[tuple[Racer, Lap]]:
        """Cars with their laps: by best laps, in the race by laps and times."""
        if self.phase is not Phase.RACE:
            return super().standings()
        rows = [(racer, racer.laps.lap) for racer in self.racers.values()]
        return sorted(rows, key=lambda row: (-row[1].count, row[1].total_sec))

    def _count_down(self, seconds: int) -> None:
        self.phase_sec = self.time_sec
        self._countdown = Countdown(seconds, self.time_sec)
        self._told_sec = None

    def _qualify(self) -> None:
        self.phase = Phase.QUALIFYING
        racers = list(self.racers.values())
        apart_m = self.track.length_m / max(len(racers), 1)
        for i, racer in enumerate(racers):
            self.place(racer, self.track.length_m - (i + 1) * apart_m)
        self.tell("QualifyingStart", cars=self._infos(racers))
        self.tell_standings()
        self._count_down(self.parameters.qualifyingDurationSeconds)

    def _line_up(self) -> None:
        self.motors_on = False
        standings = self.standings()
        self.tell("QualifyingResults", results=self.rows(standings))
        self.phase = Phase.GRID
        starters = [racer for racer, lap in standings if not lap.is_out]
        self.tell("StartingGridInit", cars=self._infos(starters))
        for racer in self.racers.values():
            racer.laps.reset()
            if not racer.is_connected:
                racer.laps.leave()
        self.tell_standings()
        for i, racer in enumerate(starters, start=1):
            side = 1.0 if i % 2 == 0 else -1.0
            self.place(racer, self.track.length_m - i * GRID_M, side * ASIDE_M)
        self._count_down(self.parameters.autoStartRaceSeconds)

    def _start(self) -> None:
        self.phase = Phase.RACE
        self.motors_on = True
        self.phase_sec = self.time_sec
        self._told_sec = None
        self.tell("RaceStart")
        self.tell_standings()
        self._end_if_all_are_done()

    def _end_if_all_are_done(self) -> None:
        if any(racer.is_connected and not racer.has_finished for racer in self.racers.values()):
            return
        if self.phase is Phase.QUALIFYING:
            self._line_up()
        else:
            self._finish()

    def _finish(self) -> None:
        rows = []
        for racer, lap in self.standings():
            rows.append(
                {
                    "car": racer.info.fields(self.time_sec),
                    "lapCount": lap.count,
                    "bestLap": round(lap.best_sec, 6),
                    "totalTime": round(lap.total_sec, 6),
                    "dnf": lap.is_out,
                }
            )
        self.phase = Phase.FINISHED
        self._finished_sec = self.time_sec
        self._outcome = event("RaceFinished", self.time_sec, standings=rows)
        self._events.append(self._outcome)

    def _infos(self, racers: list[Racer]) -> list[Event]:
        return [racer.info.fields(self.time_sec) for racer in racers]
