"""Classes of the functions of `dlrs.ops`, as `keras.ops` has them: `Sum(axis=1)(x)` is `sum(x, axis=1)`.

They are made when a module is first asked for them. The arguments that hold tensors are those of the call, the others
those of the constructor.
"""

import inspect
import types
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin

from dlrs.backend import KerasTensor, compute_output_spec
from dlrs.ops.operation import OUTPUT_SPECS, Operation

F = TypeVar("F", bound=Callable[..., Any])

# Classes whose names in Keras are not those of their functions.
_IRREGULAR = {
    "batchnorm": "batch_normalization",
    "rmsnorm": "rms_normalization",
    "layernorm": "layer_normalization",
}

# Arguments that may hold tensors but which Keras gives to the constructor, and the reverse.
_CONSTANTS = {
    "bincount": ("weights",),
    "clip": ("x_min", "x_max"),
    "gaussian_blur": ("sigma",),
    "trapezoid": ("x",),
}
_TENSORS = {
    "get_item": ("key",),
    "isclose": ("rtol", "atol"),
    "scale_and_translate": ("output_shape",),
}


class FunctionClass(Operation):
    """A function of `dlrs.ops` with its constants already given.

    The arguments and the call's arguments are those of the function: see `class_form`.
    """

    _function: ClassVar[Callable[..., Any]]
    _constants: ClassVar[inspect.Signature]
    _leading: ClassVar[tuple[str, ...]]  # constants that stand before a variable number of tensors

    def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name)
        bound = self._constants.bind(*args, **kwargs)
        bound.apply_defaults()
        self._given = dict(bound.arguments)
        for parameter in self._constants.parameters.values():
            _check_choice(parameter, self._given[parameter.name])
        vars(self).update(self._given)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the function."""
        leading = [self._given[name] for name in self._leading]
        rest = {name: value for name, value in self._given.items() if name not in self._leading}
        # Keras's order of arguments may interleave tensors and constants: tensors are passed by name where they can be.
        names = [p.name for p in self._tensors.parameters.values() if p.kind is not p.VAR_POSITIONAL]
        if len(names) < len(self._tensors.parameters):
            return self._function(*leading, *args, **rest, **kwargs)
        if len(args) > len(names):
            raise TypeError(f"{type(self).__name__} takes {len(names)} tensors, got {len(args)}.")
        return self._function(**dict(zip(names, args, strict=False)), **rest, **kwargs)

    _tensors: ClassVar[inspect.Signature]

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The placeholders of the results."""
        spec = OUTPUT_SPECS.get(self._function.__name__)
        if spec is not None:
            bound = self._tensors.bind(*args, **kwargs)
            return spec(**bound.arguments, **self._given)
        return compute_output_spec(self.call, *args, **kwargs)


def _check_choice(parameter: inspect.Parameter, value: Any) -> None:
    """Refuse a value that is not among those that the annotation lists."""
    if get_origin(parameter.annotation) is Literal and value not in get_args(parameter.annotation):
        allowed = ", ".join(map(repr, get_args(parameter.annotation)))
        raise ValueError(
            f"`{parameter.name}` argument value not supported. Expected one of {{{allowed}}}."
            f" Received: {parameter.name}={value}"
        )


def class_form(function: Callable[..., Any], name: str, module: str) -> type[FunctionClass]:
    """The class of a function of `dlrs.ops`."""
    parameters = list(inspect.signature(function).parameters.values())
    tensors = [p for p in parameters if _is_tensor(function.__name__, p)]
    constants = [p for p in parameters if p not in tensors]
    several = any(p.kind is p.VAR_POSITIONAL for p in tensors)
    before = parameters.index(tensors[0]) if several else 0
    own_name = inspect.Parameter("name", inspect.Parameter.KEYWORD_ONLY, default=None)
    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    # A constant without default may follow one with a default once the tensors are left out.
    flexible = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in constants if p.kind is not p.VAR_KEYWORD]
    flexible.sort(key=lambda p: p.default is not p.empty)
    constructor = _copy(FunctionClass.__init__, [me, *flexible, own_name])
    call = _copy(FunctionClass.call, [me, *tensors])
    summary = (function.__doc__ or "").split("\n")[0]
    namespace = {
        "__doc__": f"`{function.__name__}` as an operation: {summary}",
        "__module__": module,
        "__init__": constructor,
        "call": call,
        "_function": staticmethod(function),
        "_constants": inspect.Signature(flexible),
        "_tensors": inspect.Signature(tensors),
        "_leading": tuple(p.name for p in parameters[:before]),
    }
    return type(name, (FunctionClass,), namespace)


def _copy(function: Any, parameters: list[inspect.Parameter]) -> Any:
    """`function` again, with a signature of its own."""
    copy = types.FunctionType(function.__code__, function.__globals__, function.__name__, None, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__doc__ = function.__doc__
    copy.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return copy


def _is_tensor(function: str, parameter: inspect.Parameter) -> bool:
    if parameter.name in _CONSTANTS.get(function, ()):
        return False
    return parameter.name in _TENSORS.get(function, ()) or _mentions_tensors(parameter.annotation)


def _mentions_tensors(annotation: Any) -> bool:
    return annotation is KerasTensor or any(_mentions_tensors(part) for part in get_args(annotation))


def class_forms(module: str, functions: dict[str, Any], names: Iterable[str] | None = None) -> Callable[[str], Any]:
    """A `__getattr__` for `module` that makes the class of one of its functions when it is asked for.

    Args:
        module: Name of the module.
        functions: Its namespace.
        names: The functions that have classes; all that stand in the namespace if None.
    """

    def attribute(name: str) -> Any:
        if name[:1].isupper():
            wanted = name.lower()
            wanted = _IRREGULAR.get(wanted, wanted).replace("_", "")
            for key in functions if names is None else names:
                function = functions.get(key)
                if key.islower() and key.replace("_", "") == wanted and isinstance(function, types.FunctionType):
                    made = class_form(function, name, module)
                    functions[name] = made
                    return made
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return attribute
