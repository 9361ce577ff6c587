"""`Model.explain`: a readable plan, and a model that is as it was."""

import re

import numpy as np
import pytest

import dlrs
from dlrs import layers


def network() -> dlrs.Sequential:
    model = dlrs.Sequential(
        [
            dlrs.Input((32, 32, 3)),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    model.compile("adam", dlrs.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


X = np.random.default_rng(0).standard_normal((8, 32, 32, 3)).astype(np.float32)
Y = np.arange(8) % 10


def explained(model: dlrs.Model, *args: object, **kwargs: object) -> str:
    lines: list[str] = []
    model.explain(*args, print_fn=lines.append, **kwargs)
    (text,) = lines
    return text


def test_training_step() -> None:
    model = network()
    before = [weight.numpy() for weight in model.weights]
    text = explained(model, X, Y)
    assert text.startswith("Training step of ")
    assert "8 examples" in text
    for part in ("GFLOP", "MB read and written", "conv + moments", "winograd F(4,3)", "conv_backward_input"):
        assert part in text, text
    shares = [float(share) for share in re.findall(r"^ *([\d.]+)%", text, re.MULTILINE)]
    assert sum(shares) == pytest.approx(100, abs=0.1 * len(shares))
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.weights, strict=True))
    assert int(model.optimizer.iterations.numpy()) == 0


def test_flop_of_a_convolution_are_counted() -> None:
    text = explained(network(), X)
    second = next(line for line in text.splitlines() if "winograd" in line)
    megaflop = float(second.split()[2])
    assert megaflop == pytest.approx(2 * 8 * 32 * 32 * 32 * 32 * 9 / 1e6, rel=1e-3)


def test_rows_name_their_layers_and_the_images_of_a_chain() -> None:
    inputs = dlrs.Input((32, 32, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="first")(inputs)
    x = layers.Conv2D(8, 3, use_bias=False, name="second")(layers.MaxPooling2D()(x))
    x = layers.BatchNormalization(name="norm")(x)
    outputs = layers.Dense(10, name="head")(layers.Flatten()(x))
    text = explained(dlrs.Model(inputs, outputs), np.zeros((32, 32, 32, 3), np.float32))
    rows = [line.split()[5:] for line in text.splitlines() if " -> " in line][1:]
    assert [row[:2] for row in rows[:2]] == [["4", "first:"], ["4", "max_pool"]], text
    assert rows[2][:4] == ["4", "second,", "norm:", "conv"], text
    assert "head: matmul" in text
    assert "over so many images" in text


def test_made_up_batches_and_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    model.explain(batch_size=2)
    assert "Prediction of 'sequential" in capsys.readouterr().out
    with pytest.raises(ValueError, match="`y` was given without `x`"):
        model.explain(y=Y)
    with pytest.raises(ValueError, match=r"batch_size.*0"):
        model.explain(batch_size=0)
    with pytest.raises(ValueError, match="Give `x`"):
        dlrs.Sequential([layers.Dense(2)]).explain()
    model.run_eagerly = True
    with pytest.raises(ValueError, match="eagerly"):
        model.explain(X, Y)


def test_every_op_is_one_of_the_library_or_put_in_words() -> None:
    from dlrs import ops
    from dlrs.utils.explain_utils import meaning

    text = explained(network(), X, Y)
    table, words = text.split("\n\n")[1:3]
    shown = {
        op
        for row in re.findall(r"\d  +(?:[\w/, ]+: )?([a-z_0-9 +]+?)(?: \[.*\])? ->", table)
        for op in re.findall(r"[a-z_]\w+", row)
    }
    explained_ops = {line.split(":")[0] for line in words.splitlines()}
    assert "conv_kernel_parts" in shown and "conv_kernel_parts" in explained_ops
    assert {op for op in shown if not hasattr(ops, op)} <= explained_ops
    assert all(meaning(op) for op in explained_ops)
