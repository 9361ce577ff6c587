"""Milliseconds of non-maximum suppression, beside torchvision, OpenCV and powerboxes; whether the same boxes are kept.

    python benches/peers/nms.py [--peers PYTHON] [--others PYTHON] [--threads 1 2]

Each measurement has a process of its own; `--peers` has torchvision, `--others` OpenCV and powerboxes. The best call
counts, of as many as fit into a second, of one at least. OpenCV gets its boxes as it wants them: left, top, width and
height.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

THRESHOLD = 0.5
SECONDS = 1.0
COUNTS = (10_000, 100_000)
KINDS = ("scattered", "clusters", "one object", "apart", "80 classes")

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def arrangement(kind: str, n: int) -> Arrays:
    """Boxes (left, top, right, bottom), scores and classes."""
    rng = np.random.default_rng(0)
    centers, sizes = rng.uniform(0, 1000, (n, 2)), np.exp(rng.normal(3.5, 0.6, (n, 2)))
    if kind == "clusters":
        # A hundred objects, each found again and again.
        objects, extents = rng.uniform(0, 1000, (100, 2)), np.exp(rng.normal(4, 0.6, (100, 2)))
        which = rng.integers(0, 100, n)
        centers = objects[which] + rng.normal(0, 0.1, (n, 2)) * extents[which]
        sizes = extents[which] * np.exp(rng.normal(0, 0.1, (n, 2)))
    elif kind == "one object":
        centers, sizes = 500 + rng.normal(0, 1, (n, 2)), np.full((n, 2), 200.0)
    elif kind == "apart":
        side = int(np.ceil(n**0.5))
        place = rng.permutation(side * side)[:n]
        centers = np.stack([place % side, place // side], axis=1).astype(float) * 10 + 5
        sizes = np.full((n, 2), 8.0)
    boxes = np.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1).astype("float32")
    return boxes, rng.uniform(0, 1, n).astype("float32"), rng.integers(0, 80, n)


def dlrs(kind: str, arrays: Arrays) -> Callable[[], Any]:
    """One native call."""
    from dlrs.vision import boxes

    corners, scores, classes = arrays
    return lambda: boxes.nms(corners, scores, THRESHOLD, classes=classes if kind == "80 classes" else None)


def torchvision(kind: str, arrays: Arrays) -> Callable[[], Any]:
    """Tensors are made before the clock runs."""
    import torch
    from torchvision.ops import batched_nms, nms

    torch.set_num_threads(int(os.environ["NMS_THREADS"]))
    corners, scores, classes = map(torch.from_numpy, arrays)
    if kind == "80 classes":
        return lambda: batched_nms(corners, scores, classes, THRESHOLD).numpy()
    return lambda: nms(corners, scores, THRESHOLD).numpy()


def opencv(kind: str, arrays: Arrays) -> Callable[[], Any]:
    """By its own module of networks."""
    import cv2

    cv2.setNumThreads(int(os.environ["NMS_THREADS"]))
    corners, scores, classes = arrays
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).astype("float64")
    if kind == "80 classes":
        return lambda: cv2.dnn.NMSBoxesBatched(boxes, scores, classes.astype("int32"), 0.0, THRESHOLD)
    return lambda: cv2.dnn.NMSBoxes(boxes, scores, 0.0, THRESHOLD)


def powerboxes(kind: str, arrays: Arrays) -> Callable[[], Any]:
    """Its tree of rectangles, which is quicker than its plain function for so many boxes; it knows no classes."""
    from powerboxes import rtree_nms

    corners, scores, _ = arrays
    wide, scores = corners.astype("float64"), scores.astype("float64")
    return lambda: rtree_nms(wide, scores, THRESHOLD, 0.0)


LIBRARIES: dict[str, Callable[[str, Arrays], Callable[[], Any]]] = {
    "dlrs": dlrs,
    "torchvision": torchvision,
    "opencv": opencv,
    "powerboxes": powerboxes,
}


def measure(library: str, kind: str, n: int) -> dict[str, Any]:
    """Milliseconds of the best call, the number of boxes kept, and a number that stands for which."""
    call = LIBRARIES[library](kind, arrangement(kind, n))
    best, kept, end = float("inf"), np.zeros(0), time.perf_counter() + SECONDS
    while True:
        start = time.perf_counter()
        kept = call()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    kept = np.sort(np.asarray(kept).ravel().astype("int64"))
    return {"milliseconds": best * 1e3, "kept": len(kept), "which": hash(kept.tobytes())}


def in_process(arguments: argparse.Namespace, library: str, kind: str, n: int, threads: int) -> dict[str, Any]:
    """The measurement of one library in a process of its own."""
    number = str(threads)
    environment = {**os.environ, "DLRS_NUM_THREADS": number, "NMS_THREADS": number, "OMP_NUM_THREADS": number}
    environment["PYTHONHASHSEED"] = "0"
    pythons = {"dlrs": sys.executable, "torchvision": arguments.peers}
    command = [
        pythons.get(library, arguments.others),
        __file__,
        "--library",
        library,
        "--kind",
        kind,
        "--boxes",
        str(n),
    ]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure one library, or each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=list(LIBRARIES))
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--boxes", type=int)
    parser.add_argument("--peers", default=sys.executable, help="the interpreter of torchvision")
    parser.add_argument("--others", default=sys.executable, help="the interpreter of OpenCV and powerboxes")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    if arguments.library:
        print(json.dumps(measure(arguments.library, arguments.kind, arguments.boxes)))
        return
    print(
        "| boxes | arrangement | threads | kept |" + "".join(f" {name} |" for name in LIBRARIES) + " best peer / dlrs |"
    )
    print("| ---: | --- | ---: | ---: |" + " ---: |" * (len(LIBRARIES) + 1))
    for n in COUNTS:
        for kind in KINDS:
            for threads in arguments.threads:
                names = [name for name in LIBRARIES if kind != "80 classes" or name != "powerboxes"]
                row = {name: in_process(arguments, name, kind, n, threads) for name in names}
                ours = row["dlrs"]
                cells = [
                    f" {row[name]['milliseconds']:,.3g}{'' if row[name]['which'] == ours['which'] else ' †'} |"
                    if name in row
                    else " |"
                    for name in LIBRARIES
                ]
                best = min(row[name]["milliseconds"] for name in names if name != "dlrs")
                ratio = best / ours["milliseconds"]
                print(f"| {n:,} | {kind} | {threads} | {ours['kept']:,} |{''.join(cells)} {ratio:,.0f} |", flush=True)
    print("\n† other boxes are kept.")


if __name__ == "__main__":
    main()
