"""A model's file for other programs, checked against the model, and the manifest beside it."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import files
from agent.config.atomic import write_bytes
from agent.config.export_formats import EXPORT_FORMATS, check_exportable
from agent.config.provenance import git_commit, installed_versions
from agent.deployment.car_settings import driver_settings
from agent.deployment.extraction import network_of
from agent.deployment.network import FRAME_SHAPE, CommandTable, Network
from agent.deployment.pilot import Pilot
from agent.deployment.self_check import Agreement, agreement
from agent.simulator.world import CONTROL_HZ
from agent.trials.champion import sha256

MANIFEST_SUFFIX = ".json"  # after the file's own


@dataclass(frozen=True)
class Exported:
    """A file that is ready to be written.

    :param content: of the file
    :param network: in it
    :param agreement: with the model
    :param manifest: but for the file's name
    """

    content: bytes
    network: Network
    agreement: Agreement
    manifest: dict[str, Any]

    def save(self, path: Path) -> Path:
        """Writes the file, whole or not at all, and then its manifest, whose path is returned.

        :raises OSError: the disk took no more
        """
        beside = manifest_path(path)
        manifest = json.dumps({"file": path.name} | self.manifest, indent=2)
        write_bytes(path, self.content)
        write_bytes(beside, f"{manifest}\n".encode())
        return beside


def manifest_path(path: Path) -> Path:
    """Path of an exported file's manifest."""
    return path.with_name(path.name + MANIFEST_SUFFIX)


def export(pilot: Pilot, name: str) -> Exported:
    """The file of a model.

    :param pilot: the model, on the CPU
    :param name: of the format
    :raises UserError: a model that cannot be exported, or a file that drives otherwise
    """
    check_exportable(pilot.config)
    module = importlib.import_module(EXPORT_FORMATS[name].module)
    network = network_of(pilot.model, pilot.config)
    content: bytes = module.write(network)
    found = agreement(pilot, network, module.open_file(content))
    found.check()
    manifest = {
        "format": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "model": files.shown_path(pilot.path),
        "model_sha256": sha256(pilot.path),
        "algorithm": pilot.config.trial.agent,
        "sequence_length": network.sensing.sequence_length,
        "frames_per_sec": CONTROL_HZ,
        "input": _input_facts(name, module.INPUT, network),
        "output": _output_facts(name, module.OUTPUT, network),
        "inside": inside(network),
        "agreement": found.facts(),
        "myconfig": driver_settings(network.sensing) if name == "tflite" else None,
        "versions": installed_versions(),
        "git_commit": git_commit(),
    }
    return Exported(content, network, found, manifest)


def _input_facts(name: str, title: str, network: Network) -> dict[str, Any]:
    shape = [network.sensing.sequence_length, *FRAME_SHAPE]
    facts = {"name": title, "shape": shape, "type": "uint8", "range": [0, 255]}
    if name == "tflite":
        facts |= {"shape": [1, *shape], "type": "float32", "range": [0.0, 1.0]}
    return facts | {"meaning": "the last RGB camera frames, the newest last"}


def _output_facts(name: str, title: str, network: Network) -> dict[str, Any]:
    return {
        "name": title,
        "shape": [1, 2] if name == "tflite" else [2],
        "type": "float32",
        "meaning": ["steering, -1 is left", "throttle"],
        "low": [round(float(each), 6) for each in network.commands.low],
        "high": [round(float(each), 6) for each in network.commands.high],
    }


def inside(network: Network) -> list[str]:
    """Steps of a file from camera frames to commands, in words."""
    sensing = network.sensing
    steps = ["colours as they are"]
    if sensing.grey:
        rows, columns, frames = sensing.picture_shape
        steps = [
            f"frames {sensing.gap} apart, {frames} of them",
            "sky cropped",
            "grey",
            f"shrunk to {rows}x{columns}",
        ]
    steps.append(f"network of {len(network.layers)} layers")
    if network.mirror_signs:
        steps.append("mean with the decision in the mirrored picture")
    if isinstance(network.commands, CommandTable):
        steps.append(f"table of {len(network.commands.commands)} actions")
    else:
        steps.append("scaled to the ranges of steering and throttle")
    return steps
