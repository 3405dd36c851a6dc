"""ONNX, for Jetsons, ROS and whatever else has a runtime for it.

It is put together operator by operator: PyTorch's own exporter takes longer than all else here and
wants two packages more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from agent import PRODUCT
from agent.deployment.network import (
    FRAME_SHAPE,
    GREY_SHARES,
    SHRINK,
    Clipping,
    CommandRange,
    CommandTable,
    Convolution,
    Dense,
    Evening,
    Flattening,
    Floats,
    Layer,
    Network,
    Normalisation,
    Rectification,
    Sensing,
    Squashing,
)
from agent.worlds.donkey.observation import SKY_ROWS

INPUT = "frames"
OUTPUT = "commands"
OPSET = 13  # of 2020, which every runtime in use has
IR_VERSION = 7  # the file format of that time
LAST = np.iinfo(np.int64).max  # the end of a slice that goes to the end
FIRST = np.iinfo(np.int64).min  # and of one that goes backwards


def write(network: Network) -> bytes:
    """The file of a driver: frames (sequence_length, 120, 160, 3) uint8 in, commands (2,) out."""
    graph = _Graph()
    answers = graph.picture(INPUT, network.sensing)
    if network.mirror_signs:
        mirrored = graph.sliced(answers, start=-1, end=FIRST, axis=3, step=-1)
        answers = graph.add("Concat", answers, mirrored, axis=0)
    for layer in network.layers:
        answers = graph.layer(layer, answers)
    if network.mirror_signs:
        signs = np.array([[1.0] * len(network.mirror_signs), network.mirror_signs])
        turned = graph.add("Mul", answers, graph.constant(signs))
        answers = graph.add("ReduceMean", turned, axes=[0], keepdims=1)
    graph.commands(network.commands, answers)
    shape = (network.sensing.sequence_length, *FRAME_SHAPE)
    made = helper.make_graph(
        graph.nodes,
        PRODUCT,
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (2,))],
        graph.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, producer_name=PRODUCT, opset_imports=[opset])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def open_file(content: bytes) -> Callable[[NDArray[np.uint8]], Floats]:
    """The driver in a file: commands (2,) for camera frames (sequence_length, 120, 160, 3)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def drive(frames: NDArray[np.uint8]) -> Floats:
        commands: Floats = session.run([OUTPUT], {INPUT: frames})[0]
        return commands

    return drive


class _Graph:
    """Nodes in the order in which they run; pictures are (n, channels, rows, columns).

    A part takes the name of a value and returns that of its answers.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, answer: str = "", **attributes: Any) -> str:
        """Adds a node.

        :param operator: of ONNX
        :param inputs: names of values
        :param answer: name of its answer, by default one of its own
        :param attributes: of the operator
        """
        answer = answer or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [answer], **attributes))
        return answer

    def constant(self, values: Any) -> str:
        """Adds numbers, int64 where they are whole and float32 where they are not."""
        array = np.ascontiguousarray(values)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def sliced(self, given: str, *, start: int, end: int, axis: int, step: int = 1) -> str:
        """Adds a slice along an axis."""
        bounds = [self.constant([number]) for number in (start, end, axis, step)]
        return self.add("Slice", given, *bounds)

    def picture(self, frames: str, sensing: Sensing) -> str:
        """The picture (1, channels, rows, columns) of camera frames uint8."""
        seen = frames
        if sensing.grey:
            seen = self.sliced(seen, start=0, end=LAST, axis=0, step=sensing.gap)
            seen = self.sliced(seen, start=SKY_ROWS, end=LAST, axis=1)
        levels = self.add("Cast", seen, to=TensorProto.FLOAT)
        if not sensing.grey:
            return self.add("Transpose", levels, perm=[0, 3, 1, 2])
        shares = self.add("Mul", levels, self.constant(GREY_SHARES))
        grey = self.add("ReduceSum", shares, self.constant([3]), keepdims=0)
        whole = self._rounded(grey)
        stacked = self.add("Unsqueeze", whole, self.constant([0]))
        side = [SHRINK, SHRINK]
        return self._rounded(self.add("AveragePool", stacked, kernel_shape=side, strides=side))

    def layer(self, layer: Layer, given: str) -> str:
        """Adds a layer."""
        match layer:
            case Convolution():
                return self._convolved(given, layer)
            case Evening():
                bias = layer.bias.reshape(1, -1, 1, 1)
                evened = self._evened(given, layer.faint, [1, 2, 3])
                return self.add("Add", evened, self.constant(bias))
            case Flattening():
                return self.add("Flatten", self.add("Transpose", given, perm=[0, 2, 3, 1]))
            case Dense():
                weight = self.constant(layer.weight)
                return self.add("Gemm", given, weight, self.constant(layer.bias), transB=1)
            case Normalisation():
                mean = self.add("ReduceMean", given, axes=[1], keepdims=1)
                evened = self._evened(self.add("Sub", given, mean), layer.faint, [1])
                scaled = self.add("Mul", evened, self.constant(layer.weight))
                return self.add("Add", scaled, self.constant(layer.bias))
            case Rectification():
                return self.add("Relu", given)
            case Squashing():
                return self.add("Tanh", given)
            case Clipping():
                return self._clipped(given, layer.low, layer.high)

    def commands(self, commands: CommandRange | CommandTable, answers: str) -> str:
        """Steering and throttle (2,) of answers (1, k)."""
        if isinstance(commands, CommandTable):
            best = self.add("ArgMax", answers, axis=1, keepdims=0)
            rows = self.add("Gather", self.constant(commands.commands), best)
        else:
            half = (commands.high - commands.low) / 2.0
            clipped = self._clipped(answers, -1.0, 1.0)
            scaled = self.add("Mul", clipped, self.constant(half))
            rows = self.add("Add", scaled, self.constant(commands.low + half))
        return self.add("Squeeze", rows, self.constant([0]), answer=OUTPUT)

    def _convolved(self, given: str, layer: Convolution) -> str:
        weight = self.constant(layer.weight.transpose(0, 3, 1, 2))
        return self.add(
            "Conv",
            given,
            weight,
            self.constant(layer.bias),
            strides=[layer.stride, layer.stride],
            pads=[int(layer.padded)] * 4,
        )

    def _evened(self, given: str, faint: float, axes: Sequence[int]) -> str:
        """x / sqrt(mean(x²) + faint).

        :param given: pictures or rows of numbers
        :param faint: added to the mean
        :param axes: that the mean is over
        """
        mean = self.add("ReduceMean", self.add("Mul", given, given), axes=axes, keepdims=1)
        root = self.add("Sqrt", self.add("Add", mean, self.constant([faint])))
        return self.add("Div", given, root)

    def _clipped(self, given: str, low: float, high: float) -> str:
        bounds = [self.constant(np.float32(bound)) for bound in (low, high)]
        return self.add("Clip", given, *bounds)

    def _rounded(self, given: str) -> str:
        """The nearest whole numbers, of halves the upper."""
        return self.add("Floor", self.add("Add", given, self.constant([0.5])))
