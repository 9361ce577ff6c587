"""Worker threads that compute ahead and hand results over in order."""

import contextlib
import itertools
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

# Loading gives way to the training step: on Linux a thread has a priority of its own.
_NICENESS = 10
# A worker's call shall not take less, in seconds: handing it over costs some 20 microseconds.
_SHORT = 0.5e-3


def _give_way() -> None:
    if hasattr(os, "setpriority") and hasattr(threading, "get_native_id"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def in_order(
    function: Callable[[Any], Any], items: Iterable[Any], workers: int, ahead: int, together: int = 1
) -> Generator[Any]:
    """`function` of each item, in the items' order, computed by `workers` threads.

    Args:
        function: called by the workers; with 0 workers by whoever asks for results.
        items: taken one by one by whoever asks for results.
        workers: number of threads.
        ahead: most calls of workers whose results wait to be taken.
        together: most items in a call; while they take so little time that the calls would cost more.

    The workers end when the generator does: exhausted, closed, or by an error, which is raised where its result would
    have stood.

    >>> list(in_order(lambda n: n * n, range(5), workers=2, ahead=3))
    [0, 1, 4, 9, 16]
    """
    if workers == 0:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="dlrs-data", initializer=_give_way)
    waiting: deque[Future[_Results]] = deque()
    remaining, size = iter(items), 1
    try:
        more = True
        while more or waiting:
            part, error = _take(remaining, size) if more else ([], None)
            more = len(part) == size and error is None
            if part:
                waiting.append(pool.submit(_call, function, part))
            if error is not None:
                # Behind the results of the items before it.
                failed: Future[_Results] = Future()
                failed.set_result(_Results([], error, 0.0))
                waiting.append(failed)
            if waiting and (not more or len(waiting) > ahead):
                results = waiting.popleft().result()
                yield from results.values
                if results.error is not None:
                    raise results.error
                if results.seconds < _SHORT:
                    size = min(2 * size, together)
                elif results.seconds > 4 * _SHORT:
                    size = max(size // 2, 1)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Results(NamedTuple):
    """What a call of a worker gave, the error that ended it, and the time that it took."""

    values: list[Any]
    error: BaseException | None
    seconds: float


def _call(function: Callable[[Any], Any], items: list[Any]) -> _Results:
    start, values = time.perf_counter(), []
    try:
        for item in items:
            values.append(function(item))
    except BaseException as error:
        return _Results(values, error, 0.0)
    return _Results(values, None, time.perf_counter() - start)


def _take(items: Iterator[Any], count: int) -> tuple[list[Any], BaseException | None]:
    """The next items, at most `count`, and the error of the iterator that ended them, if one did."""
    taken: list[Any] = []
    try:
        for item in itertools.islice(items, count):
            taken.append(item)
    except BaseException as error:
        return taken, error
    return taken, None


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
