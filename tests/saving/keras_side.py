"""What Keras does in `test_keras_files.py`, in a process of its own: `write` files, or `read` those of dlrs."""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
sys.path.insert(0, str(Path(__file__).parent.parent))

import keras
import numpy as np

from saving.architectures import CHOSEN, TRAINED, compiled, outputs_of, step


def write(folder: Path) -> None:
    for name in CHOSEN:
        model, inputs = compiled(keras, name)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
        np.savez(folder / f"{name}.npz", *inputs)
        np.savez(folder / f"{name}.before.npz", *outputs_of(model, inputs))
        if name in TRAINED:
            step(model, inputs)
            np.savez(folder / f"{name}.after.npz", *outputs_of(model, inputs))


def read(folder: Path) -> None:
    for name in CHOSEN:
        inputs = list(np.load(folder / f"{name}.npz").values())
        for suffix in ("keras", "h5"):
            if (name, suffix) == ("additive", "h5"):
                continue  # Keras takes its `score_mode="dot"` for the function of that name
            model = keras.models.load_model(folder / f"{name}.{suffix}")
            np.savez(folder / f"{name}.{suffix}.before.npz", *outputs_of(model, inputs))
            if name in TRAINED and suffix == "keras":  # Keras does not restore optimizers from its older format
                step(model, inputs)
                np.savez(folder / f"{name}.{suffix}.after.npz", *outputs_of(model, inputs))
        model.load_weights(folder / f"{name}.weights.h5")


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
