"""Whether an ONNX graph reads other files, found in its bytes before ONNX Runtime opens it.

A tensor's numbers may lie in a file that the graph names, anywhere on the disk; older versions of
ONNX Runtime read it. Our own graphs hold all their numbers. Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

_PARTS = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"
    },
    "sparse": {1: "tensor", 2: "tensor"},
}  # fmt: skip
"""Message -> the fields of it that are messages in which a tensor may be."""

_LOCATIONS, _IS_ELSEWHERE = 13, 14  # fields of a tensor
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # how a field is written
_DEEPEST = 100  # messages within messages, as in protobuf's own reader


def reads_other_files(content: bytes) -> bool:
    """Return whether a tensor of the graph is in another file; ValueError if this is no graph."""
    open_messages = [("model", memoryview(content), 0)]
    while open_messages:
        name, message, depth = open_messages.pop()
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
        for field, value in _fields(message):
            if name == "tensor":
                if field == _LOCATIONS or (field == _IS_ELSEWHERE and value):
                    return True
            elif (inner := _PARTS[name].get(field)) and isinstance(value, memoryview):
                open_messages.append((inner, value, depth + 1))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field of a protobuf message."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        written = key & 7
        if written == _VARINT:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        if written == _BYTES:
            size, place = _varint(message, place)
        elif written in (_FIXED32, _FIXED64):
            size = 4 if written == _FIXED32 else 8
        else:
            raise ValueError("it is no ONNX graph")
        if place + size > len(message):
            raise ValueError("it is cut off, or no ONNX graph")
        yield key >> 3, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at `place`, seven bits a byte from the lowest, and where it ends."""
    value = shift = 0
    while place < len(message) and shift < 70:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("it is cut off, or no ONNX graph")
