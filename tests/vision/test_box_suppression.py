"""Suppression against a scalar twin; classes, images, ties, thresholds, threads, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dlrs
from dlrs import ops
from dlrs._dlrs import num_threads, set_num_threads
from dlrs.vision import boxes

RNG = np.random.default_rng(0)


def overlap(a: Any, b: Any) -> Any:
    """Intersection over union in the type of the boxes."""
    zero = a.dtype.type(0)
    width = max(min(a[2], b[2]) - max(a[0], b[0]), zero)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), zero)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    covered = areas[0] + areas[1] - width * height
    return width * height / covered if covered > 0 else zero


def twin(corners: Any, scores: Any, threshold: float, least: float = -np.inf, classes: Any = None) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        rivals = [k for k in kept if classes is None or classes[k] == classes[i]]
        if scores[i] > least and not any(float(overlap(corners[k], corners[i])) > threshold for k in rivals):
            kept.append(i)
    return kept


def scattered(n: int, dtype: str = "float32", spread: float = 60.0) -> Any:
    corner = RNG.uniform(0, spread, (n, 2))
    return np.concatenate([corner, corner + RNG.uniform(1, 20, (n, 2))], axis=1).astype(dtype)


lattice = st.tuples(*[st.integers(0, 6)] * 2, *[st.integers(0, 4)] * 2)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(lattice, st.integers(0, 3), st.integers(0, 2)), max_size=40),
    st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 0.75, 1.0]),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
)
def test_any_boxes(found: Any, threshold: float, dtype: str, by_class: bool) -> None:
    corners = np.array([[x, y, x + w, y + h] for (x, y, w, h), _, _ in found], dtype).reshape(-1, 4)
    scores = np.array([s for _, s, _ in found], dtype)
    classes = np.array([c for _, _, c in found], "int32") if by_class else None
    kept = boxes.nms(corners, scores, threshold, 0, classes=classes)
    assert kept.dtype == np.int64
    assert kept.tolist() == twin(corners, scores, threshold, 0, classes)
    assert boxes.nms(corners, scores, threshold, 0, 3, classes).tolist() == kept[:3].tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["yxyx", "xywh", "center_xywh", "center_yxhw"])
def test_many_boxes_in_any_format(dtype: str, form: str) -> None:
    corners = np.round(scattered(400, dtype) * 4) / 4
    scores = RNG.integers(0, 50, 400).astype(dtype) / 50
    given = boxes.convert(corners, "xyxy", form)
    expected = twin(corners, scores, 0.3)
    assert boxes.nms(given, ops.convert_to_tensor(scores), 0.3, bounding_box_format=form).tolist() == expected
    assert boxes.nms(corners / 64, scores, 0.3, bounding_box_format="rel_xyxy").tolist() == expected


def test_images_and_threads() -> None:
    corners = np.stack([scattered(3000, spread=s) for s in (20.0, 100.0, 1000.0)])
    scores = RNG.integers(0, 500, (3, 3000)).astype("float32") / 500
    classes = RNG.integers(-2, 9, (3, 3000))
    before = num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 5):
            set_num_threads(threads)
            results.append(
                [
                    boxes.nms(corners, scores, 0.4),
                    boxes.nms(corners, scores, 0.4, 0.1, 50, classes),
                    [x for pair in boxes.soft_nms_linear(corners, scores, classes=classes) for x in pair],
                    [x for pair in boxes.soft_nms_gaussian(corners, scores, top_k=90) for x in pair],
                ]
            )
    finally:
        set_num_threads(before)
    for image in range(3):
        alone = boxes.nms(corners[image], scores[image], 0.4, 0.1, 50, classes[image])
        np.testing.assert_array_equal(alone, results[0][1][image])
    for other in results[1:]:
        for ours, theirs in zip(results[0], other, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a, b)


def test_the_rule_of_the_course() -> None:
    """Drop p_c ≤ 0.6; take the best; drop those that overlap it by 0.5 or more; each class alone."""
    corners = np.array([[0, 0, 4, 4], [0, 0, 4, 2], [0, 0, 4, 4], [9, 9, 12, 12], [0, 1, 4, 5]], "float32")
    p_c = np.array([0.9, 0.8, 0.7, 0.6, 0.65], "float32")
    classes = [0, 0, 1, 0, 1]
    kept = boxes.nms(corners, p_c, 0.5, np.float32(0.6), classes=classes, inclusive=True)
    assert kept.tolist() == [0, 2]
    # The second overlaps the first by exactly a half.
    assert boxes.nms(corners, p_c, 0.5, np.float32(0.6), classes=classes).tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("side", [1.0, 3.0, 0.5, 2.0**-70, 2.0**90])
def test_inclusive_thresholds_are_met_exactly(dtype: str, side: float) -> None:
    """A box that covers k/n of the best one has an overlap of just k/n."""
    for n in (3, 7, 10, 100):
        for k in range(1, n + 1):
            corners = np.array([[0, 0, n, 1], [0, 0, k, 1]], dtype) * np.array(side, dtype)
            threshold = k / n
            assert boxes.nms(corners, [0.9, 0.8], threshold, inclusive=True).tolist() == [0], (k, n)
            more, less = (threshold + step for step in (1e-6, -1e-6))
            if more < 1:
                assert boxes.nms(corners, [0.9, 0.8], more, inclusive=True).tolist() == [0, 1]
            assert boxes.nms(corners, [0.9, 0.8], less).tolist() == [0]
            if dtype == "float64":
                assert boxes.nms(corners, [0.9, 0.8], threshold).tolist() == [0, 1]


@pytest.mark.parametrize("power", [-140, -110, -60, 70, 110])
def test_boxes_so_small_or_large_that_areas_are_no_numbers_of_float32(power: int) -> None:
    corners = np.round(scattered(300) * 4).astype("float32")  # integers, so that scaling is exact
    scores = RNG.integers(1, 50, 300).astype("float32") / 50
    classes = RNG.integers(0, 3, 300)
    scaled = (corners * np.float64(2.0) ** power).astype("float32")
    assert (scaled.astype("float64") == corners * np.float64(2.0) ** power).all()
    for threshold in (0.125, 0.25, 0.5625):
        expected = twin(corners.astype("float64"), scores, threshold, classes=classes)
        assert boxes.nms(scaled, scores, threshold, classes=classes).tolist() == expected
    for name in ("soft_nms_linear", "soft_nms_gaussian"):
        indices, left = getattr(boxes, name)(scaled, scores)
        wanted, shares = getattr(boxes, name)(corners.astype("float64"), scores)
        assert left.dtype == "float32"
        np.testing.assert_allclose(left, shares, atol=1e-6)
        assert sorted(indices) == sorted(wanted)


def test_boxes_of_all_sizes_at_once() -> None:
    corners = np.array(
        [[0, 0, 1e30, 1e-30], [0, 0, 0.8e30, 1e-30], [-3e38, -3e38, 3e38, 3e38], [-3e38, -3e38, 3e38, 2.9e38],
         [1, 1, 1 + 1e-30, 2], [0, 0, 1e-38, 1e-38], [0, 0, 1e-38, 0.9e-38], [5, 5, 6, 6], [5, 5, 6, 5.2]], "float32",
    )  # fmt: skip
    scores = np.arange(9, 0, -1)
    assert boxes.nms(corners, scores, 0.5).tolist() == [0, 2, 4, 5, 7, 8]


def soft_twin(corners: Any, scores: Any, fall: Any, least: float) -> tuple[list[int], list[float]]:
    left = scores.copy()
    indices: list[int] = []
    waiting = set(range(len(scores)))
    while True:
        waiting = {i for i in waiting if left[i] > least}
        if not waiting:
            return indices, [float(left[i]) for i in indices]
        best = min(waiting, key=lambda i: (-left[i], i))
        waiting.remove(best)
        indices.append(best)
        for i in waiting:
            left[i] *= fall(overlap(corners[best], corners[i]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["linear", "gaussian"])
def test_soft_suppression(method: str, dtype: str) -> None:
    corners, scores = scattered(120, dtype), RNG.uniform(0, 1, 120).astype(dtype)
    one = scores.dtype.type(1)
    falls = {
        "linear": lambda o: one - o if o > 0.3 else one,
        "gaussian": lambda o: scores.dtype.type(np.exp(-(float(o) ** 2) / 0.5)),
    }
    indices, left = getattr(boxes, f"soft_nms_{method}")(corners, scores)
    expected = soft_twin(corners, scores, falls[method], 0.001)
    assert left.dtype == dtype
    assert indices.tolist() == expected[0]
    np.testing.assert_allclose(left, expected[1], rtol=1e-6 if dtype == "float32" else 1e-13)
    few, _ = getattr(boxes, f"soft_nms_{method}")(corners, scores, top_k=5)
    assert few.tolist() == expected[0][:5]


def test_none_and_one() -> None:
    assert boxes.nms(np.zeros((0, 4), "float32"), np.zeros(0, "float32")).tolist() == []
    assert boxes.nms([], []).tolist() == []
    assert boxes.nms(np.zeros((0, 5, 4)), np.zeros((0, 5))) == []
    assert boxes.nms([[1, 1, 1, 1]] * 3, [0.1, 0.3, 0.2], classes=[0, 0, 0]).tolist() == [1, 2, 0]
    assert boxes.nms([[0, 0, 1, 1]] * 3, [0.2, 0.3, 0.3], top_k=0).tolist() == []
    indices, left = boxes.soft_nms_gaussian([], [])
    assert indices.tolist() == [] and left.tolist() == []


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("name", ["nms", "soft_nms_linear", "soft_nms_gaussian"])
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[0, 0, NAN, 1]], [0.5]), {}, "box 0 has a side that is not finite"),
        (([[0, 0, 1, 1], [0, -INF, 1, 1]], [0.5, 0.5]), {}, "box 1 has a side that is not finite"),
        (([[0, 0, 1, 1], [2, 0, 1, 1]], [0.5, 0.5]), {}, "box 1 has a side before its opposite"),
        (([[3, 0, -1, 1]], [0.5]), {"bounding_box_format": "xywh"}, "box 0 has a side before its opposite"),
        (([[0, 0, 1, 1]], [NAN]), {}, "box 0 has a score that is not finite"),
        (([[[0, 0, 1, 1]], [[0, 0, 1, 1]]], [[0.5], [INF]]), {}, "box 0 of image 1 has a score"),
        (([[0, 0, 1, 1]], [0.5, 0.5]), {}, "`scores`"),
        (([[0, 0, 1]], [0.5]), {}, "`boxes`"),
        (([0, 0, 1, 1], [0.5]), {}, "`boxes`"),
        (([[0, 0, 1, 1]], [0.5]), {"classes": [0, 1]}, "`classes`"),
        (([[0, 0, 1, 1]], [0.5]), {"top_k": -1}, "`top_k`"),
        (([[0, 0, 1, 1]], [0.5]), {"score_threshold": NAN}, "`score_threshold`"),
        (([[0, 0, 1, 1]], [0.5]), {"bounding_box_format": "circle"}, "bounding_box_format"),
    ],
)
def test_bad_values(name: str, arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(boxes, name)(*arguments, **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nms", {"iou_threshold": 1.5}, "iou_threshold"),
        ("nms", {"iou_threshold": -0.1}, "iou_threshold"),
        ("nms", {"iou_threshold": 0, "inclusive": True}, "iou_threshold"),
        ("soft_nms_linear", {"iou_threshold": NAN}, "iou_threshold"),
        ("soft_nms_linear", {"score_threshold": -1}, "score_threshold"),
        ("soft_nms_gaussian", {"sigma": 0}, "sigma"),
    ],
)
def test_bad_thresholds(name: str, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(boxes, name)([[0, 0, 1, 1]], [0.5], **options)


def test_negative_scores_do_not_fall() -> None:
    with pytest.raises(ValueError, match="negative"):
        boxes.soft_nms_linear([[0, 0, 1, 1]], [-0.5])


@pytest.mark.parametrize("argument", ["boxes", "scores", "classes"])
def test_types(argument: str) -> None:
    arguments = {"boxes": [[0, 0, 1, 1]], "scores": [0.5], "classes": [0]}
    for bad in ("text", [["a"]], [1j], dlrs.Input((4,))):
        with pytest.raises((TypeError, ValueError), match=argument):
            boxes.nms(**{**arguments, argument: bad})
    with pytest.raises(TypeError, match="integers"):
        boxes.nms([[0, 0, 1, 1]], [0.5], classes=[0.5])
