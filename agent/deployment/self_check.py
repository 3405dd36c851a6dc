"""An exported file beside the model that it was made of, on the same camera frames.

The model is asked through ``Pilot``, with the observations of its training, the file as donkeycar
asks it: with the last frames, newest last.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN

from agent.config.errors import UserError
from agent.deployment.network import FRAME_SHAPE, CommandTable, Floats, Network
from agent.deployment.pilot import Pilot
from agent.kernels.compilation import announce_compilation
from agent.worlds.donkey.env import DonkeyEnv
from agent.worlds.donkey.tasks import SCENE_OF_ENV
from agent.worlds.donkey.world import WORLD

Frame = NDArray[np.uint8]
# Commands (2,) for frames (sequence_length, 120, 160, 3).
Drive = Callable[[Frame], Floats]

RENDERED = 32  # frames of a drive; chosen
RANDOM = 32  # chosen
BLOCK = 20  # side in pixels of a random frame's patches of colour; chosen
TOLERANCE = 0.02  # in a command
TIE = 1e-4  # share of the range of action values within which two count as equal; chosen


class Agreement(NamedTuple):
    """A file and its model on the same frames.

    :param frames: how many
    :param steering: greatest difference
    :param throttle: greatest difference
    :param ties: frames left out, where two actions are of equal worth and each chose another
    :param decision_ms: of the file, the median
    """

    frames: int
    steering: float
    throttle: float
    ties: int
    decision_ms: float

    def facts(self) -> dict[str, Any]:
        """All that is the same every time."""
        return {name: value for name, value in self._asdict().items() if name != "decision_ms"}

    def check(self) -> None:
        """Refuse a file that does not drive as its model does.

        :raises UserError: a difference beyond ``TOLERANCE``
        """
        for name, difference in (("steering", self.steering), ("throttle", self.throttle)):
            if not difference <= TOLERANCE:
                raise UserError(
                    f"the file's {name} differs from the model's by up to {difference:.3f} in"
                    f" {self.frames} frames, more than {TOLERANCE:g}; choose another --format"
                )


def agreement(pilot: Pilot, network: Network, drive: Drive) -> Agreement:
    """Lets the model and its file decide on rendered frames and on random ones.

    :param pilot: the model
    :param network: of the model
    :param drive: the file
    """
    return compare(pilot, network, drive, rendered_frames(pilot, RENDERED), random_frames(RANDOM))


def compare(pilot: Pilot, network: Network, drive: Drive, *drives: Iterable[Frame]) -> Agreement:
    """Lets the model and its file decide on frames that follow each other.

    :param pilot: the model
    :param network: of the model
    :param drive: the file
    :param drives: frames (120, 160, 3) of each drive
    """
    none: Floats = np.zeros(2, dtype=np.float32)
    differences = [none]
    times_ms: list[float] = []
    ties = 0
    for frames in drives:
        frames = list(frames)
        pilot.restart()
        length = network.sensing.sequence_length
        window = deque(frames[:1] * length, maxlen=length)
        for frame in frames:
            window.append(frame)
            command = np.array(pilot.run(frame), dtype=np.float32)
            begin = time.perf_counter()
            found = drive(np.stack(window))
            times_ms.append(1000.0 * (time.perf_counter() - begin))
            difference = np.abs(found - command)
            if difference.max() > TOLERANCE and _is_tie(pilot, network, command, found):
                ties += 1
            else:
                differences.append(difference)
    steering, throttle = np.max(differences, axis=0).tolist()
    return Agreement(len(times_ms), steering, throttle, ties, float(np.median(times_ms)))


def _is_tie(pilot: Pilot, network: Network, command: Floats, found: Floats) -> bool:
    """True where the actions behind two commands are of equal worth to the model.

    :param pilot: the model, after its decision
    :param network: of the model
    :param command: of the model
    :param found: of the file
    """
    if not isinstance(pilot.model, DQN) or not isinstance(network.commands, CommandTable):
        return False
    with torch.no_grad():
        values = pilot.model.q_net(torch.from_numpy(pilot.observation()))[0].numpy()
    table = network.commands.commands
    one, other = (int(np.abs(table - each).sum(axis=1).argmin()) for each in (command, found))
    return abs(float(values[one] - values[other])) <= TIE * float(np.ptp(values))


def rendered_frames(pilot: Pilot, count: int) -> Iterator[Frame]:
    """Frames of a drive through the world's default task.

    :param pilot: drives
    :param count: of frames
    """
    announce_compilation()
    env = DonkeyEnv(SCENE_OF_ENV[WORLD.default_task])
    try:
        frame, _ = env.reset(seed=0)
        for _ in range(count):
            yield frame.copy()
            frame, _, terminated, truncated, _ = env.step(np.array(pilot.run(frame), np.float32))
            if terminated or truncated:
                frame, _ = env.reset()
    finally:
        env.close()


def random_frames(count: int, seed: int = 0) -> Iterator[Frame]:
    """Frames of noise and, in turn, of coarse patches of colour.

    :param count: of frames
    :param seed: draws them
    """
    random = np.random.default_rng(seed)
    for k in range(count):
        frame = random.integers(0, 256, FRAME_SHAPE, dtype=np.uint8)
        if k % 2:
            patches = frame[::BLOCK, ::BLOCK]
            frame = patches.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        yield frame
