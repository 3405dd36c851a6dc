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
    """Name of the scene whose path goes through all of these nodes.

    :param nodes: of a path, from its first to its last
    """
    apart_u = {}
    for name in SCENE_OF_ENV.values():
        scene = load_scene(name)
        if not scene.is_random:
            apart_u[name] = farthest_u(nodes, build_track(scene).nodes)
    nearest = min(apart_u, key=lambda name: apart_u[name])
    if apart_u[nearest] < SAME_ROAD_U:
        return nearest
    is_closed = math.dist(nodes[0], nodes[-1]) < OPEN_ROAD_GAP_U
    return CLOSED_ROAD if is_closed else OPEN_ROAD


def farthest_u(nodes: Sequence[Vector], path: np.ndarray) -> float:
    """The farthest that one of the nodes is from a path, u.

    :param nodes: (x, z, height) of each, u
    :param path: nodes (n, 3) of the path
    """
    asked = np.array(nodes)[:, None, :2]
    return float(np.hypot(*(asked - path[None, :, :2]).T).min(axis=0).max())
