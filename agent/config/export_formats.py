"""File formats that a driver can be exported to; nothing heavy is loaded to know them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from agent import PRODUCT
from agent.config.errors import UserError
from agent.config.trial import TrialConfig

EXTRA = "export"  # of this package


class ExportFormat(NamedTuple):
    """A format.

    :param suffix: of its files
    :param module: that writes and opens its files
    :param needs: modules without which it cannot be written and checked
    """

    suffix: str
    module: str
    needs: Sequence[str]


EXPORT_FORMATS = {
    "tflite": ExportFormat(".tflite", "agent.deployment.tflite", ("flatbuffers", "ai_edge_litert")),
    "onnx": ExportFormat(".onnx", "agent.deployment.onnx", ("onnx", "onnxruntime")),
    "torchscript": ExportFormat(".pt", "agent.deployment.torchscript", ()),
}


def check_libraries(option: str, name: str) -> None:
    """Refuse a format whose libraries are not installed.

    :param option: that asks for it, for the complaint
    :param name: of the format
    :raises UserError: one is missing
    """
    for module in EXPORT_FORMATS[name].needs:
        if find_spec(module) is None:
            raise UserError(
                f"{option} needs {module}, which is not installed;"
                f" install it with: pip install '{PRODUCT}[{EXTRA}]'"
            )


def check_suffix(path: Path, name: str) -> None:
    """Refuse a file whose name has another ending than its format.

    :param path: to be written
    :param name: of the format
    :raises UserError: it has
    """
    suffix = EXPORT_FORMATS[name].suffix
    if path.suffix != suffix:
        others = {each.suffix: other for other, each in EXPORT_FORMATS.items()}
        remedy = f"end it in {suffix}"
        if path.suffix in others:
            remedy += f" or give --format {others[path.suffix]}"
        raise UserError(f"OUT {path} is no name of a {name} file; {remedy}")


def check_exportable(config: TrialConfig) -> None:
    """Refuse a driver that remembers, or that decides seldom: a file sees frames and answers.

    :raises UserError: such a driver
    """
    if config.trial.agent == "recurrent_ppo":
        raise UserError(
            "the model is of recurrent_ppo, whose memory no exported file has;"
            " give a model of another algorithm"
        )
    if config.world.action_repeat > 1:
        raise UserError(
            f"the model holds a decision for {config.world.action_repeat} steps, and an exported"
            " file decides at every frame; give one of action_repeat 1"
        )
