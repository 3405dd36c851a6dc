"""The lines of donkeycar's ``myconfig.py`` that a driver needs."""

from __future__ import annotations

from agent.deployment.network import FRAME_SHAPE, Sensing
from agent.simulator.world import CONTROL_HZ

MODEL_TYPE = "tflite_rnn"  # donkeycar's word for a TensorFlow Lite file that sees the last frames


def driver_settings(sensing: Sensing) -> dict[str, object]:
    """Settings by name, in the order in which people read them."""
    rows, columns, depth = FRAME_SHAPE
    return {
        "SEQUENCE_LENGTH": sensing.sequence_length,
        "DEFAULT_MODEL_TYPE": MODEL_TYPE,
        "IMAGE_W": columns,
        "IMAGE_H": rows,
        "IMAGE_DEPTH": depth,
        "DRIVE_LOOP_HZ": CONTROL_HZ,
    }


def simulator_settings(env_id: str, host: str) -> dict[str, object]:
    """Settings of a car in a simulator, which drives at once.

    :param env_id: of the track
    :param host: of the simulator
    """
    return {
        "DONKEY_GYM": True,
        "DONKEY_SIM_PATH": "remote",
        "DONKEY_GYM_ENV_NAME": env_id,
        "SIM_HOST": host,
        "WEB_INIT_MODE": "local",
    }


def lines(settings: dict[str, object]) -> list[str]:
    """Settings as lines of Python."""
    return [f"{name} = {value!r}" for name, value in settings.items()]
