"""A good call: a function, its arguments, and the object whose state an error must leave as it was."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Call:
    """Made anew for every bad value.

    Attributes:
        function: What is called.
        arguments: By name; a `*args` parameter's is a tuple.
        subject: An object whose state is compared before and after an error; None if there is none.
    """

    function: Callable[..., Any]
    arguments: dict[str, Any]
    signature: inspect.Signature
    subject: Any = None

    def run(self, **replaced: Any) -> Any:
        """Calls the function, some of its arguments replaced."""
        values = {**self.arguments, **replaced}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        positional = True
        for parameter in self.signature.parameters.values():
            given = parameter.name in values
            value = values.pop(parameter.name, None)
            if parameter.kind is parameter.VAR_POSITIONAL:
                if given:
                    args += value
                positional = False
            elif given and positional and parameter.kind is not parameter.KEYWORD_ONLY:
                args.append(value)
            elif given:
                kwargs[parameter.name] = value
            else:
                positional = False
        return self.function(*args, **kwargs, **values)


@dataclass
class Good:
    """How to make a good call, and which of its parameters take bad values.

    Attributes:
        name: Of the callable, from `dlrs.` on.
        make: Gives the call.
        more: Names of keyword arguments hidden in `**kwargs`.
        without: Parameters left alone, each with its reason.
    """

    name: str
    make: Callable[[], Call]
    more: tuple[str, ...] = ()

    def parameters(self) -> list[str]:
        """Names of parameters; `*args` stands for its first element."""
        kinds = inspect.Parameter
        names = [p.name for p in self.make().signature.parameters.values() if p.kind is not kinds.VAR_KEYWORD]
        return names + [name for name in self.more if name not in names]


def call(
    function: Callable[..., Any],
    *args: Any,
    of: Callable[..., Any] | None = None,
    subject: Any = None,
    **kwargs: Any,
) -> Call:
    """A call with these arguments; `of` has the signature if the function hides it."""
    signature = inspect.signature(of or function)
    bound = signature.bind(*args, **kwargs)
    arguments: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        else:
            arguments[name] = value
    return Call(function, arguments, signature, subject)


def replaced(made: Call, parameter: str, value: Any) -> Any:
    """Runs a call with one parameter replaced: of `*args`, the first element."""
    declared = made.signature.parameters.get(parameter)
    if declared is not None and declared.kind is inspect.Parameter.VAR_POSITIONAL:
        return made.run(**{parameter: (value, *made.arguments.get(parameter, ())[1:])})
    return made.run(**{parameter: value})
