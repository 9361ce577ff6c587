"""Worker threads that compute ahead and hand results over in order."""

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

# Loading gives way to the training step: on Linux a thread has a priority of its own.
_NICENESS = 10


def _give_way() -> None:
    if hasattr(os, "setpriority") and hasattr(threading, "get_native_id"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def in_order(function: Callable[[Any], Any], items: Iterable[Any], workers: int, ahead: int) -> Generator[Any]:
    """`function` of each item, in the items' order, computed by `workers` threads.

    Args:
        function: called by the workers; with 0 workers by whoever asks for results.
        items: taken one by one by whoever asks for results.
        workers: number of threads.
        ahead: most results that wait to be taken.

    The workers end when the generator does: exhausted, closed, or by an error, which is raised where its result would
    have stood.

    >>> list(in_order(lambda n: n * n, range(5), workers=2, ahead=3))
    [0, 1, 4, 9, 16]
    """
    if workers == 0:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="dlrs-data", initializer=_give_way)
    waiting: deque[Future[Any]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _End:
    """The end of a queue, with the error that was the reason if there was one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(make: Callable[[], Iterator[Any]], size: int) -> Generator[Any]:
    """The items of an iterator that runs on a thread of its own, at most `size` of them waiting.

    >>> list(ahead(lambda: iter(range(3)), 2))
    [0, 1, 2]
    """
    items: queue.Queue[Any] = queue.Queue(size)
    stop = threading.Event()

    def put(item: Any) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                items.put(item, timeout=0.05)
                return True
        return False

    def run() -> None:
        _give_way()
        try:
            end = _End() if all(put(item) for item in make()) else None
        except BaseException as error:
            end = _End(error)
        if end is not None:
            put(end)

    thread = threading.Thread(target=run, name="dlrs-data-prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        thread.join()
