"""Reading TensorBoard's event files, which Keras's tests do with parts of TensorFlow under the same names."""

import struct
from collections.abc import Iterator
from typing import Any


def tf_record_iterator(path: str) -> Iterator[bytes]:
    """The records of a TFRecord file: length (u64), checksum (u32), content, checksum (u32)."""
    with open(path, "rb") as file:
        while head := file.read(12):
            (length,) = struct.unpack("<Q", head[:8])
            yield file.read(length)
            file.read(4)


class Event:
    """Stands for the message `Event`."""

    @staticmethod
    def FromString(content: bytes) -> Any:  # noqa: N802  # protobuf's name
        from tensorboardX.proto import event_pb2

        return event_pb2.Event.FromString(content)
