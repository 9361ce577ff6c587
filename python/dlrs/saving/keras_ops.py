"""Functions in the graph of a model, as Keras writes them: a class for each, which holds the constants of its calls.

dlrs has one class, `FunctionOperation`, whose calls hold all arguments: `max(x, axis=1)` is a call of "max" with
`axis`, where Keras has the operation `Max(axis=1)`, called with `x`.
"""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

from dlrs import ops
from dlrs.ops.class_forms import FunctionClass, class_form
from dlrs.ops.operation import FUNCTIONS

_MODULES: dict[str, Any] = {
    "numpy": ops.numpy, "nn": ops.nn, "core": ops.core, "math": ops.math, "linalg": ops.linalg, "image": ops.image,
}  # fmt: skip
_HOME = "keras.src.ops."
# Functions that are known under two names.
_SAME = {"abs": "absolute", "amax": "max", "amin": "min"}
# Classes that do not stand where, or are not called as, the function would have it.
_PLACES = {
    "allclose": "numpy.AllClose", "batch_normalization": "nn.BatchNorm", "cdist": "math.CDist",
    "ctc_decode": "nn.CTCDecode", "ctc_loss": "nn.CTCLoss",
    "erf": "math.Erf", "erfc": "math.Erfc", "erfinv": "math.Erfinv",
    "fft": "math.FFT", "fft2": "math.FFT2",
    "hsv_to_rgb": "image.HSVToRGB", "ifft2": "math.IFFT2", "in_top_k": "math.InTopK", "irfft": "math.IRFFT",
    "isin": "numpy.IsIn", "istft": "math.ISTFT", "layer_normalization": "nn.LayerNorm", "logsumexp": "math.Logsumexp",
    "moments": "nn.Moments", "psnr": "nn.PSNR", "rfft": "math.RFFT", "rgb_to_grayscale": "image.RGBToGrayscale",
    "rgb_to_hsv": "image.RGBToHSV", "rms_normalization": "nn.RMSNorm", "rsqrt": "math.Rsqrt",
    "searchsorted": "numpy.SearchSorted", "ssim": "image.SSIM", "stft": "math.STFT", "svd": "linalg.SVD",
    "top_k": "math.TopK",
}  # fmt: skip
# Functions for which Keras has no class, or one with other arguments.
_APART = (
    "bartlett", "blackman", "conj", "convert_to_tensor", "dot_product_attention", "elastic_transform",
    "extract_patches_3d", "hamming", "hanning", "kaiser", "local_response_normalization", "mish", "segment_max",
    "segment_min", "segment_prod", "segment_sum",
)  # fmt: skip
# Arguments that Keras does not know.
_OWN = {"conv_algo", "zero_infinity"}


def to_functions(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of an operation of Keras in a graph as that of a function; any other as it is."""
    module, calls = entry.get("module"), entry.get("inbound_nodes")
    inner = entry.get("config")
    if not isinstance(module, str) or not module.startswith(_HOME) or not isinstance(inner, dict):
        return entry
    function = _function_of(entry.get("class_name"))
    if function is None or not isinstance(calls, list) or not all(_is_call(call) for call in calls):
        return entry
    form = _form(function)
    constants = {name: value for name, value in inner.items() if name in form._constants.parameters}
    most = 1024 if _takes_any(form) else len(form._tensors.parameters)
    if not set(form._leading) <= set(constants) or any(len(call["args"]) > most for call in calls):
        return entry
    return {
        **entry,
        "module": "dlrs.ops",
        "class_name": "FunctionOperation",
        "registered_name": None,
        "config": {"function": function, "name": inner.get("name")},
        "inbound_nodes": [_whole(form, call, constants) for call in calls],
    }


def to_operations(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of a function in a graph as that of an operation of Keras; any other as it is.

    So is a function that Keras lacks, or whose calls differ in their constants.
    """
    calls, inner = entry.get("inbound_nodes"), entry.get("config")
    if entry.get("class_name") != "FunctionOperation" or not isinstance(calls, list) or not isinstance(inner, dict):
        return entry
    function = str(_SAME.get(inner["function"], inner["function"]))
    place = keras_class(function)
    if place is None or not calls:
        return entry
    home, _, name = place.partition(".")
    form = _form(function)
    try:
        parts = [_apart(form, call) for call in calls]
    except TypeError:  # a call that Keras's operation does not take
        return entry
    if any(constants != parts[0][0] or _OWN & set(constants) for constants, _ in parts):
        return entry
    return {
        **entry,
        "module": f"{_HOME}{home}",
        "class_name": name,
        "registered_name": name,
        "config": {"name": inner["name"], **parts[0][0]},
        "inbound_nodes": [call for _, call in parts],
    }


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("args"), list) and isinstance(call.get("kwargs"), dict)


def keras_class(function: str) -> str | None:
    """Where Keras has the class of a function, and its name there; None if there is none that does the same.

    >>> keras_class("max"), keras_class("top_k"), keras_class("mish")
    ('numpy.Max', 'math.TopK', None)
    """
    if function in _APART:
        return None
    regular = (f"{home}.{_capitals(function)}" for home, module in _MODULES.items() if function in vars(module))
    return _PLACES.get(function) or next(regular, None)


def _capitals(function: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in function.split("_"))


@cache
def _functions() -> dict[str, str]:
    """The functions by the classes of Keras."""
    classes = {name: keras_class(name) for name in FUNCTIONS if name not in _SAME}
    return {place.partition(".")[2]: name for name, place in classes.items() if place is not None}


def _function_of(name: Any) -> str | None:
    return _functions().get(name) if isinstance(name, str) else None


@cache
def _form(function: str) -> type[FunctionClass]:
    """The class of dlrs that has Keras's arguments."""
    module = next(module for module in _MODULES.values() if function in vars(module))
    return class_form(vars(module)[function], _capitals(function), module.__name__)


def _takes_any(form: type[FunctionClass]) -> bool:
    """Whether a call takes any number of tensors."""
    return any(parameter.kind is parameter.VAR_POSITIONAL for parameter in form._tensors.parameters.values())


def _whole(form: type[FunctionClass], call: Mapping[str, Any], constants: dict[str, Any]) -> dict[str, Any]:
    """A call of Keras's operation as one of the function."""
    if _takes_any(form):
        leading = [constants[name] for name in form._leading]
        rest = {name: value for name, value in constants.items() if name not in form._leading}
        return {**call, "args": [*leading, *call["args"]], "kwargs": {**rest, **call["kwargs"]}}
    named = dict(zip(form._tensors.parameters, call["args"], strict=False))
    return {**call, "args": [], "kwargs": {**named, **constants, **call["kwargs"]}}


def _apart(form: type[FunctionClass], call: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The constants of a call of the function, and the call of Keras's operation with what is left."""
    bound = inspect.signature(form._function).bind(*call["args"], **call["kwargs"])
    constants: dict[str, Any] = {}
    args: list[Any] = []
    for name, parameter in inspect.signature(form._function).parameters.items():
        if name not in bound.arguments:
            continue
        value = bound.arguments[name]
        if name in form._constants.parameters:
            constants[name] = value
        elif parameter.kind is parameter.VAR_POSITIONAL:
            args.extend(value)
        else:
            args.append(value)
    return constants, {**call, "args": args, "kwargs": {}}
