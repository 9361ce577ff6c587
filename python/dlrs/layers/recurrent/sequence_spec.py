"""What recurrent layers ask of their inputs."""

from dlrs.layers.input_spec import InputSpec


class SequenceSpec(InputSpec):
    """A batch of sequences of vectors: rank 3, and as many features as the layer was built for.

    Args:
        features: their number, once it is known.

    >>> SequenceSpec().problem_with((2, 5))
    'its rank must be 3, for sequences have the shape (batch, time, features)'
    >>> SequenceSpec(4).problem_with((2, 5, 3))
    'axis -1 must have size 4, for sequences have the shape (batch, time, features)'
    """

    def __init__(self, features: int | None = None) -> None:
        super().__init__(ndim=3, axes={-1: features})

    def problem_with(self, shape: tuple[int | None, ...]) -> str | None:
        problem = super().problem_with(shape)
        return problem and f"{problem}, for sequences have the shape (batch, time, features)"


class StepsSpec(InputSpec):
    """A batch of sequences of what a cell takes: rank 3 or more.

    >>> StepsSpec().problem_with((2, 5))
    'its rank must be at least 3, for sequences have the shape (batch, time, features)'
    """

    def __init__(self) -> None:
        super().__init__(min_ndim=3)

    def problem_with(self, shape: tuple[int | None, ...]) -> str | None:
        problem = super().problem_with(shape)
        return problem and f"{problem}, for sequences have the shape (batch, time, features)"
