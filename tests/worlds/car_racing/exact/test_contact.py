"""Touches beside Box2D's own test, at distances where one bit decides."""

from typing import Any

import numpy as np
import pytest
from numba import njit

pytest.importorskip("Box2D", reason="it is what touches are compared with")

from Box2D import b2PolygonShape, b2TestOverlap, b2Transform

from agent.worlds.car_racing.exact.bodies import HULL_SHAPES, SHAPE_CORNERS, SHAPES, WHEEL_SHAPE
from agent.worlds.car_racing.exact.car import CAR, HULL
from agent.worlds.car_racing.exact.contact import hull_touches, place_shape, wheel_touches
from agent.worlds.car_racing.exact.room import Room, make_room
from agent.worlds.car_racing.exact.track import Track, make_track
from agent.worlds.car_racing.exact.tracks import Tracks, make_tracks

FIRST_WHEEL = 1
HALVINGS = 45  # of 25 units: to the last bit of a place
WAYS = 40


@njit(cache=True)
def touches(
    cars: Any, k: int, body: int, shape: int, tracks: Tracks, tile: Any, room: Room
) -> bool:
    place_shape(cars[k], body, shape, room.placed)
    if shape == WHEEL_SHAPE:
        return wheel_touches(cars[k], body - 1, tracks, k, tile, room)
    return hull_touches(cars[k], shape, tracks, k, tile, room)


class Pair:
    """A shape that comes from afar to a tile."""

    def __init__(self, track: Track, shape: int, rng: np.random.Generator) -> None:
        self.shape = shape
        self.body = FIRST_WHEEL if shape == WHEEL_SHAPE else HULL
        self.tile = np.int32(rng.integers(track.tiles))  # as it is listed
        quad = track.polygons[track.tile_of == self.tile][0]
        self.angle = rng.uniform(-7, 7)
        self.way = np.array([np.cos(self.angle * 5), np.sin(self.angle * 5)])
        self.tile_shape = b2PolygonShape(vertices=quad.tolist())
        corners = SHAPES[shape, : SHAPE_CORNERS[shape]]
        self.body_shape = b2PolygonShape(vertices=corners.astype(float).tolist())
        right, ahead = corners.mean(axis=0)
        sin, cos = np.sin(self.angle), np.cos(self.angle)
        self.middle = quad.mean(axis=0) - (cos * right - sin * ahead, sin * right + cos * ahead)

    def real(self, away: float) -> tuple[bool, Any]:
        """Returns if they touch, and the shape's frame."""
        frame, ground = b2Transform(), b2Transform()
        frame.position = tuple((self.middle + away * self.way).astype(np.float32).tolist())
        frame.angle = self.angle
        ground.SetIdentity()
        return b2TestOverlap(self.tile_shape, 0, self.body_shape, 0, ground, frame), frame

    def put(self, car: Any, frame: Any) -> None:
        """Puts our body into the frame."""
        car["position"][self.body] = frame.position
        car["rotation"][self.body] = frame.q.s, frame.q.c


@pytest.mark.parametrize("shape", range(HULL_SHAPES + 1))
def test_touches_begin_where_box2ds_do(shape: int) -> None:
    track = make_track(np.random.default_rng(4))
    tracks, cars, room = make_tracks(1), np.zeros(1, CAR), make_room()
    tracks.load(0, track)
    rng = np.random.default_rng(shape)
    for _ in range(WAYS):
        pair = Pair(track, shape, rng)
        near, far = 0.0, 25.0
        assert pair.real(near)[0]
        assert not pair.real(far)[0]
        for _ in range(HALVINGS):
            away = (near + far) / 2
            real, frame = pair.real(away)
            pair.put(cars[0], frame)
            assert touches(cars, 0, pair.body, shape, tracks, pair.tile, room) == real
            near, far = (away, far) if real else (near, away)
