"""`fit`, `evaluate`, `predict` and their single-batch forms."""

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers, losses, ops
from dlrs.trainers.compile_utils import CompileLoss


def test_training_lowers_the_loss_and_fills_the_history(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()
    history = model.fit(x, y, batch_size=16, epochs=40, verbose=0, validation_data=(x[:20], y[:20]))
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.epoch == list(range(40))
    assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]
    assert all(isinstance(v, float) for v in history.history["loss"])
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.8
    assert model.evaluate(x, y, verbose=0, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    assert model.history is history


def test_evaluate_weighs_the_last_batch_by_its_size(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()
    logits = model.predict(x, verbose=0).astype("float64")
    each = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]
    for batch_size in (1, 16, 103, 500):
        loss, accuracy = model.evaluate(x, y, batch_size=batch_size, verbose=0)
        assert loss == pytest.approx(each.mean(), rel=1e-5)
        assert accuracy == pytest.approx((logits.argmax(1) == y).mean(), rel=1e-6)


def test_predict_is_the_same_in_every_batch_size(blobs, make_classifier):
    x, _ = blobs
    model = make_classifier()
    whole = model.predict(x, batch_size=103, verbose=0)
    assert isinstance(whole, np.ndarray)
    np.testing.assert_allclose(model(x).numpy(), whole, rtol=1e-5, atol=1e-6)
    for batch_size in (1, 10, 64):
        np.testing.assert_allclose(model.predict(x, batch_size=batch_size, verbose=0), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model.predict_on_batch(x), whole)
    np.testing.assert_array_equal(model.predict_on_batch(x), whole)  # the short path


def test_sample_weights_and_class_weights(blobs, make_classifier):
    x, y = blobs
    classes = {0: 1.0, 1: 0.0, 2: 3.0}
    weights = np.array([classes[int(label)] for label in y], "float32")

    def trained(**options):
        model = make_classifier(dropout=0)
        model.fit(x, y, batch_size=32, epochs=2, verbose=0, **options)  # shuffled by the seed just set
        return model.get_weights()

    for a, b in zip(trained(class_weight=classes), trained(sample_weight=weights), strict=True):
        assert a.tobytes() == b.tobytes()
    model = make_classifier(dropout=0)
    loss = model.evaluate(x, y, sample_weight=weights, verbose=0)[0]
    logits = model.predict(x, verbose=0).astype("float64")
    each = np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y]
    assert loss == pytest.approx((each * weights).mean(), rel=1e-4)
    with pytest.raises(ValueError, match="either `class_weight` or `sample_weight`"):
        trained(class_weight=classes, sample_weight=weights)


def test_validation_split_takes_the_end_before_shuffling(blobs, make_classifier):
    x, y = blobs
    a = make_classifier()
    left = a.fit(x, y, epochs=2, verbose=0, validation_split=0.25).history
    split = int(103 * 0.75)
    b = make_classifier()
    right = b.fit(x[:split], y[:split], epochs=2, verbose=0, validation_data=(x[split:], y[split:])).history
    assert left == right


def test_validation_frequency(blobs, make_classifier):
    x, y = blobs
    history = make_classifier().fit(x, y, epochs=4, verbose=0, validation_data=(x, y), validation_freq=2).history
    assert len(history["loss"]) == 4
    assert len(history["val_loss"]) == 2


def test_initial_epoch_steps_and_labels_as_a_column(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()
    history = model.fit(x, y[:, None], batch_size=10, epochs=5, initial_epoch=3, steps_per_epoch=2, verbose=0)
    assert history.epoch == [3, 4]
    assert int(model.optimizer.iterations.numpy()) == 4


def test_iterators(blobs, make_classifier):
    x, y = blobs

    class Batches:
        def __len__(self):
            return 4

        def __iter__(self):
            return iter([(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)])

    a, b = make_classifier(), make_classifier()
    left = a.fit(Batches(), epochs=2, verbose=0).history
    right = b.fit(x[:64], y[:64], batch_size=16, epochs=2, shuffle=False, verbose=0).history
    assert left == right
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        assert v.tobytes() == w.tobytes()

    def endless():
        while True:
            yield x[:16], y[:16]

    history = make_classifier().fit(endless(), steps_per_epoch=3, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
    np.testing.assert_array_equal(
        a.predict(iter([x[:5], x[5:9]]), verbose=0), a.predict(x[:9], batch_size=5, verbose=0)
    )


def test_train_on_batch_gives_the_results_of_that_batch(blobs, make_classifier):
    x, y = blobs
    model = make_classifier(dropout=0, batch_norm=False, optimizer="sgd")
    before = model.evaluate(x, y, batch_size=103, verbose=0)
    first = model.train_on_batch(x, y)
    assert isinstance(first, list)
    assert first == pytest.approx(before, rel=1e-6)
    after = model.evaluate(x, y, batch_size=103, return_dict=True, verbose=0)
    for _ in range(3):  # the short path, too
        assert model.test_on_batch(x, y, return_dict=True) == pytest.approx(after, rel=1e-6)


def test_train_on_batch_equals_fit(blobs, make_classifier, digest):
    x, y = blobs
    a, b = make_classifier(), make_classifier()
    a.fit(x, y, batch_size=20, epochs=1, shuffle=False, verbose=0)
    for start in range(0, 103, 20):
        b.train_on_batch(x[start : start + 20], y[start : start + 20])
    assert digest(a) == digest(b)


def test_shuffling_changes_from_epoch_to_epoch_and_from_fit_to_fit(blobs):
    x, _ = blobs
    seen = []

    class Recorder(dlrs.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

        def train_step(self, data):
            seen.append(data[1].numpy().copy())
            return super().train_step(data)

    model = Recorder()
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(x, np.arange(103) % 3, batch_size=103, epochs=2, verbose=0)
    model.fit(x, np.arange(103) % 3, batch_size=103, epochs=1, verbose=0)
    assert len({labels.tobytes() for labels in seen}) == 3
    assert all(sorted(labels) == sorted(np.arange(103) % 3) for labels in seen)


def test_several_outputs_losses_and_metrics():
    rng = np.random.default_rng(1)
    inputs = dlrs.Input((4,))
    hidden = layers.Dense(8, activation="relu")(inputs)
    model = dlrs.Model(inputs, [layers.Dense(3, name="kind")(hidden), layers.Dense(1, name="size")(hidden)])
    model.compile(
        "adam",
        loss={"kind": losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    x = rng.normal(size=(50, 4)).astype("float32")
    y = {"kind": rng.integers(0, 3, 50), "size": rng.normal(size=(50, 1)).astype("float32")}
    history = model.fit(x, y, epochs=2, verbose=0).history
    assert set(history) == {"loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae"}
    for total, kind, size in zip(history["loss"], history["kind_loss"], history["size_loss"], strict=True):
        assert total == pytest.approx(kind + 0.5 * size, rel=1e-5)
    kind, size = model.predict(x, verbose=0)
    assert kind.shape == (50, 3)
    assert size.shape == (50, 1)
    assert model.fit(x, [y["kind"], y["size"]], epochs=1, verbose=0).history.keys() == history.keys()


def test_loss_functions_regularizers_and_added_losses():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 1)).astype("float32")

    def absolute(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1, kernel_regularizer="l2")])
    model.compile("sgd", absolute)
    loss = model.evaluate(x, y, verbose=0)
    expected = np.abs(model.predict(x, verbose=0) - y).mean() + 0.01 * (model.get_weights()[0] ** 2).sum()
    assert loss == pytest.approx(expected, rel=1e-5)

    class Penalty(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(ops.square(inputs)))
            return inputs

    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1), Penalty()])
    model.compile("sgd")
    history = model.fit(x, epochs=5, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_metrics_by_name_function_and_object(blobs, make_classifier):
    x, y = blobs

    def largest(y_true, y_pred):
        return ops.max(y_pred, axis=-1)

    model = make_classifier(metrics=["accuracy", "sparse_categorical_accuracy", largest])
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert logs["accuracy"] == logs["sparse_categorical_accuracy"]
    assert logs["largest"] == pytest.approx(model.predict(x, verbose=0).max(1).mean(), rel=1e-5)


def test_accuracy_is_chosen_by_shape():
    x = np.zeros((4, 2), "float32")
    for units, y, name in (
        (1, np.array([[0], [1], [1], [1]], "float32"), "binary_accuracy"),
        (3, np.array([0, 1, 2, 2]), "sparse_categorical_accuracy"),
        (3, np.eye(3, dtype="float32")[[0, 1, 2, 2]], "categorical_accuracy"),
    ):
        model = dlrs.Sequential(
            [dlrs.Input((2,)), layers.Dense(units, activation="softmax" if units > 1 else "sigmoid")]
        )
        loss = {1: "binary_crossentropy"}.get(units) or (
            "sparse_categorical_crossentropy" if y.ndim == 1 else "categorical_crossentropy"
        )
        model.compile("sgd", loss, metrics=["acc", name])
        logs = model.evaluate(x, y, verbose=0, return_dict=True)
        assert logs["acc"] == logs[name]


def test_freezing_a_layer_takes_effect_without_compiling_again(blobs, make_classifier):
    x, y = blobs
    model = make_classifier(batch_norm=False)
    model.fit(x, y, epochs=1, verbose=0)
    before = model.layers[0].get_weights()[0]
    model.layers[0].trainable = False
    model.fit(x, y, epochs=1, verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before)
    model.layers[0].trainable = True
    model.fit(x, y, epochs=1, verbose=0)
    assert not np.array_equal(model.layers[0].get_weights()[0], before)


def test_uint8_images_and_float64_rows(blobs):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 4, 4), dtype=np.uint8)
    y = rng.integers(0, 2, 30)

    def trained(x):
        dlrs.utils.set_random_seed(1)
        model = dlrs.Sequential([dlrs.Input((4, 4)), layers.Flatten(), layers.Dense(2)])
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, epochs=1, verbose=0)
        return model.get_weights()[0].tobytes()

    assert trained(images) == trained(images.astype("float32")) == trained(images.astype("float64"))
    assert trained(images) == trained(np.asfortranarray(images)) == trained(images.astype(">f4"))


def test_many_batch_sizes_keep_few_programs(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()
    with pytest.warns(UserWarning, match="Pad the batches") as warned:
        for size in range(1, 40):
            model.train_on_batch(x[:size], y[:size])
            model.predict_on_batch(x[:size])
    assert len(warned) == 2  # once for each kind of step
    assert len(model._steps["train"]._steps) <= 16
    assert len(model._short_paths) <= 16


def test_steps_are_traced_once_per_signature(blobs, make_classifier):
    x, y = blobs
    model = make_classifier()
    calls = []
    inner = model._steps["train"]._function
    model._steps["train"]._function = lambda data: (calls.append(1), inner(data))[1]
    model.fit(x, y, batch_size=50, epochs=3, verbose=0, validation_data=(x, y))
    first = len(calls)

    def decay(epoch, logs):
        model.optimizer.learning_rate = 0.1 / (epoch + 1)

    decaying = callbacks.LambdaCallback(on_epoch_end=decay)
    model.fit(x, y, batch_size=50, epochs=3, verbose=0, validation_data=(x, y), callbacks=[decaying])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 / 3)
    assert first <= 3
    assert len(calls) == first


def test_callbacks_see_the_protocol(blobs, make_classifier):
    x, y = blobs
    events = []

    class Spy(callbacks.Callback):
        def on_train_begin(self, logs=None):
            events.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            events.append(f"epoch {epoch}")

        def on_train_batch_end(self, batch, logs=None):
            events.append(f"batch {batch}")
            assert set(logs) == {"loss", "accuracy"}

        def on_test_end(self, logs=None):
            events.append("test")

        def on_epoch_end(self, epoch, logs=None):
            events.append(f"end {epoch}")
            assert "val_loss" in logs

        def on_train_end(self, logs=None):
            events.append("done")

    make_classifier().fit(x, y, batch_size=60, epochs=1, verbose=0, callbacks=[Spy()], validation_data=(x, y))
    assert events == ["begin", "epoch 0", "batch 0", "batch 1", "test", "end 0", "done"]


def test_compile_config_round_trip(make_classifier):
    model = make_classifier(optimizer=dlrs.optimizers.SGD(0.1, momentum=0.9))
    config = model.get_compile_config()
    other = make_classifier()
    other.compile_from_config(config)
    assert other.optimizer.get_config() == model.optimizer.get_config()
    assert other.get_compile_config() == config


def test_compile_loss_replicates_a_single_loss():
    loss = CompileLoss("mse")
    a, b = np.zeros((2, 1), "float32"), np.ones((2, 1), "float32")
    total = loss([ops.convert_to_tensor(a)] * 2, [ops.convert_to_tensor(b)] * 2)
    assert float(total) == 2.0
