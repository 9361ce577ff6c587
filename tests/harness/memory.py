"""A process with little memory left."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def little_memory(more: int = 1 << 27) -> Iterator[None]:
    """Within it, the process may have so many bytes of address space more than it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
