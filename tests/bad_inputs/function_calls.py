"""Good calls of functions: ops, activations, draws, losses and metrics as functions, tree, utilities."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dlrs import Input, KerasTensor, Sequential, audio, layers, ops
from dlrs.backend import DTypePolicy
from dlrs.text import WordVectors

RNG = np.random.default_rng(0)
X = RNG.uniform(0.1, 0.9, (3, 4)).astype(np.float32)
VECTOR = X[0]
SQUARE = (np.eye(3) * 4 + X[:, :3] @ X[:, :3].T).astype(np.float32)
CUBE = RNG.uniform(0.1, 0.9, (2, 3, 4)).astype(np.float32)
IMAGE = RNG.uniform(0.1, 0.9, (2, 4, 4, 4)).astype(np.float32)
SIGNAL = RNG.uniform(-1, 1, (2, 64)).astype(np.float32)
LABELS = np.array([0, 2, 1])
ONE_HOT = np.eye(4, dtype=np.float32)[LABELS]
STRUCTURE = {"a": 1, "b": (2, 3)}

# Arguments of parameters without a default, by name, where nothing more particular is given below.
BY_NAME: dict[str, Any] = {
    "x": X, "x1": X, "x2": X, "y": X, "a": X, "inputs": X, "data": X, "xs": [X, X], "array": X, "tensor": X,
    "elements": X, "variable": X, "axis": 0, "axes": 0, "dtype": "float32", "dtypes": "float32", "shape": (2, 3),
    "q": 0.5, "N": 3, "n": 3, "fill_value": 1.0, "y_true": X, "y_pred": X, "x_min": 0.2, "x_max": 0.8,
    "threshold": 0.5, "default_value": 0.0,
    "beta": 0.9, "seed": 1, "structure": STRUCTURE, "name": "a_name", "target": X, "output": X, "value": 1e-7,
    "data_format": "channels_last", "identifier": None, "num_classes": 4, "indices": [0, 1], "axis1": 0, "axis2": 1,
    "source": 0, "destination": 1, "block_size": 2, "rate": 0.5, "max_val": 1.0, "k": 2, "repeats": 2, "shift": 1,
    "indices_or_sections": 2, "shapes": (2, 3), "minval": 0, "maxval": 5, "alpha": 1.5, "num_samples": 3, "logits": X,
}  # fmt: skip

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def given(*args: Any, **kwargs: Any) -> Arguments:
    return args, kwargs


def double(x: Any) -> Any:
    return ops.multiply(x, 2.0)


INTEGER_OPS = (
    "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd", "lcm", "left_shift",
    "right_shift",
)  # fmt: skip

# What the inputs of two sequences of three steps contribute: six gates.
STEPS = np.linspace(-1, 1, 36, dtype=np.float32).reshape(2, 3, 6)

OPS: dict[str, Arguments] = {
    **dict.fromkeys(INTEGER_OPS, given(LABELS, LABELS)),
    **dict.fromkeys(("bitwise_invert", "bitwise_not"), given(LABELS)),
    "ldexp": given(X, 2),
    "Function": given(*[KerasTensor((2, 3))] * 2),
    "dot_product_attention": given(IMAGE, IMAGE, IMAGE),
    "gru": given(STEPS, STEPS[:, 0, :2], np.ones((2, 6), np.float32)),
    "lstm": given(STEPS[..., :4], STEPS[:, 0, :1], STEPS[:, 1, :1], np.ones((1, 4), np.float32)),
    "simple_rnn": given(STEPS, STEPS[:, 0], np.ones((6, 6), np.float32)),
    "where": given(X > 0.5, X, X),
    "conv": given(CUBE, np.ones((2, 4, 5), np.float32)),
    "conv_transpose": given(CUBE, np.ones((2, 5, 4), np.float32)),
    "depthwise_conv": given(CUBE, np.ones((2, 4, 2), np.float32)),
    "separable_conv": given(CUBE, np.ones((2, 4, 2), np.float32), np.ones((1, 8, 3), np.float32)),
    "associative_scan": given(ops.add, X),
    "cond": given(True, lambda: 1.0, lambda: 2.0),
    "custom_gradient": given(double),
    "fori_loop": given(0, 3, lambda i, x: x, 1.0),
    "map": given(double, X),
    "scan": given(lambda c, x: (c, x), 0.0, X),
    "scatter": given([[0], [1]], [1.0, 2.0], (4,)),
    "scatter_update": given(X, [[0, 1]], [1.0]),
    "slice": given(X, (0, 1), (2, 2)),
    "slice_update": given(X, (0, 1), np.ones((2, 2), np.float32)),
    "switch": given(0, [double, double], X),
    "vectorized_map": given(double, X),
    "while_loop": given(lambda i: i < 3, lambda i: i + 1, 0),
    "arange": given(5),
    "meshgrid": given(VECTOR, VECTOR),
    "categorical_crossentropy": given(ONE_HOT, X),
    "sparse_categorical_crossentropy": given(LABELS, X),
    "ctc_loss": given([[1, 2]], CUBE[:1], [2], [3]),
    "ctc_decode": given(CUBE[:1], [3], "beam_search", 4, 2),
    "cholesky": given(SQUARE),
    "cholesky_inverse": given(SQUARE),
    "det": given(SQUARE),
    "eig": given(SQUARE),
    "eigh": given(SQUARE),
    "inv": given(SQUARE),
    "jvp": given(double, (X,), (X,)),
    "logdet": given(SQUARE),
    "lstsq": given(SQUARE, VECTOR[:3]),
    "lu_factor": given(SQUARE),
    "slogdet": given(SQUARE),
    "solve": given(SQUARE, VECTOR[:3]),
    "solve_triangular": given(SQUARE, VECTOR[:3]),
    "rearrange": given(X, "a b -> b a"),
    "einsum": given("ij,kj->ik", X, X),
    "multi_hot": given(LABELS, 4),
    "one_hot": given(LABELS, 4),
    "extract_sequences": given(SIGNAL, 16, 8),
    "fft": given((SIGNAL, SIGNAL)),
    "fft2": given((CUBE, CUBE)),
    "ifft2": given((CUBE, CUBE)),
    "irfft": given((SIGNAL, SIGNAL)),
    "stft": given(SIGNAL, 16, 8, 16),
    "istft": given((np.ones((2, 7, 9), np.float32), np.zeros((2, 7, 9), np.float32)), 16, 8, 16),
    "broadcast_to": given(X, (2, 3, 4)),
    "get_item": given(X, 0),
    "pad": given(X, ((1, 1), (0, 2))),
    "reshape": given(X, (4, 3)),
    "squeeze": given(X[:1]),
    "take_along_axis": given(X, np.array([[0], [1], [2]]), 1),
    "batch_normalization": given(X, VECTOR, VECTOR, -1),
    "depth_to_space": given(IMAGE, 2),
    "space_to_depth": given(IMAGE, 2),
    **dict.fromkeys(("adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"), given(IMAGE, 2)),
    "unfold": given(IMAGE, 2),
    "fold": given(np.ones((1, 8, 9), np.float32), (4, 4), 2),
    "cross": given(X[:, :3], X[:, :3]),
    "dot": given(X, VECTOR),
    "matmul": given(X, X.T),
    "vander": given(VECTOR),
    "vdot": given(VECTOR, VECTOR),
    "shape_equal": given((2, 3), (2, 3)),
    "geomspace": given(1.0, 10.0),
    "linspace": given(0.0, 1.0),
    "logspace": given(0.0, 1.0),
    "array_split": given(X, 2),
    "split": given(X, 2, 1),
    "hsplit": given(X, 2),
    "vsplit": given(X, 3),
    "dsplit": given(CUBE, 2),
    "select": given([X > 0.5], [X]),
    "unravel_index": given([3, 5], (3, 4)),
    "segment_max": given(X, LABELS),
    "segment_min": given(X, LABELS),
    "segment_prod": given(X, LABELS),
    "segment_sum": given(X, LABELS),
    "argpartition": given(X, 1),
    "in_top_k": given(LABELS, X, 2),
    "searchsorted": given(np.sort(VECTOR), VECTOR),
    "top_k": given(X, 2),
    "bincount": given(LABELS),
    "correlate": given(VECTOR, VECTOR[:2]),
    "digitize": given(X, np.sort(VECTOR)),
    "kaiser": given(8, 3.0),
    "bartlett": given(8),
    "blackman": given(8),
    "hamming": given(8),
    "hanning": given(8),
    "vectorize": given(double),
    "broadcast_shapes": given((2, 3), (3,)),
    "Node": given(layers.Identity(), (KerasTensor((2, 3)),)),
    "KerasTensor": given((2, 3)),
    "KerasHistory": given(layers.Identity(), 0, 0),
    "FunctionOperation": given("relu"),
    "ForiLoop": given(0, 3, lambda i, x: x),
    "VectorizedMap": given(double),
    "WhileLoop": given(lambda i: i < 3, lambda i: i + 1),
    "histogram": given(VECTOR),
    "trapezoid": given(X),
    "tensordot": given(X, X.T, 1),
}

LABELLED = ("sparse_categorical_crossentropy", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy")

LOSSES: dict[str, Arguments] = {
    **dict.fromkeys(LABELLED, given(LABELS, X)),
    "categorical_crossentropy": given(ONE_HOT, X),
    "categorical_focal_crossentropy": given(ONE_HOT, X),
    "categorical_generalized_cross_entropy": given(LABELS, X, 0.5),
    "circle": given(LABELS, X),
    "ctc": given(np.array([[1, 2]]), CUBE[:1]),
    "reduce_weighted_values": given(X),
    "get": given("mse"),
    "deserialize": given("mse"),
    "serialize": given(double),
}

RANDOM: dict[str, Arguments] = {
    "seed_scope": given(7, 0),
    "beta": given((2, 3), 1.0, 2.0),
    "binomial": given((2, 3), 5.0, 0.5),
    "permutation": given(5),
    "draw_seed": given(None),
    "randint": given((2, 3), 0, 5),
}

ACTIVATIONS: dict[str, Arguments] = {
    "get": given("relu"),
    "deserialize": given("relu"),
    "serialize": given(double),
    "threshold": given(X, 0.5, 0.0),
}

TREE: dict[str, Arguments] = {
    "assert_same_structure": given(STRUCTURE, STRUCTURE),
    "map_shape_structure": given(lambda s: s, {"a": (2, 3)}),
    "map_structure": given(lambda *xs: xs[0], STRUCTURE),
    "map_structure_up_to": given(STRUCTURE, lambda x: x, STRUCTURE),
    "pack_sequence_as": given(STRUCTURE, [1, 2, 3]),
    "traverse": given(lambda x: None, STRUCTURE),
}


def image_file() -> io.BytesIO:
    file = io.BytesIO()
    Image.fromarray((255 * CUBE[0]).astype(np.uint8)).save(file, "png")
    return file


def image_directory() -> str:
    """A directory with an image, a text and a sound of a class, deleted with the process."""
    folder = tempfile.TemporaryDirectory()
    FOLDERS.append(folder)
    inside = Path(folder.name, "class")
    inside.mkdir()
    (inside / "image.png").write_bytes(image_file().getvalue())
    (inside / "text.txt").write_text("a text")
    audio.write_wav(inside / "sound.wav", np.zeros(8), 8000)
    return folder.name


FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def small_model() -> Any:
    return Sequential([Input((3,)), layers.Dense(2)])


UTILS: dict[str, Arguments] = {
    "array_to_img": given(IMAGE[0]),
    "image_dataset_from_directory": given(image_directory()),
    "audio_dataset_from_directory": given(image_directory()),
    "text_dataset_from_directory": given(image_directory()),
    "timeseries_dataset_from_array": given(np.arange(8.0), None, 3),
    "split_dataset": given((np.arange(8.0), np.arange(8)), 0.5, seed=1),
    "img_to_array": given(np.ones((3, 4, 3))),
    "load_img": given(image_file()),
    "save_img": given(io.BytesIO(), IMAGE[0], file_format="png"),
    "ewma": given(VECTOR, 0.9),
    "recurrent_weights_from_torch": given(np.ones((6, 3)), np.ones((6, 2)), np.ones(6), np.ones(6)),
    "pad_sequences": given([[1, 2], [3]], 2),
    "to_categorical": given(LABELS),
    "set_random_seed": given(1),
    "Progbar": given(10),
    "get_file": given("file.txt", Path(__file__).as_uri(), cache_dir=image_directory()),
    "get_source_inputs": given(KerasTensor((2, 3))),
    "model_to_dot": given(small_model()),
    "plot_model": given(small_model(), os.path.join(image_directory(), "model.svg")),
    "plot_history": given({"loss": [1.0, 0.5]}),
    "GradientCheck": given(0.0, 1e-6, "a", (0,), 0.0, 0.0, {}),
}

TOKENS = np.arange(30) % 7


def two_equal_tokens(last: Any, state: Any) -> Any:
    return np.zeros((len(last), 2)), state


def text_model() -> Any:
    return Sequential([Input((2,), dtype="int32"), layers.Embedding(3, 2)])


STRATEGY: dict[str, Arguments] = {
    "BeamErrors": given(0.5, 0.5, np.array([True, False])),
    "beam_errors": given([-1.0, -2.0], [-2.0, -1.0]),
}

TEXT: dict[str, Arguments] = {
    "CharacterVocabulary": given(["a", "b"]),
    "WordVectors": given(X, ("b",)),
    "AnalogyScore": given(()),
    "AnalogySection": given("family", 3, (), 1),
    "SimilarityScore": given(0.5, 0.5, 3, 1),
    "Vocabulary": given(["one", "two"]),
    "contiguous_windows": given(TOKENS, 4, 2),
    "context_windows": given(TOKENS, 2, 1),
    "nearby_words": given(TOKENS, 2),
    "window_language_model": given(7, 2, 3, 4),
    "embedding_vectors": given(text_model(), ["a", "b", "c"]),
    "language_model_dataset": given(TOKENS, 4, 2, seed=0),
    "language_model_windows": given(TOKENS, 4, 2),
    "perplexity": given(LABELS, X),
    "bleu": given(["a cat", "a dog"], [["the cat", "a cat"], ["dogs"]]),
    "sentence_bleu": given("a cat", ["the cat", "a cat"]),
    "wer": given(["a cat"], ["the cat"]),
    "cer": given(["a cat"], ["the cat"]),
    "edit_distance": given("cat", "cart"),
    "Hypothesis": given(np.array([1]), -1.0, -1.0, True),
    "beam_search": given(two_equal_tokens, 1, width=2, max_length=2, eos=0),
    "sentence_score": given(two_equal_tokens, 1, [1, 0], eos=0),
    "edit_distances": given(["cat"], ["cart"]),
    "sample": given(X, 0.7, 3, 0.9, seed=0),
    "tokenize": given("One, two."),
    "tsne": given(np.arange(12.0).reshape(6, 2), perplexity=2, iterations=3, seed=0),
}

PEOPLE = WordVectors.of(["she", "he", "her", "him", "nurse"], [[3, 1, 0], [-3, 1, 1], [2, 0, 1], [-1, 0, 2], [1, 1, 1]])

DEBIAS: dict[str, Arguments] = {
    "BiasReport": given(("nurse",), np.array([0.5]), np.array([0.0]), 0.5, 0.0),
    "DefinitionalClassifier": given(np.ones(3), 0.0),
    "bias_direction": given(PEOPLE, [("she", "he"), ("her", "him")]),
    "bias_report": given(PEOPLE, PEOPLE, np.array([1.0, 0, 0]), ["nurse"]),
    "definitional_classifier": given(PEOPLE, ["she", "he"]),
    "direct_bias": given(PEOPLE, np.array([1.0, 0, 0]), ["nurse"]),
    "equalize": given(PEOPLE, np.array([1.0, 0, 0]), [("she", "he")]),
    "hard_debias": given(PEOPLE, np.array([1.0, 0, 0]), ["her", "him"], [("she", "he")]),
    "indirect_bias": given(PEOPLE, np.array([1.0, 0, 0]), "she", "nurse"),
    "neutralize": given(PEOPLE, np.array([1.0, 0, 0]), ["nurse"]),
    "projections": given(PEOPLE, np.array([1.0, 0, 0]), ["nurse"]),
}

BACKEND: dict[str, Arguments] = {
    "AutocastScope": given("float16"),
    "CompiledFunction": given(double),
    "Registry": given("thing", object, {}),
    "Variable": given(X),
    "auto_name": given("name"),
    "compute_output_spec": given(double, KerasTensor((2, 3))),
    "function": given(double),
    "get_global_attribute": given("bad_inputs"),
    "get_policy": given("float32"),
    "grad": given(lambda x: ops.sum(x)),
    "value_and_grad": given(lambda x: ops.sum(x)),
    "device": given("cpu"),
    "remat": given(double),
    "set_dtype_policy": given("float32"),
    "set_floatx": given("float32"),
    "set_epsilon": given(1e-7),
    "set_global_attribute": given("bad_inputs", 1),
    "set_image_data_format": given("channels_last"),
    "set_keras_mask": given(ops.ones((2, 3)), ops.ones((2,), dtype="bool")),
    "deserialize": given({"class_name": "DTypePolicy", "config": {"name": "float32"}}),
    "get": given("float32"),
    "serialize": given(DTypePolicy("float32")),
    "format_error": ((), {"message": "m", "path": "p", "format": "zip", "field": "f", "rule": "Z1"}),
    "unknown_name": given("loss", "mse_", ["mse", "mae"]),
}

CONFIG: dict[str, Arguments] = {
    "set_backend": given("dlrs"),
    "set_conv_algo": given("auto"),
    "set_max_epochs": given(3),
    "set_max_steps_per_epoch": given(3),
    "standardize_conv_algo": given("auto"),
}

BOXES = {"boxes": [[[1, 1, 3, 3]]] * 2, "labels": [[0]] * 2}

VISUALIZATION: dict[str, Arguments] = {
    "draw_bounding_boxes": given(IMAGE, BOXES, "xyxy"),
    "draw_segmentation_masks": given(IMAGE, np.ones((2, 4, 4), int)),
    "plot_bounding_box_gallery": given(IMAGE, "xyxy", BOXES, show=False),
    "plot_image_gallery": given(IMAGE, show=False),
    "plot_segmentation_mask_gallery": given(IMAGE, 2, y_true=np.ones((2, 4, 4), int), show=False),
}

CORNERS = np.array([[0.0, 1.0, 3.0, 4.0], [2.0, 2.0, 5.0, 6.0]], np.float32)

BOUNDING_BOXES: dict[str, Arguments] = {
    "affine_transform": given(CORNERS, 30.0, 0.1, 0.1, 1.1, 5.0, 5.0, 8, 8),
    "clip_to_image_size": given({"boxes": CORNERS, "labels": [0, 1]}, 3, 3),
    "compute_ciou": given(CORNERS, CORNERS, "xyxy"),
    "compute_iou": given(CORNERS, CORNERS, "xyxy"),
    "convert_format": given(CORNERS, "xyxy", "xywh"),
    "crop": given(CORNERS, 1, 1, 3, 3),
    "decode_deltas_to_boxes": given(CORNERS, CORNERS, "xyxy", "xyxy"),
    "encode_box_to_deltas": given(CORNERS, CORNERS, "xyxy", "xyxy"),
    "pad": given(CORNERS, 1, 1),
}

OVERLAPS = ("iou", "giou", "diou", "ciou")

VISION_BOXES: dict[str, Arguments] = {
    **dict.fromkeys((*OVERLAPS, *(f"pairwise_{name}" for name in OVERLAPS)), given(CORNERS, CORNERS)),
    **dict.fromkeys((f"{name}_loss" for name in OVERLAPS), given(CORNERS, CORNERS)),
    **dict.fromkeys(("nms", "soft_nms_gaussian", "soft_nms_linear"), given(CORNERS, [0.5, 0.75])),
    "convert": given(CORNERS, "xyxy", "xywh"),
    **dict.fromkeys(("average_precision_11_point", "average_precision_all_point"), given([0.5, 1.0], [1.0, 0.75])),
    "draw": given(IMAGE[0], CORNERS),
    "evaluate_detections": given([CORNERS], [[0, 1]], [CORNERS], [[0.5, 0.75]], [[0, 1]]),
    "match": given(CORNERS, CORNERS),
    "match_shapes": given([[2.0, 3.0]], [[1.0, 4.0], [2.0, 2.0]]),
    "Matches": given(np.zeros(2, int), np.zeros(2)),
    "PrecisionRecall": given(np.ones(2), np.array([0.5, 1.0]), np.array([0.75, 0.5]), 2),
    "DetectionReport": given({}, {}, 0.5, 0.5),
}

MODULES: dict[str, dict[str, Arguments]] = {
    "vision.boxes": VISION_BOXES,
    "utils.bounding_boxes": BOUNDING_BOXES,
    "visualization": VISUALIZATION,
    "config": CONFIG,
    "ops": OPS,
    "ops.numpy": OPS,
    "random": RANDOM,
    "activations": ACTIVATIONS,
    "losses": LOSSES,
    "metrics": LOSSES,
    "strategy": STRATEGY,
    "text": TEXT,
    "text.debias": DEBIAS,
    "tree": TREE,
    "utils": UTILS,
    "backend": BACKEND,
    "dtype_policies": BACKEND,
    "errors": BACKEND,
}
