"""Where computation runs."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

_CPU = re.compile(r"(/?(device:)?cpu)(:0)?", re.IGNORECASE)


@contextmanager
def device(device_name: str) -> Iterator[None]:
    """A context whose computations run on a device. There is one, the CPU.

    Args:
        device_name: `"cpu"` or `"cpu:0"`.

    Raises:
        ValueError: another device.

    >>> with device("cpu:0"):
    ...     pass
    """
    if not isinstance(device_name, str) or not _CPU.fullmatch(device_name):
        raise ValueError(f"device: computation runs on 'cpu' ('cpu:0'), got {device_name!r}.")
    yield
