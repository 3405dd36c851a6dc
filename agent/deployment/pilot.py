"""A trained driver for any program: a picture in, steering and throttle out.

    from agent.deployment import Pilot

    pilot = Pilot()                       # the bundled champion; Pilot("DIR") for one of your own
    steering, throttle = pilot.run(image)

All that the driver was trained with is inside: how a picture is cropped, shrunk and made grey, how
many of them it sees and how far apart, how long it holds a decision, how its actions become
commands. It is a part of donkeycar's vehicle as well: ``V.add(Pilot(), inputs=["cam/image_array"],
outputs=["pilot/angle", "pilot/throttle"], run_condition="run_pilot")``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from agent.config import files
from agent.config.errors import UserError
from agent.simulator.lens import HEIGHT, WIDTH
from agent.training.saved_model import load_model, read_driver
from agent.trials.champion import BUNDLED, check_trust, find_model
from agent.worlds.donkey.actions import command_table
from agent.worlds.donkey.observation import COLUMNS, ROWS, shrink
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.frame_stack import FrameStacks

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

STANDSTILL = (0.0, 0.0)


class Pilot:
    """Drives by a camera's pictures as its model was trained to, without any chance.

    Call ``run`` with every picture, 20 a second: pictures of the past are told by their number.

    :param model: a model.zip, its folder, or ``bundled`` for the champion that comes with the
        package
    :param trust: load a model that no manifest or result beside it knows; loading one runs code
        that is in it
    :param device: where the network runs: ``cpu``, ``cuda`` or ``auto``
    :raises UserError: a model that is missing, that nobody vouches for, or that drives no DonkeyCar
    """

    def __init__(
        self, model: str | Path = BUNDLED, *, trust: bool = False, device: str = "cpu"
    ) -> None:
        self.path = find_model(Path(model), files.MODELS_DIR)
        if not self.path.is_file():
            raise UserError(
                f"model {model} does not exist; give a model.zip, its folder or bundled"
            )
        if not trust:
            check_trust(self.path)
        self.config = read_driver(self.path)[1]
        options = self.config.world
        if not isinstance(options, DonkeyOptions):
            raise UserError(
                f"model {model} drives in world {self.config.trial.world!r};"
                " a pilot needs one of a DonkeyCar"
            )
        self._fast = options.observation == "fast"
        self._repeat = options.action_repeat
        self._low = np.array([-options.steer_limit, options.throttle_min], dtype=np.float32)
        self._high = np.array([options.steer_limit, options.throttle_max], dtype=np.float32)
        self._commands: NDArray[np.float32] | None = None
        if self.config.learner.discrete:
            bins = (options.n_steer, options.n_throttle)
            self._commands = command_table(self._low, self._high, *bins)
        frames = 1
        shape: tuple[int, ...] = (HEIGHT, WIDTH, 3)
        if self._fast:
            frames = options.frame_stack
            shape = (ROWS, COLUMNS)
        self._stacks = FrameStacks(1, frames, options.frame_gap * self._repeat, shape)
        self.model = self._loaded(device)
        self.restart()

    def _loaded(self, device: str) -> BaseAlgorithm:
        from agent.evaluation.evaluator import check_fit  # torch takes seconds to import

        model = load_model(self.path, self.config, device)
        observations = spaces.Box(0, 255, self.observation().shape[1:], dtype=np.uint8)
        actions: spaces.Space = spaces.Box(-1.0, 1.0, (2,), dtype=np.float32)
        if self._commands is not None:
            actions = spaces.Discrete(len(self._commands))
        check_fit(model, observations, actions)
        return model

    def restart(self) -> None:
        """Forget all pictures: the next is the first of a drive.

        Call it when the car was put elsewhere, or when somebody else has driven meanwhile.
        """
        self._pictures = 0
        self._memory: Any = None
        self._command = STANDSTILL

    def run(self, image: NDArray[np.uint8] | None) -> tuple[float, float]:
        """The commands for the camera's newest picture.

        :param image: (rows, columns, 3) uint8 RGB, 120x160 as the simulator's and the car's; of
            another size it is cut to 4:3 around its middle and resized; None stands for a camera
            that has none yet, and the car stands
        :return: steering from -1, left, to 1, and throttle from -1 to 1
        :raises ValueError: no such picture
        """
        if image is None:
            return STANDSTILL
        self._see(camera_frame(image))
        if self._pictures % self._repeat == 0:
            self._command = self._decision()
        self._pictures += 1
        return self._command

    def shutdown(self) -> None:
        """End the drive, as donkeycar's vehicle asks its parts to; ``run`` begins another."""
        self.restart()

    def _see(self, frame: NDArray[np.uint8]) -> None:
        picture = shrink(frame) if self._fast else frame
        if self._pictures:
            self._stacks.advanced()[0, -1] = picture
        else:
            self._stacks.renewed()[0, -1] = picture
            self._stacks.fill([0])

    def observation(self) -> NDArray[np.uint8]:
        """Picture that the model sees (1, channels, rows, columns), after the latest picture."""
        if self._fast:
            return self._stacks.newest
        return np.ascontiguousarray(self._stacks.newest[:, 0].transpose(0, 3, 1, 2))

    def _decision(self) -> tuple[float, float]:
        begins = np.array([self._pictures == 0])
        actions, self._memory = self.model.predict(
            self.observation(), self._memory, begins, deterministic=True
        )
        if self._commands is None:
            share = 0.5 * (actions[0] + 1.0)
            command = self._low + share * (self._high - self._low)
        else:
            command = self._commands[int(actions[0])]
        return float(command[0]), float(command[1])


def camera_frame(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (rows, columns, 3) uint8 as a frame (120, 160, 3) of the simulator's camera.

    :raises ValueError: no such picture
    """
    picture = np.asarray(image)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"image of shape {picture.shape} and type {picture.dtype} is no picture;"
            " give (rows, columns, 3) uint8, RGB"
        )
    rows, columns = picture.shape[:2]
    if (rows, columns) == (HEIGHT, WIDTH):
        return picture
    kept_rows = max(1, min(rows, columns * HEIGHT // WIDTH))
    kept_columns = max(1, min(columns, rows * WIDTH // HEIGHT))
    top = (rows - kept_rows) // 2
    left = (columns - kept_columns) // 2
    middle = picture[top : top + kept_rows, left : left + kept_columns]
    resized = cv2.resize(middle, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)
