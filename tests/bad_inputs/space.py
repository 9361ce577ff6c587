"""All bad calls, numbered: each parameter of each public callable with each bad value."""

from bad_inputs.good import Good
from bad_inputs.table import table
from bad_inputs.values import VALUES

# Calls that ask for endless work and get it.
ASKED_FOR: dict[tuple[str, str], str] = {
    ("models.Sequential.fit", "epochs"): "as many epochs as are asked for",
    ("text.GloVe", "epochs"): "as many epochs as are asked for",
    ("text.GloVe.fit", "epochs"): "as many epochs as are asked for",
    ("text.Word2Vec", "epochs"): "as many epochs as are asked for",
    ("text.Word2Vec.fit", "epochs"): "as many epochs as are asked for",
    ("ops.fori_loop", "upper"): "as many steps as are asked for",
    ("ops.fori_loop", "lower"): "as many steps as are asked for",
    ("ops.while_loop", "cond"): "a condition that is always true",
    ("ops.while_loop", "body"): "a body that never changes what the condition looks at",
    ("layers.SpectralNormalization", "power_iterations"): "as many iterations as are asked for",
    ("ops.while_loop", "loop_vars"): "as many steps as it takes to count from there",
    ("optimizers.Muon", "ns_steps"): "as many iterations as are asked for",
}


# A configuration holds as many elements as the array that it is asked to hold.
WHOLE = ("serialize", "serialize_keras_object")


def _is_asked_for(name: str, parameter: str, value: str) -> bool:
    return (name, parameter) in ASKED_FOR or (value == "stride 0" and name.rpartition(".")[2] in WHOLE)


class Space:
    """A sequence of (good call, parameter, name of a value)."""

    def __init__(self) -> None:
        self.places: list[tuple[Good, str]] = []
        for good in table():
            self.places += [(good, p) for p in good.parameters()]
        self.values = list(VALUES)
        self.calls = [
            (place, value)
            for place, (good, parameter) in enumerate(self.places)
            for value, name in enumerate(self.values)
            if not _is_asked_for(good.name, parameter, name)
        ]

    def __len__(self) -> int:
        return len(self.calls)

    def __getitem__(self, number: int) -> tuple[Good, str, str]:
        place, value = self.calls[number]
        good, parameter = self.places[place]
        return good, parameter, self.values[value]

    def text(self, number: int) -> str:
        """A call as it is reported."""
        good, parameter, value = self[number]
        return f"{good.name}({parameter}={value})"
