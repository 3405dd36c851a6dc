"""A TensorFlow Lite file, put together operator by operator with its flatbuffers schema.

It needs neither TensorFlow nor a converter.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SCHEMA_VERSION = 3
IDENTIFIER = b"TFL3"
SIGNATURE = "serving_default"  # the one that donkeycar asks for
LARGEST_BYTE = 127  # an operator's code was a byte once, and readers look there first
PADDED = schema.Padding.SAME
UNPADDED = schema.Padding.VALID
INT32 = schema.TensorType.INT32
TYPES = {"f": schema.TensorType.FLOAT32, "i": INT32}


class TfliteGraph:
    """Tensors and operators; every tensor is known by its number."""

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]  # the first is that of tensors without contents
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[int] = []

    def tensor(self, shape: tuple[int, ...], name: str, type_code: int = TYPES["f"]) -> int:
        """Adds a tensor that is given or computed.

        :param shape: of the tensor
        :param name: of the tensor
        :param type_code: of the schema, float32 by default
        """
        made = schema.TensorT()
        made.name = name
        made.shape = list(shape)
        made.type = type_code
        made.buffer = 0
        self._tensors.append(made)
        return len(self._tensors) - 1

    def constant(self, values: Any) -> int:
        """Adds a tensor with contents, int32 for whole numbers and float32 for others."""
        array = np.asarray(values)
        array = array.astype(np.int32 if array.dtype.kind == "i" else np.float32)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        number = self.tensor(array.shape, f"constant{len(self._tensors)}", TYPES[array.dtype.kind])
        self._tensors[number].buffer = len(self._buffers)
        self._buffers.append(buffer)
        return number

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Shape of a tensor."""
        return tuple(self._tensors[tensor].shape)

    def operate(
        self,
        operator: str,
        inputs: list[int],
        shape: tuple[int, ...],
        options: str = "",
        **fields: Any,
    ) -> int:
        """Adds an operator and its answer, whose number is returned.

        :param operator: its name in the schema, such as ``CONV_2D``
        :param inputs: numbers of tensors
        :param shape: of its answer
        :param options: name of its options in the schema, such as ``Conv2D``; empty for none
        :param fields: of the options
        """
        type_code = fields.get("outputType", TYPES["f"])
        answer = self.tensor(shape, f"{operator.lower()}{len(self._tensors)}", type_code)
        made = schema.OperatorT()
        made.opcodeIndex = self._code(getattr(schema.BuiltinOperator, operator))
        made.inputs = inputs
        made.outputs = [answer]
        if options:
            made.builtinOptions = getattr(schema, f"{options}OptionsT")()
            made.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
            for field, value in fields.items():
                setattr(made.builtinOptions, field, value)
        self._operators.append(made)
        return answer

    def to_bytes(self, given: tuple[str, int], answer: tuple[str, int], description: str) -> bytes:
        """The file.

        :param given: name in the signature, and number, of the input
        :param answer: name in the signature, and number, of the output
        :param description: for people
        """
        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors = self._tensors
        subgraph.operators = self._operators
        subgraph.inputs = [given[1]]
        subgraph.outputs = [answer[1]]
        signature = schema.SignatureDefT()
        signature.signatureKey = SIGNATURE
        signature.subgraphIndex = 0
        signature.inputs = [_tensor_map(*given)]
        signature.outputs = [_tensor_map(*answer)]
        model = schema.ModelT()
        model.version = SCHEMA_VERSION
        model.description = description
        model.subgraphs = [subgraph]
        model.buffers = self._buffers
        model.operatorCodes = [_operator_code(code) for code in self._codes]
        model.signatureDefs = [signature]
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    def _code(self, code: int) -> int:
        """Place of an operator's code among those in the file."""
        if code not in self._codes:
            self._codes.append(code)
        return self._codes.index(code)


def _operator_code(code: int) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode = code
    made.deprecatedBuiltinCode = min(code, LARGEST_BYTE)
    made.version = 1
    return made


def _tensor_map(name: str, tensor: int) -> Any:
    made = schema.TensorMapT()
    made.name = name
    made.tensorIndex = tensor
    return made
