"""The scene that a simulator on a port has loaded, told by the nodes of its path."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from agent.simulator.tracks import build_track, load_scene
from agent.worlds.donkey.remote.client import Connection
from agent.worlds.donkey.remote.link import Limits, Vector
from agent.worlds.donkey.remote.remote_world import OPEN_ROAD_GAP_U, SAME_ROAD_U
from agent.worlds.donkey.tasks import OUR_OWN, SCENE_OF_ENV

NODES_ASKED = 16  # chosen
OPEN_ROAD = "generated_road"  # stands for any road that has an end
CLOSED_ROAD = OUR_OWN  # and this for any that has none: their nodes are the simulator's to say


def loaded_scene(host: str, port: int, default: str) -> str:
    """Name of the scene in which a car finds itself that connects to the simulator.

    A path that is none of ours is one that the simulator draws: an open road or a closed one.

    :param host: of the simulator
    :param port: of the simulator
    :param default: scene to load where the simulator waits in its menu, and to believe in where it
        does not tell its nodes
    :raises SimulatorLost: nobody answers, or not as a simulator
    """
    limits = Limits()
    link = Connection(host, port, default, limits)
    try:
        message = link.telemetry(limits.frame_sec)
        last = max(int(link.number(message, "totalNodes", 1.0)) - 1, 0)
        indices = np.linspace(0, last, NODES_ASKED).round().astype(int).tolist()
        nodes = link.nodes(indices, link.deadline)
    finally:
        link.close()
    return nearest_scene(nodes) if nodes else default


def nearest_scene(nodes: Sequence[Vector]) -> str:
    """Name of the scene whose path goes through all of these nodes, in their order.

    :param nodes: of a path, from its first to its last
    """
    for name in SCENE_OF_ENV.values():
        scene = load_scene(name)
        if not scene.is_random and goes_through(build_track(scene).nodes, nodes):
            return name
    is_closed = math.dist(nodes[0], nodes[-1]) < OPEN_ROAD_GAP_U
    return CLOSED_ROAD if is_closed else OPEN_ROAD


def goes_through(path: np.ndarray, nodes: Sequence[Vector]) -> bool:
    """True for a path that comes near all of the nodes, one after the other.

    :param path: nodes (n, 3) of the path
    :param nodes: (x, z, height) of each, u
    """
    asked = np.array(nodes)
    apart_u = np.hypot(*(asked[:, None, :2] - path[None, :, :2]).transpose(2, 0, 1))
    if apart_u.min(axis=1).max() >= SAME_ROAD_U:
        return False
    steps = np.diff(apart_u.argmin(axis=1)) % len(path)
    return bool((steps <= len(path) // 2).mean() > 0.5)
