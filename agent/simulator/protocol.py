"""The wire: messages are cut out of a TCP stream, read and written here; docs/wire.md.

Clients send JSON objects whose values are strings, one after the other with nothing in between.
The simulator sends objects with numbers, a line each. What clients send is read as leniently as
Unity reads it, see ``lenient``.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from agent.simulator.lenient import read_fields

if TYPE_CHECKING:
    from agent.simulator.telemetry import Telemetry

# Simulated seconds a second; None lets every control, and nothing else, pass 0.05 s.
CLOCKS = {"realtime": 1.0, "lockstep": None, "4x": 4.0}
MESSAGE_LIMIT = 1 << 20  # chosen: bytes that may come without completing a message
PROTOCOL_VERSION = "2"  # upstream's
KEEP_ALIVE = b"{}\n"
NO_JSON = "not JSON"
UNREADABLE = "\ufffd"  # stands for bytes that are no UTF-8
SHOWN = 80  # chosen: characters of a bad message that its complaint repeats

Message = dict[str, Any]

# Upstream's menu, then what only some of its builds list.
SCENE_ORDER = (
    "generated_road",
    "warehouse",
    "sparkfun_avc",
    "generated_track",
    "roboracingleague_1",
    "waveshare",
    "mini_monaco",
    "warren",
    "circuit_launch",
    "mountain_track",
    "thunderhill",
)


class BadMessage(ValueError):
    """A message that is ignored.

    :param kind: the same for all messages of its sort
    :param value: what was wrong in this one
    """

    def __init__(self, kind: str, value: object) -> None:
        shown = ascii(value)
        if len(shown) > SHOWN:
            shown = shown[:SHOWN] + "..."
        super().__init__(f"{kind}: {shown}")
        self.kind = kind
        self.value = value


class BadField(BadMessage):
    """A field that is ignored; the rest of its message was followed."""


class Oversized(ValueError):
    """More than ``MESSAGE_LIMIT`` bytes came without completing a message."""


class Requests:
    """Cuts what a client sends into messages, as the Unity simulator does: at every ``{``.

    The last piece is whole if it ends in ``}``, or in ``}`` and white space, which Unity would not
    take. A piece that is followed by another is handed out whole or not; ``parse`` refuses those
    that are not. Text before the first ``{`` is a piece, too.
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Returns the messages that ``chunk`` completes.

        :raises Oversized: too much came without completing one
        """
        if not self._pending:
            chunk = chunk.lstrip()  # line ends between messages are kept for nobody
        self._pending += chunk
        whole = chunk.rstrip().endswith(b"}")
        if not whole and b"{" not in chunk:
            self._check()
            return []
        first, *pieces = bytes(self._pending).split(b"{")
        pieces = [b"{" + piece for piece in pieces]
        if first.strip():
            pieces.insert(0, b"{" + first)
        self._pending.clear()
        if not whole and pieces:
            self._pending += pieces.pop()
            self._check()
        return pieces

    def _check(self) -> None:
        if len(self._pending) > MESSAGE_LIMIT:
            raise Oversized(f"{len(self._pending)} bytes without the end of a message")


class Replies:
    """Cuts what a simulator sends into lines, keep-alives left out."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Returns the lines that ``chunk`` completes.

        :raises Oversized: too much came without the end of a line
        """
        self._pending += chunk
        if b"\n" not in chunk:
            if len(self._pending) > MESSAGE_LIMIT:
                raise Oversized(f"{len(self._pending)} bytes without the end of a line")
            return []
        *lines, rest = bytes(self._pending).split(b"\n")
        self._pending = bytearray(rest)
        return [line for line in lines if len(line) > len(KEEP_ALIVE) - 1]


def parse(piece: bytes) -> Message:
    """Reads a client's message, leniently where it is no JSON.

    :raises BadMessage: nothing in it is a ``msg_type``
    """
    try:
        return parse_strictly(piece)
    except BadMessage as error:
        if error.kind != NO_JSON:
            raise
    message = read_fields(piece.decode("utf-8", errors="replace"))
    msg_type = message.get("msg_type")
    if not isinstance(msg_type, str) or UNREADABLE in msg_type:
        raise BadMessage(NO_JSON, piece)
    return message


def parse_strictly(piece: bytes) -> Message:
    """Reads one message of either side.

    :raises BadMessage: not a JSON object with a ``msg_type``
    """
    try:
        message = json.loads(piece.decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadMessage(NO_JSON, piece) from None
    if not isinstance(message, dict) or not isinstance(message.get("msg_type"), str):
        raise BadMessage("no msg_type", piece)
    return message


def text(message: Message, name: str) -> str:
    """Returns a field of a client's message, which must be a string.

    :raises BadMessage: it is missing or something else
    """
    value = message.get(name)
    if not isinstance(value, str):
        raise BadMessage(f"{message['msg_type']}: {name} must be a string", value)
    return value


def number(message: Message, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Returns a field that is a finite number, written as a string.

    :param message: the client's
    :param name: of the field
    :param low: least allowed, ``high`` the most
    :raises BadMessage: it is missing, no number or not within ``low`` and ``high``
    """
    value = text(message, name)
    try:
        read = float(value)
    except ValueError:
        read = math.nan
    if not math.isfinite(read) or not low <= read <= high:
        raise BadMessage(f"{message['msg_type']}: {name} out of range", value)
    return read


def integer(message: Message, name: str, low: float = -math.inf, high: float = math.inf) -> int:
    """Returns a field that is a whole number, written as a string.

    :param message: the client's
    :param name: of the field
    :param low: least allowed, ``high`` the most
    :raises BadMessage: as ``number``
    """
    read = number(message, name, low, high)
    if read != int(read):
        raise BadMessage(f"{message['msg_type']}: {name} is not whole", message[name])
    return int(read)


def request(msg_type: str, **values: object) -> bytes:
    """Returns a client's message: every value becomes a string, no line end."""
    return json.dumps(
        {"msg_type": msg_type, **{name: str(value) for name, value in values.items()}}
    ).encode()


def reply(msg_type: str, **values: object) -> bytes:
    """Returns a simulator's message: numbers stay numbers, one line."""
    return json.dumps({"msg_type": msg_type, **values}, separators=(",", ":")).encode() + b"\n"


def ordered(scenes: list[str]) -> list[str]:
    """Returns scenes in upstream's order, those that it does not have last."""
    return [name for name in SCENE_ORDER if name in scenes] + sorted(set(scenes) - set(SCENE_ORDER))


# A template: json.dumps takes 27 us for its 7 and writes 17 digits where Unity writes 7.
_TELEMETRY = (
    b'{"msg_type":"telemetry","steering_angle":%.7g,"throttle":%.7g,"image":"%b"%b%b,'
    b'"fl":%.9g,"fr":%.9g,"rl":%.9g,"rr":%.9g,"hit":%b,"time":%.3f,"speed":%.7g,'
    b'"accel_x":%.7g,"accel_y":%.7g,"accel_z":%.7g,"gyro_x":%.7g,"gyro_y":%.7g,"gyro_z":%.7g,'
    b'"pitch":%.7g,"yaw":%.7g,"roll":%.7g,"cte":%.7g,"activeNode":%d,"totalNodes":%d,'
    b'"pos_x":%.7g,"pos_y":%.7g,"pos_z":%.7g,"vel_x":%.7g,"vel_y":%.7g,"vel_z":%.7g}\n'
)


def telemetry(
    seen: Telemetry,
    *,
    steering: float,
    throttle: float,
    image: bytes,
    image_b: bytes | None,
    lidar: list[tuple[float, float, float]] | None,
    rotations: tuple[float, float],
    hit: str,
    time_sec: float,
) -> bytes:
    """Returns one telemetry line, its fields in upstream's order.

    :param seen: the state of the car
    :param steering: the command held, as is ``throttle``
    :param image: base64 of the picture's file
    :param image_b: the same of camera B's, None while it is off
    :param lidar: distance in u and the ray's two angles in degrees, None while it is off
    :param rotations: turns of the left and of the right wheels since the car was loaded
    :param hit: what the car ran into since the last line, or ``none``
    :param time_sec: seconds that the car's world has run
    """
    second = b"" if image_b is None else b',"imageb":"%b"' % image_b
    left, right = rotations
    roll, pitch, yaw = seen.car
    return _TELEMETRY % (
        steering,
        throttle,
        image,
        second,
        _lidar(lidar),
        left,
        right,
        left,
        right,
        json.dumps(hit).encode(),
        time_sec,
        seen.speed,
        *seen.accel,
        *seen.gyro,
        pitch,
        yaw,
        roll,
        seen.cte,
        seen.active_node,
        seen.total_nodes,
        *seen.pos,
        *seen.vel,
    )


def _lidar(hits: list[tuple[float, float, float]] | None) -> bytes:
    if hits is None:
        return b""
    return b',"lidar":[%b]' % b",".join([b'{"d":%.2f,"rx":%.7g,"ry":%.7g}' % hit for hit in hits])
