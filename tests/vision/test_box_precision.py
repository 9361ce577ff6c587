"""Matching of anchors, average precision against worked examples and a scalar twin, and what is drawn."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlrs import ops
from dlrs.vision import boxes

RNG = np.random.default_rng(0)


def overlap(a: Any, b: Any) -> float:
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    covered = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)) - width * height
    return float(width * height / covered) if covered > 0 else 0.0


lattice = st.tuples(*[st.integers(0, 5)] * 2, *[st.integers(0, 4)] * 2).map(
    lambda b: (*b[:2], b[0] + b[2], b[1] + b[3])
)


def match_twin(anchors: Any, truth: Any, positive: float | None, negative: float, force: bool) -> list[int]:
    table = {(b, a): overlap(anchors[a], truth[b]) for a in range(len(anchors)) for b in range(len(truth))}
    result = []
    for a in range(len(anchors)):
        best = max(((table[b, a], -b) for b in range(len(truth))), default=(0.0, 0))
        if positive is not None and best[0] >= positive and best[0] > 0:
            result.append(-best[1])
        else:
            result.append(-1 if best[0] < negative else -2)
    pairs = dict(table)
    while force and any(pairs.values()):
        box, anchor = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))
        result[anchor] = box
        pairs = {(b, a): o for (b, a), o in pairs.items() if b != box and a != anchor}
    return result


@settings(max_examples=200, deadline=None)
@given(
    st.lists(lattice, max_size=12),
    st.lists(lattice, max_size=6),
    st.sampled_from([(0.5, None), (0.7, 0.3), (None, 0.5), (0.0, 0.0), (1.0, 0.2)]),
    st.booleans(),
)
def test_match(anchors: Any, truth: Any, thresholds: Any, force: bool) -> None:
    positive, negative = thresholds
    found = boxes.match(np.array(anchors, float).reshape(-1, 4), truth, positive, negative, force)
    low = positive if negative is None else negative
    assert found.indices.dtype == np.int64
    assert found.indices.tolist() == match_twin(anchors, truth, positive, low, force)
    for a, (index, value) in enumerate(zip(*found, strict=True)):
        wanted = overlap(anchors[a], truth[index]) if index >= 0 else max([overlap(anchors[a], t) for t in truth] + [0])
        assert value == pytest.approx(wanted, abs=1e-6)


def test_every_box_gets_an_anchor() -> None:
    # Both boxes overlap the first anchor most; the one that overlaps it more has it.
    anchors = [[0, 0, 10, 10], [0, 0, 10, 5], [50, 50, 60, 60]]
    assert boxes.match(anchors, [[0, 0, 10, 8], [0, 0, 10, 9]], positive=0.99).indices.tolist() == [1, 0, -1]
    many = np.concatenate([RNG.uniform(0, 100, (8732, 2)), RNG.uniform(100, 200, (8732, 2))], axis=1)
    found = boxes.match(many, many[::291][:30], positive=None, negative=0.5)
    assert sorted(i for i in found.indices if i >= 0) == list(range(30))


def test_several_images_are_matched_as_each_alone() -> None:
    anchors = np.concatenate([(low := RNG.uniform(0, 9, (40, 2))), low + RNG.uniform(1, 5, (40, 2))], axis=1)
    images = [anchors[:3] + 0.5, anchors[:0], anchors[7:9] - 0.2, anchors[20:26]]
    alone = [boxes.match(anchors, image) for image in images]
    for truth in (
        images,
        tuple(images),
        [image.tolist() for image in images],
        [ops.convert_to_tensor(x) for x in images],
    ):
        for one, several in zip(alone, boxes.match(anchors, truth), strict=True):
            np.testing.assert_array_equal(one.indices, several.indices)
            np.testing.assert_allclose(one.overlaps, several.overlaps, atol=1e-6)
    stacked = np.stack([anchors[:3], anchors[3:6]])
    for truth in (stacked, ops.convert_to_tensor(stacked), stacked.tolist()):
        found = boxes.match(anchors, truth)
        assert (
            len(found) == 2
            and [list(one.indices[k : k + 3]) for k, one in zip((0, 3), found, strict=True)] == [[0, 1, 2]] * 2
        )
    assert [one.indices.tolist() for one in boxes.match(anchors[:2], [[], []])] == [[-1, -1]] * 2
    assert boxes.match(anchors[:2], []).indices.tolist() == [-1, -1]
    assert boxes.match(anchors, np.zeros((0, 3, 4))) == []


def test_match_shapes() -> None:
    sizes, anchors = RNG.uniform(0, 9, (50, 2)), RNG.uniform(1, 9, (5, 2))
    shared = np.minimum(sizes[:, None], anchors).prod(-1)
    ratios = shared / (sizes.prod(-1)[:, None] + anchors.prod(-1) - shared)
    assert boxes.match_shapes(sizes, anchors).tolist() == ratios.argmax(1).tolist()
    assert boxes.match_shapes([], anchors).tolist() == []


# 24 detections by falling confidence and 15 objects: the example of Padilla et al. 2020, "A survey on performance
# metrics for object-detection algorithms", whose average precisions are 24.6 % and 26.84 %.
ALL_POINT, ELEVEN_POINT = (1 + 2 / 3 + 4 * 3 / 7 + 7 / 22) / 15, (1 + 2 / 3 + 3 * 3 / 7) / 11
RIGHT = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])


def test_the_survey() -> None:
    found = RIGHT.cumsum()
    recall, precision = found / 15, found / np.arange(1, 25)
    assert boxes.average_precision_all_point(recall, precision) == pytest.approx(ALL_POINT)
    assert boxes.average_precision_11_point(recall, precision) == pytest.approx(ELEVEN_POINT)
    # As boxes: each right detection is an object of its own.
    places = np.arange(24)[:, None] * 10.0
    corners = np.concatenate([places, np.zeros((24, 1)), places + 5, np.full((24, 1), 5.0)], axis=1)
    truth = np.concatenate([corners[RIGHT == 1], np.arange(8)[:, None] * [0, 0, 0, 0] + [1000, 0, 1005, 5]])
    scores = np.linspace(0.9, 0.1, 24)
    zeros = [np.zeros(15, int)], [np.zeros(24, int)]
    report = boxes.evaluate_detections([truth], zeros[0], [corners], [scores], zeros[1])
    assert report.mean_average_precision == pytest.approx(ALL_POINT)
    np.testing.assert_array_equal(report.curves[0].precision, precision)
    older = boxes.average_precision_11_point
    report = boxes.evaluate_detections([truth], zeros[0], [corners], [scores], zeros[1], average=older)
    assert report.mean_average_precision == pytest.approx(ELEVEN_POINT)


def voc_twin(images: Any, label: int, threshold: float) -> tuple[list[float], list[float]]:
    """Precision and recall as the challenge's program computes them."""
    objects, found = 0, []
    for number, (_, classes, difficult, _, scores, labels) in enumerate(images):
        objects += sum(c == label and not d for c, d in zip(classes, difficult, strict=True))
        found += [(-s, number, i) for i, (s, c) in enumerate(zip(scores, labels, strict=True)) if c == label]
    taken, right, wrong = set(), 0, 0
    precision, recall = [], []
    for _, number, i in sorted(found):
        truth, classes, difficult, detections, _, _ = images[number]
        candidates = [(overlap(truth[j], detections[i]), -j) for j in range(len(truth)) if classes[j] == label]
        best, j = max(candidates, default=(0.0, 0))
        if best >= threshold and difficult[-j]:
            continue
        if best >= threshold and (number, j) not in taken:
            taken.add((number, j))
            right += 1
        else:
            wrong += 1
        precision.append(right / (right + wrong))
        recall.append(right / objects if objects else float("nan"))
    return precision, recall


picture = st.tuples(
    st.lists(st.tuples(lattice, st.integers(0, 1), st.booleans()), max_size=5),
    st.lists(st.tuples(lattice, st.integers(0, 1), st.integers(0, 4)), max_size=6),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(picture, max_size=4), st.sampled_from([0.3, 0.5, 1.0]))
def test_evaluation(pictures: Any, threshold: float) -> None:
    images = [
        (
            [t[0] for t in truth],
            [t[1] for t in truth],
            [t[2] for t in truth],
            *([f[i] for f in found] for i in (0, 2, 1)),
        )
        for truth, found in pictures
    ]
    truth, classes, difficult, detections, scores, labels = ([image[i] for image in images] for i in range(6))
    report = boxes.evaluate_detections(truth, classes, detections, scores, labels, threshold, difficult)
    averages = []
    for label, curve in report.curves.items():
        precision, recall = voc_twin(images, label, threshold)
        np.testing.assert_allclose(curve.precision, precision)
        np.testing.assert_allclose(curve.recall, recall)
        if curve.objects:
            averages.append(report.average_precisions[label])
    assert set(report.curves) == {c for image in images for c in (*image[1], *image[5])}
    wanted = np.mean(averages) if averages else float("nan")
    np.testing.assert_allclose(report.mean_average_precision, wanted)


def test_thresholds_are_met_exactly_by_singles() -> None:
    """7/10 in float32 is less than 0.7, also beside an image without an object of the class."""
    for n in (3, 7, 10):
        for k in range(1, n + 1):
            whole, part = (np.array([[0, 0, x, 1]], "float32") for x in (n, k))
            for threshold in (k / n, np.float64(k / n)):
                matches = boxes.match(part, whole, threshold, force=False)
                assert matches.indices.tolist() == [0] and matches.overlaps.dtype == "float32"
                report = boxes.evaluate_detections(
                    [whole, []], [[0], []], [part, part], [[0.9], [0.8]], [[0], [0]], threshold
                )
                assert report.curves[0].precision.tolist() == [1.0, 0.5]


@pytest.mark.parametrize("difficult", [[[0, 1], [1, 0]], [[False, False], [False, False]], [[1, 1], [1, 1]]])
def test_difficult_objects_as_an_array_for_several_images(difficult: Any) -> None:
    truth = [[[0, 0, 4, 4], [6, 6, 9, 9]], [[0, 0, 4, 4], [6, 6, 9, 9]]]
    found = [[[0, 0, 4, 4], [6, 6, 9, 9]], [[0, 0, 4, 4]]]
    arguments = (truth, [[0, 1], [0, 1]], found, [[0.9, 0.8], [0.7]], [[0, 1], [0]])
    listed = boxes.evaluate_detections(*arguments, difficult=difficult)
    for flags in (np.array(difficult), np.array(difficult, bool), list(np.array(difficult))):
        report = boxes.evaluate_detections(*map(np.array, arguments[:2]), *arguments[2:], difficult=flags)
        np.testing.assert_equal(report.average_precisions, listed.average_precisions)
        np.testing.assert_equal(report.mean_average_precision, listed.mean_average_precision)
    one = boxes.evaluate_detections(
        truth[:1], [[0, 1]], found[:1], [[0.9, 0.8]], [[0, 1]], difficult=np.array([[1, 0]])
    )
    assert one.curves[0].objects == 0 and one.curves[1].objects == 1
    with pytest.raises(ValueError, match="`difficult` has 1 entries for 2 images"):
        boxes.evaluate_detections(*arguments, difficult=np.zeros((1, 2)))


def test_pictures(tmp_path: Any) -> None:
    image = np.zeros((80, 200, 3), "uint8")
    drawn = boxes.draw(image, [[5, 40, 85, 70], [100, 40, 180, 70]], [0, 1], [0.9, 0.8], ["cat", "dog"])
    assert drawn.shape == image.shape and drawn.dtype == np.uint8 and not image.any()
    assert tuple(drawn[60, 5]) == (0, 114, 178) and tuple(drawn[60, 100]) == (230, 159, 0)
    assert drawn[25:38, 5:50].any()
    relative = boxes.draw(image, [[5 / 200, 0.5, 85 / 200, 70 / 80]], bounding_box_format="rel_xyxy")
    np.testing.assert_array_equal(relative, boxes.draw(image, [[5, 40, 85, 70]]))
    np.testing.assert_array_equal(boxes.draw(image, []), image)
    truth = [[[0, 0, 4, 4], [6, 6, 9, 9]]]
    report = boxes.evaluate_detections(truth, [[0, 1]], [[[0, 0, 4, 4]]], [[0.5]], [[0]])
    assert report.mean_average_precision == 0.5
    figure = report.plot(["cat", "dog"], tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["cat (AP 1.000)", "dog (AP 0.000)"]
    boxes.evaluate_detections([], [], [], [], []).plot()


NAN = float("nan")
ONE = [[0, 0, 1, 1]]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("match", ([[0, 0, NAN, 1]], ONE), "box 0 of `anchors` has a side that is not finite"),
        ("match", (ONE, [[2, 0, 1, 1]]), "box 0 of `boxes` has a side before its opposite"),
        ("match", (ONE, [[ONE]]), r"`boxes\[0\]` must have the shape"),
        ("match", (ONE, np.zeros((1, 1, 1, 4))), "`boxes` must have the shape"),
        ("match", (ONE, [ONE, [[2, 0, 1, 1]]]), r"box 0 of `boxes\[1\]` has a side before its opposite"),
        ("match", (ONE, [ONE, [0, 0, 1, 1]]), "`boxes`"),
        ("match", ([ONE], ONE), "`anchors`"),
        ("match", (ONE, ONE, 1.5), "`positive`"),
        ("match", (ONE, ONE, 0.5, 0.6), "`negative`"),
        ("match", (ONE, ONE, None), "`negative`"),
        ("match_shapes", ([[1, 2, 3]], [[1, 2]]), "`sizes`"),
        ("match_shapes", ([[1, -2]], [[1, 2]]), "`sizes`"),
        ("match_shapes", ([[1, 2]], []), "at least one anchor"),
        ("average_precision_all_point", ([0.5], [0.5, 1]), "`recall`"),
        ("average_precision_11_point", ([0.5, 0.4], [0.5, 1]), "must not fall"),
        ("average_precision_11_point", ([0.5, NAN], [0.5, 1]), r"\[0, 1\]"),
        ("evaluate_detections", ([ONE], [[0]], [ONE], [[0.5]], [[0], [1]]), "`classes` has 2 entries for 1 images"),
        ("evaluate_detections", ([ONE], [[0]], [ONE], [[NAN]], [[0]]), "`scores` must be finite"),
        ("evaluate_detections", ([ONE], [[0]], [ONE], [[0.5, 0.6]], [[0]]), "`scores`"),
        ("evaluate_detections", ([ONE], [[0, 1]], [ONE], [[0.5]], [[0]]), "`true_classes`"),
        ("evaluate_detections", ([ONE], [[0]], [ONE], [[0.5]], [[0]], 0), "`iou_threshold`"),
        ("evaluate_detections", ([ONE], [[0]], [ONE], [[0.5]], [[0]], 0.5, [[0, 1]]), "`difficult`"),
        ("draw", (np.zeros((4, 4)), ONE), "`image`"),
        ("draw", (np.zeros((4, 4, 3)), [[0, 1]]), "`boxes`"),
        ("draw", (np.zeros((4, 4, 3)), ONE, [-1]), "`classes`"),
        ("draw", (np.zeros((4, 4, 3)), ONE, [0], [0.5, 0.5]), "`scores`"),
    ],
)
def test_bad_arguments(name: str, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(boxes, name)(*arguments)
