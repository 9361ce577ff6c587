"""The boxes of a detector on a photograph, before and after suppression, and the precision that they reach.

No detector is run: what one would find is drawn about the objects of a photograph that matplotlib brings, with scores
that fall with distance, and a few boxes where nothing is. Then the rule of the course: drop the boxes with a score of
0.6 or less, take the best, drop those of its class that overlap it by half or more, and so on.

    python examples/boxes.py [--plot boxes.png]
"""

import argparse
from pathlib import Path

import numpy as np

from dlrs.vision import boxes

NAMES = ["face", "hat", "glasses", "badge", "ribbons"]
OBJECTS = np.array(
    [[152, 128, 377, 336], [147, 22, 372, 168], [176, 166, 360, 234], [77, 483, 170, 518], [321, 487, 454, 528]],
    "float32",
)


def detections(
    seed: int, copies: int = 12, jitter: float = 0.07, doubt: float = 0.03
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, scores and classes as a detector might find them: `copies` of each object, and eight of nothing."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(5), copies)
    sizes = np.tile((OBJECTS[:, 2:] - OBJECTS[:, :2])[classes], 2)
    found = OBJECTS[classes] + rng.normal(0, jitter, sizes.shape) * sizes
    scores = 0.2 + 0.78 * boxes.iou(found, OBJECTS[classes]).numpy() ** 1.5 + rng.normal(0, doubt, len(found))
    corners = rng.uniform(0, 400, (8, 2))
    wrong = np.concatenate([corners, corners + rng.uniform(30, 110, (8, 2))], axis=1)
    found = np.concatenate([found, wrong]).astype("float32")
    scores = np.concatenate([scores, rng.uniform(0.2, 0.65, 8)]).clip(0, 1).astype("float32")
    return found, scores, np.concatenate([classes, rng.integers(0, 5, 8)])


def evaluate(photographs: int) -> boxes.DetectionReport:
    """Precision and recall over many photographs, at an overlap of 0.75."""
    given = [detections(seed, copies=2, jitter=0.08, doubt=0.15) for seed in range(photographs)]
    kept = [boxes.nms(found, scores, 0.5, classes=classes) for found, scores, classes in given]
    chosen = [[array[k] for array in arrays] for arrays, k in zip(given, kept, strict=True)]
    true_boxes, true_classes = [OBJECTS] * photographs, [np.arange(5)] * photographs
    found, scores, classes = zip(*chosen, strict=True)
    return boxes.evaluate_detections(true_boxes, true_classes, found, scores, classes, iou_threshold=0.75)


def main() -> None:
    """Suppress, evaluate, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, default=Path("boxes.png"))
    arguments = parser.parse_args()
    found, scores, classes = detections(3)
    kept = boxes.nms(found, scores, 0.5, score_threshold=0.6, classes=classes, inclusive=True)
    print(f"{len(found)} boxes, {int((scores > 0.6).sum())} with a score above 0.6, {len(kept)} kept")
    for i in kept:
        print(f"  {NAMES[classes[i]]:8} {scores[i]:.2f}  {found[i].round().astype(int).tolist()}")
    report = evaluate(30)
    print(f"mean average precision of 30 such photographs: {report.mean_average_precision:.3f}")
    try:
        from matplotlib import cbook, pyplot
    except ImportError:
        print("No picture: matplotlib is not installed.")
        return
    image = pyplot.imread(cbook.get_sample_data("grace_hopper.jpg"))
    some = scores > 0.6
    pictures = {
        f"{int(some.sum())} boxes with a score above 0.6": boxes.draw(image, found[some], classes[some], scores[some]),
        f"{len(kept)} are kept": boxes.draw(image, found[kept], classes[kept], scores[kept], NAMES),
    }
    figure, axes = pyplot.subplots(1, 2, figsize=(8.4, 5.2), layout="constrained")
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture)
        axis.set_title(title)
        axis.axis("off")
    figure.savefig(arguments.plot, dpi=90)
    curves = arguments.plot.with_name(f"{arguments.plot.stem}_precision.png")
    report.plot(NAMES, curves)
    print(f"Pictures: {arguments.plot} and {curves}")


if __name__ == "__main__":
    main()
