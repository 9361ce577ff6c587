"""Models of `unusual.py` written and read by either library: `python unusual_side.py write folder` does it in Keras."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from saving.unusual import UNUSUAL, classes_of, compiled, losses_of, outputs_of

# Keras compiles for minutes on all of them: `DLRS_KERAS_FILES=all` asks for it, else these stand for the others.
CHOSEN = (
    list(UNUSUAL)
    if os.environ.get("DLRS_KERAS_FILES") == "all"
    else ["own_model", "operations", "outputs_of_inner_models"]
)
# What Keras does not read though it wrote it itself, and what the older format does not hold.
NOT_READ_BY_KERAS = {("shared_across_models", "keras"), ("own_model", "h5"), ("operations", "h5")}
NOT_IN_H5 = {
    "own_model": "a class of one's own says nothing about its inputs there",
    "operations": "its functions have no modules there",
    "shared_across_models": "its shared layers are several there, which the optimizer's state does not fit",
}


NOT_IN_TEXTS = ("own_model", "shared_across_models")  # which have no inputs there, or shared layers several times


def write(k: Any, folder: Path) -> None:
    """Files of all models, and for `read` what they predict and lose."""
    for name in CHOSEN:
        model, inputs = compiled(k, name)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}.weights.h5")
        model.save_weights(folder / f"{name}_shards.weights.json", max_shard_size=8e-7)
        (folder / f"{name}.json").write_text(model.to_json())
        _store(folder / f"{name}.inputs.npz", inputs)
        np.savez(folder / f"{name}.outputs.npz", *outputs_of(model, inputs))
        np.savez(folder / f"{name}.losses.npz", losses_of(model, inputs, 2))


def read(k: Any, folder: Path) -> dict[str, list[float]]:
    """By file, how far predictions are from those written; of `.keras` files also losses of two further epochs."""
    classes_of(k)
    found = {}
    for name in CHOSEN:
        inputs = _stored(folder / f"{name}.inputs.npz")
        outputs = list(np.load(folder / f"{name}.outputs.npz").values())
        for suffix in ("keras", "h5"):
            if not _is_readable(k, name, suffix):
                continue
            model = k.models.load_model(folder / f"{name}.{suffix}")
            found[f"{name}.{suffix}"] = [_distance(outputs_of(model, inputs), outputs)]
            if suffix == "keras":
                (losses,) = np.load(folder / f"{name}.losses.npz").values()
                ratios = np.asarray(losses_of(model, inputs, 2)) / losses
                found[f"{name}.{suffix}"].append(_distance([ratios], [1.0]))
        for weights in (f"{name}.weights.h5", f"{name}_shards.weights.json"):
            model, _ = UNUSUAL[name](k)
            model.load_weights(folder / weights)
            found[weights] = [_distance(outputs_of(model, inputs), outputs)]
        if k.__name__ == "dlrs" and name not in NOT_IN_TEXTS:
            model = k.models.model_from_json((folder / f"{name}.json").read_text())
            model.load_weights(folder / f"{name}.weights.h5")
            found[f"{name}.json"] = [_distance(outputs_of(model, inputs), outputs)]
    return found


def _is_readable(k: Any, name: str, suffix: str) -> bool:
    if k.__name__ == "keras":
        return (name, suffix) not in NOT_READ_BY_KERAS
    return suffix != "h5" or name not in NOT_IN_H5


def _distance(some: Any, others: Any) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(some, others, strict=True))


def _store(path: Path, inputs: Any) -> None:
    by_name = inputs if isinstance(inputs, dict) else {}
    np.savez(path, *(inputs if isinstance(inputs, list) else [] if by_name else [inputs]), **by_name)


def _stored(path: Path) -> Any:
    found = dict(np.load(path))
    if all(name.startswith("arr_") for name in found):
        return list(found.values()) if len(found) > 1 else found["arr_0"]
    return found


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    done = {"write": write, "read": read}[sys.argv[1]](keras, Path(sys.argv[2]))
    (Path(sys.argv[2]) / "done.json").write_text(json.dumps(done))
