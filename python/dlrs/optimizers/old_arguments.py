"""Arguments of optimizers as Keras 1 and 2 spelled them."""

from collections.abc import Mapping
from typing import Any

from dlrs.backend.old_spellings import OldArgument
from dlrs.optimizers.schedules import InverseTimeDecay


def _decayed(decay: Any, others: Mapping[str, Any]) -> Any:
    """The learning rate `rate / (1 + decay * iterations)` of Keras 1 and 2."""
    return InverseTimeDecay(others["learning_rate"], decay_steps=1, decay_rate=decay) if decay else OldArgument.OMIT


# Class → old argument → the present one; a class has those of its bases, too. `lr` comes before `decay`.
OLD_ARGUMENTS: dict[str, dict[str, OldArgument]] = {
    "Optimizer": {
        "lr": OldArgument("learning_rate"),
        "decay": OldArgument(
            "learning_rate",
            "learning_rate=dlrs.optimizers.schedules.InverseTimeDecay(learning_rate, 1, decay)",
            _decayed,
        ),
    },
}
