"""TensorFlow Lite: what donkeycar loads as ``tflite_rnn``, an "RNN" that sees the last frames.

donkeycar's ``KerasLSTM`` keeps ``SEQUENCE_LENGTH`` frames, scales them to 0 to 1 and gives them as
``img_in``; it takes steering and throttle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

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
from agent.deployment.tflite_graph import INT32, PADDED, SIGNATURE, UNPADDED, TfliteGraph
from agent.worlds.donkey.observation import COLUMNS, ROWS, SKY_ROWS

INPUT = "img_in"
OUTPUT = "model_outputs"
WHITE = 255.0


def write(network: Network) -> bytes:
    """The file of a driver."""
    graph = TfliteGraph()
    frames = graph.tensor(
        (1, network.sensing.sequence_length, *FRAME_SHAPE), f"{SIGNATURE}_{INPUT}:0"
    )
    layers = _Layers(graph)
    answers = layers.picture(frames, network.sensing)
    if network.mirror_signs:
        answers = layers.with_mirrored(answers)
    for layer in network.layers:
        answers = layers.add(layer, answers)
    if network.mirror_signs:
        answers = layers.averaged(answers, network.mirror_signs)
    commands = layers.commands(network.commands, answers)
    return graph.to_bytes((INPUT, frames), (OUTPUT, commands), PRODUCT)


def open_file(content: bytes) -> Callable[[NDArray[np.uint8]], Floats]:
    """The driver in a file: commands (2,) for camera frames (sequence_length, 120, 160, 3)."""
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_content=content).get_signature_runner(SIGNATURE)

    def drive(frames: NDArray[np.uint8]) -> Floats:
        scaled = (frames * (1.0 / WHITE)).astype(np.float32)  # as donkeycar does
        commands: Floats = run(**{INPUT: scaled[None]})[OUTPUT][0]
        return commands

    return drive


class _Layers:
    """Adds the parts of a driver to a graph.

    A part takes the number of a tensor and returns that of its answers. Pictures are (n, rows,
    columns, channels), rows of numbers (n, k).
    """

    def __init__(self, graph: TfliteGraph) -> None:
        self.graph = graph

    def picture(self, frames: int, sensing: Sensing) -> int:
        """The picture (1, rows, columns, channels) of camera frames with values 0 to 1."""
        shape = (sensing.sequence_length, *FRAME_SHAPE)
        seen = self._reshaped(frames, shape)
        if sensing.grey:
            seen = self._below_the_sky(seen, sensing)
        scaled = self._pairwise("MUL", seen, self.graph.constant([WHITE]))
        levels = self._alike("ROUND", scaled)
        return self._grey_picture(levels, sensing) if sensing.grey else levels

    def _below_the_sky(self, frames: int, sensing: Sensing) -> int:
        """Those of the frames that a picture shows, cropped."""
        constant = self.graph.constant
        begin = constant([0, SKY_ROWS, 0, 0])
        end = constant(self.graph.shape(frames))
        stride = constant([sensing.gap, 1, 1, 1])
        shape = (sensing.frames, FRAME_SHAPE[0] - SKY_ROWS, *FRAME_SHAPE[1:])
        return self.graph.operate(
            "STRIDED_SLICE", [frames, begin, end, stride], shape, "StridedSlice"
        )

    def _grey_picture(self, levels: int, sensing: Sensing) -> int:
        """Grey levels of colours (frames, rows, columns, 3), shrunk, frames as channels."""
        shares = GREY_SHARES[None, None, None]
        half = np.array([0.5], np.float32)
        grey = self._alike("FLOOR", self._convolved(levels, shares, half, 1, UNPADDED))
        shrunk = self.graph.operate(
            "AVERAGE_POOL_2D",
            [grey],
            (sensing.frames, ROWS, COLUMNS, 1),
            "Pool2D",
            padding=UNPADDED,
            strideH=SHRINK,
            strideW=SHRINK,
            filterHeight=SHRINK,
            filterWidth=SHRINK,
        )
        raised = self._pairwise("ADD", shrunk, self.graph.constant([0.5]))
        order = self.graph.constant([3, 1, 2, 0])
        return self.graph.operate(
            "TRANSPOSE",
            [self._alike("FLOOR", raised), order],
            (1, *sensing.picture_shape),
            "Transpose",
        )

    def with_mirrored(self, picture: int) -> int:
        """The picture (1, rows, columns, channels) and its mirror image."""
        _, *sides = self.graph.shape(picture)
        mirrored = self._alike("REVERSE_V2", picture, self.graph.constant([2]))
        return self.graph.operate(
            "CONCATENATION", [picture, mirrored], (2, *sides), "Concatenation", axis=0
        )

    def averaged(self, answers: int, mirror_signs: Sequence[float]) -> int:
        """Mean (1, k) of the answers (2, k) in the picture and in its mirror image."""
        signs = self.graph.constant([[1.0] * len(mirror_signs), mirror_signs])
        return self._mean(self._pairwise("MUL", answers, signs), 0)

    def add(self, layer: Layer, given: int) -> int:
        """A layer."""
        match layer:
            case Convolution():
                padding = PADDED if layer.padded else UNPADDED
                return self._convolved(given, layer.weight, layer.bias, layer.stride, padding)
            case Evening():
                evened = self._evened(given, layer.faint, 1, 2, 3)
                return self._pairwise("ADD", evened, self.graph.constant(layer.bias))
            case Flattening():
                n, *sides = self.graph.shape(given)
                return self._reshaped(given, (n, math.prod(sides)))
            case Dense():
                return self._dense(given, layer)
            case Normalisation():
                centred = self._pairwise("SUB", given, self._mean(given, 1))
                evened = self._evened(centred, layer.faint, 1)
                scaled = self._pairwise("MUL", evened, self.graph.constant(layer.weight))
                return self._pairwise("ADD", scaled, self.graph.constant(layer.bias))
            case Rectification():
                return self._alike("RELU", given)
            case Squashing():
                return self._alike("TANH", given)
            case Clipping():
                return self._clipped(given, layer.low, layer.high)

    def commands(self, commands: CommandRange | CommandTable, answers: int) -> int:
        """Steering and throttle (1, 2) of answers (1, k)."""
        if isinstance(commands, CommandTable):
            axis = self.graph.constant([1])
            best = self.graph.operate("ARG_MAX", [answers, axis], (1,), "ArgMax", outputType=INT32)
            table = self.graph.constant(commands.commands)
            return self.graph.operate("GATHER", [table, best], (1, 2), "Gather", axis=0)
        half = (commands.high - commands.low) / 2.0
        clipped = self._clipped(answers, -1.0, 1.0)
        scaled = self._pairwise("MUL", clipped, self.graph.constant(half))
        return self._pairwise("ADD", scaled, self.graph.constant(commands.low + half))

    def _convolved(
        self, given: int, weight: Floats, bias: Floats, stride: int, padding: int
    ) -> int:
        """A convolution, as the layer of that name.

        :param given: pictures
        :param weight: see ``Convolution``
        :param bias: see ``Convolution``
        :param stride: see ``Convolution``
        :param padding: of the schema
        """
        n, *sides, _ = self.graph.shape(given)
        answers, *window, _ = weight.shape
        lost = (0, 0)
        if padding == UNPADDED:
            lost = (window[0] - 1, window[1] - 1)
        rows, columns = (
            math.ceil((side - less) / stride) for side, less in zip(sides, lost, strict=True)
        )
        return self.graph.operate(
            "CONV_2D",
            [given, self.graph.constant(weight), self.graph.constant(bias)],
            (n, rows, columns, answers),
            "Conv2D",
            padding=padding,
            strideH=stride,
            strideW=stride,
        )

    def _dense(self, given: int, layer: Dense) -> int:
        inputs = [given, self.graph.constant(layer.weight), self.graph.constant(layer.bias)]
        shape = (self.graph.shape(given)[0], len(layer.bias))
        return self.graph.operate("FULLY_CONNECTED", inputs, shape, "FullyConnected")

    def _evened(self, given: int, faint: float, *axes: int) -> int:
        """x / sqrt(mean(x²) + faint).

        :param given: pictures or rows of numbers
        :param faint: added to the mean
        :param axes: that the mean is over
        """
        mean = self._mean(self._alike("SQUARE", given), *axes)
        lifted = self._pairwise("ADD", mean, self.graph.constant([faint]))
        return self._pairwise("MUL", given, self._alike("RSQRT", lifted))

    def _mean(self, given: int, *axes: int) -> int:
        """Mean over axes, which are then of length 1."""
        shape = [
            1 if axis in axes else length for axis, length in enumerate(self.graph.shape(given))
        ]
        over = self.graph.constant(list(axes))
        return self.graph.operate("MEAN", [given, over], tuple(shape), "Reducer", keepDims=True)

    def _clipped(self, given: int, low: float, high: float) -> int:
        lowered = self._pairwise("MINIMUM", given, self.graph.constant([high]))
        return self._pairwise("MAXIMUM", lowered, self.graph.constant([low]))

    def _pairwise(self, operator: str, given: int, other: int) -> int:
        """ADD, SUB, MUL, MINIMUM or MAXIMUM with a tensor that is as large or repeats itself."""
        return self.graph.operate(operator, [given, other], self.graph.shape(given))

    def _alike(self, operator: str, *inputs: int) -> int:
        """An operator whose answer is as large as what it is given first."""
        return self.graph.operate(operator, list(inputs), self.graph.shape(inputs[0]))

    def _reshaped(self, given: int, shape: tuple[int, ...]) -> int:
        return self.graph.operate("RESHAPE", [given, self.graph.constant(shape)], shape)
