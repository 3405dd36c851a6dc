"""One car: upstream's motor and steering on a bicycle that grips with 1 g, between two walls.

Upstream's figures are those of its prefab ``Car``. Its tyres and its body are a physics engine's;
here a car is moved along its heading, and a wall takes the speed that goes into it.
"""

from __future__ import annotations

import itertools
import math

from agent.worlds.robotini.simulator.track import Track

TICK_SEC = 0.002  # upstream's
MASS_KG = 0.553 + 4 * 0.02 / 2  # upstream's; of a wheel, a disc, half its mass resists turning
MOTOR_NM = 0.75  # upstream's, for each of the four wheels
MOST_RPM = 1800.0  # upstream's
WHEEL_RADIUS_M = 0.023  # upstream's
WHEEL_DAMPING = 0.001  # upstream's, N m s, for each wheel
WHEELBASE_M = 0.17  # upstream's
STEER_RAD = math.radians(30.0)  # upstream's
STEER_PER_SEC = 10.0  # upstream's, of the full steering
DEAD_MAN_SEC = 0.3  # upstream's
ORIGIN_M = 0.048  # upstream's: of the car above the road
GRIP = 9.81  # m/s²: upstream's tyres have a friction of 1
WALL_M = 0.44  # upstream's: from the centre line to a wall
WALL_FRICTION = 0.6  # Unity's default
WALL_DRAG = 20.0  # 1/s, chosen: how soon a wall takes the speed that goes into it
RELEASE_M = 0.002  # chosen: so far from a wall, a car does not touch it any more
LENGTH_M = 0.22  # of the body, by wheelbase and wheels
WIDTH_M = 0.11  # the same, by track and tyres
HEIGHT_M = 0.08  # chosen

FORCE_N = 4 * MOTOR_NM / WHEEL_RADIUS_M
DRAG = 4 * WHEEL_DAMPING / WHEEL_RADIUS_M**2  # N s/m
RPM_PER_SPEED = 60.0 / (2 * math.pi * WHEEL_RADIUS_M)
BRAKE_N = 4 * 100.0 / WHEEL_RADIUS_M  # upstream's brakeForce
# Upstream's torque curve: share of the highest rpm, share of the torque.
CURVE = ((0.0, 1.0), (0.4785, 1.0), (0.5181, 0.9607), (1.0, 0.0))


def torque_share(rpm_share: float) -> float:
    """Share of the motor's torque at a share of its highest rpm, by upstream's curve."""
    for (low, high_torque), (high, low_torque) in itertools.pairwise(CURVE):
        if rpm_share < high:
            return high_torque + (low_torque - high_torque) * (rpm_share - low) / (high - low)
    return 0.0


class Vehicle:
    """A car on a track.

    ``distance_m`` is its place along the centre line, ``offset_m`` to the right of it.
    """

    def __init__(self, track: Track, distance_m: float) -> None:
        self.track = track
        self.motor_on = True
        self.throttle = 0.0
        self.brake = 0.0
        self.target = 0.0
        self.steering = 0.0  # -1 full left to 1 full right
        self.silent_sec = math.inf  # since the last command
        self.in_wall = False
        self.place(distance_m)

    def place(self, distance_m: float, offset_m: float = 0.0) -> None:
        """Put it on the road, at rest and along it."""
        index = self.track.index_at(distance_m)
        x_m, z_m = self.track.points_m[index].tolist()
        self.heading_rad = float(self.track.headings_rad[index])
        self.x_m = x_m + offset_m * math.cos(self.heading_rad)
        self.z_m = z_m - offset_m * math.sin(self.heading_rad)
        self.speed = 0.0  # m/s, along the way that it moves
        self.velocity = (0.0, 0.0)  # m/s, along x and z
        self.in_wall = False
        self._index = index
        self.offset_m = offset_m
        self.distance_m = index * self.track.spacing_m
        self.angle_rad = 0.0  # to the right of the road's heading

    @property
    def height_m(self) -> float:
        """Height of its origin, by the track's file."""
        return float(self.track.heights_m[self._index]) + ORIGIN_M

    @property
    def forward_speed(self) -> float:
        """Speed along its heading in m/s, negative backwards."""
        sine = math.sin(self.heading_rad)
        return self.velocity[0] * sine + self.velocity[1] * math.cos(self.heading_rad)

    def command(self, action: str, value: float) -> None:
        """Do as upstream does: an action that it does not know counts as a sign of life."""
        self.silent_sec = 0.0
        match action:
            case "forward":
                self.throttle = value
                self.brake = 0.0
            case "reverse":
                self.throttle = 0.0
                self.brake = 0.0
            case "brake":
                self.throttle = 0.0
                self.brake = value
            case "turn":
                self.target = min(max(-value, -1.0), 1.0)

    def tick(self) -> None:
        """Move for 2 ms."""
        self.silent_sec += TICK_SEC
        if self.silent_sec > DEAD_MAN_SEC:
            self.throttle = 0.0
            self.brake = 0.0
            self.steering = 0.0
        else:
            most = STEER_PER_SEC * TICK_SEC
            self.steering += min(max(self.target - self.steering, -most), most)
        slip_rad = self._turn()
        direction = self.heading_rad + slip_rad
        was = (self.x_m, self.z_m)
        self.x_m += self.speed * math.sin(direction) * TICK_SEC
        self.z_m += self.speed * math.cos(direction) * TICK_SEC
        self.locate()
        self._meet_wall(slip_rad)
        self.velocity = ((self.x_m - was[0]) / TICK_SEC, (self.z_m - was[1]) / TICK_SEC)

    def _turn(self) -> float:
        """Change speed and heading; returns the angle between heading and way, which is small."""
        bend = math.tan(STEER_RAD * self.steering)
        slip_rad = math.atan(0.5 * bend)
        yaw_rate = self.speed * math.cos(slip_rad) * bend / WHEELBASE_M
        cornering = abs(self.speed * yaw_rate)
        if cornering > GRIP:
            yaw_rate *= GRIP / cornering
            slip_rad *= GRIP / cornering
            cornering = GRIP
        self.heading_rad += yaw_rate * TICK_SEC
        most_n = MASS_KG * math.sqrt(max(GRIP**2 - cornering**2, 0.0))
        force_n = -DRAG * self.speed
        if self.motor_on and self.brake == 0.0:
            share = torque_share(min(abs(self.speed) * RPM_PER_SPEED / MOST_RPM, 1.0))
            force_n += FORCE_N * self.throttle * share
        elif self.motor_on:
            # No more than what stops it in this tick.
            most_brake_n = MASS_KG * abs(self.speed) / TICK_SEC - DRAG * abs(self.speed)
            force_n -= math.copysign(min(abs(self.brake) * BRAKE_N, most_brake_n), self.speed)
        self.speed += min(max(force_n, -most_n), most_n) / MASS_KG * TICK_SEC
        return slip_rad

    def locate(self) -> None:
        """Find its place along the road, from where it was before."""
        points = self.track.points_m
        spacing_m = self.track.spacing_m
        for _ in range(4):
            heading = float(self.track.headings_rad[self._index])
            dx = self.x_m - float(points[self._index, 0])
            dz = self.z_m - float(points[self._index, 1])
            ahead_m = dx * math.sin(heading) + dz * math.cos(heading)
            steps = round(ahead_m / spacing_m)
            if steps == 0:
                break
            self._index = (self._index + min(max(steps, -20), 20)) % len(points)
        self.offset_m = dx * math.cos(heading) - dz * math.sin(heading)
        self.distance_m = (self._index * spacing_m + ahead_m) % self.track.length_m
        self.angle_rad = math.remainder(self.heading_rad - heading, math.tau)

    def _meet_wall(self, slip_rad: float) -> None:
        angle = self.angle_rad
        reach_m = LENGTH_M / 2 * abs(math.sin(angle)) + WIDTH_M / 2 * abs(math.cos(angle))
        deep_m = abs(self.offset_m) + reach_m - WALL_M
        if deep_m <= 0.0:
            self.in_wall = self.in_wall and deep_m > -RELEASE_M
            return
        side = math.copysign(1.0, self.offset_m)
        road = self.heading_rad - angle
        self.x_m -= side * deep_m * math.cos(road)
        self.z_m += side * deep_m * math.sin(road)
        self.offset_m -= side * deep_m
        way = angle + slip_rad
        if self.speed < 0.0:
            way += math.pi
        into = math.sin(way) * side  # share of the speed
        if into > 0.0:
            if self.in_wall:
                loss = WALL_FRICTION * GRIP * into * TICK_SEC + (
                    WALL_DRAG * into**2 * abs(self.speed) * TICK_SEC
                )
                self.speed -= math.copysign(min(loss, abs(self.speed)), self.speed)
            else:
                self.speed *= 1.0 - into**2
            # Its nose is held, so it turns along the wall, but not where it looks straight at it.
            turned = abs(self.speed) * into * math.cos(way) / (LENGTH_M / 2) * TICK_SEC
            self.heading_rad -= side * turned
        self.in_wall = True


def separate(one: Vehicle, other: Vehicle) -> bool:
    """Push two cars apart that touch, as two discs each; returns whether they do.

    They share the speed with which they meet.
    """
    dx = other.x_m - one.x_m
    dz = other.z_m - one.z_m
    if dx * dx + dz * dz > LENGTH_M**2:
        return False
    nearest = (WIDTH_M, 0.0, 0.0)
    for mine in (-1, 1):
        for theirs in (-1, 1):
            reach = (LENGTH_M - WIDTH_M) / 2
            gap_x = dx + reach * (
                theirs * math.sin(other.heading_rad) - mine * math.sin(one.heading_rad)
            )
            gap_z = dz + reach * (
                theirs * math.cos(other.heading_rad) - mine * math.cos(one.heading_rad)
            )
            nearest = min(nearest, (math.hypot(gap_x, gap_z), gap_x, gap_z))
    gap_m, gap_x, gap_z = nearest
    if gap_m >= WIDTH_M:
        return False
    if gap_m < 1e-6:
        gap_x, gap_z, gap_m = math.cos(one.heading_rad), -math.sin(one.heading_rad), 1.0
        deep_m = WIDTH_M
    else:
        deep_m = WIDTH_M - gap_m
    normal_x = gap_x / gap_m
    normal_z = gap_z / gap_m
    for car, sign in ((one, -0.5), (other, 0.5)):
        car.x_m += sign * deep_m * normal_x
        car.z_m += sign * deep_m * normal_z
        car.locate()
    along_one = math.sin(one.heading_rad) * normal_x + math.cos(one.heading_rad) * normal_z
    along_other = math.sin(other.heading_rad) * normal_x + math.cos(other.heading_rad) * normal_z
    meeting = one.speed * along_one - other.speed * along_other
    if meeting > 0.0:
        one.speed -= 0.5 * meeting * along_one
        other.speed += 0.5 * meeting * along_other
    return True
