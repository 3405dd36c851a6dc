"""Run by the Python that has donkeycar: its KerasLSTM decides on frames of a file.

Usage: keras_lstm.py MODEL.tflite LENGTH FRAMES.npy COMMANDS.npy
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
from donkeycar.utils import get_model_by_type


def main(model: str, length: str, frames: str, commands: str) -> None:
    """Loads the model as ``manage.py`` does, and writes a command (2,) for each frame."""
    config = SimpleNamespace(IMAGE_H=120, IMAGE_W=160, IMAGE_DEPTH=3, SEQUENCE_LENGTH=int(length))
    pilot = get_model_by_type("tflite_rnn", config)
    pilot.load(model)
    np.save(commands, np.array([pilot.run(frame) for frame in np.load(frames)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
