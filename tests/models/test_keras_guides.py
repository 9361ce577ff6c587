"""What Keras's guides to models and to training of one's own build, written as a user of Keras writes it."""

import copy
import pickle

import numpy as np
import pytest

import dlrs as keras
from dlrs import layers, ops


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    return generator.random((48, 8)).astype("float32"), generator.random((48, 1)).astype("float32")


class CustomStep(keras.Model):
    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def regressor(cls=keras.Model, **options):
    inputs = keras.Input((8,))
    outputs = layers.Dense(1, kernel_initializer="ones")(inputs)
    model = cls(inputs, outputs)
    model.compile("sgd", "mse", metrics=["mae"], **options)
    return model


def test_a_train_step_of_ones_own_is_compiled_and_does_what_the_default_does(data):
    x, y = data
    own, plain = regressor(CustomStep), regressor()
    for model in (own, plain):
        model.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0)
    assert not own._untraceable
    for a, b in zip(own.weights, plain.weights, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.total_loss_tracker = keras.metrics.Mean(name="total_loss")
        self.kl_loss_tracker = keras.metrics.Mean(name="kl_loss")

    @property
    def metrics(self):
        return [self.total_loss_tracker, self.kl_loss_tracker]

    def train_step(self, data):
        with keras.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(data)
            reconstruction = self.decoder(z)
            loss = ops.mean(ops.sum(keras.losses.binary_crossentropy(data, reconstruction, axis=()), axis=-1))
            kl = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
            kl = ops.mean(ops.sum(kl, axis=1))
            total = loss + kl
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.total_loss_tracker.update_state(total)
        self.kl_loss_tracker.update_state(kl)
        return {metric.name: metric.result() for metric in self.metrics}


def test_variational_autoencoder_gets_its_inputs_alone_and_learns(data):
    x, _ = data
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8,))
    hidden = layers.Dense(6, activation="relu")(inputs)
    z_mean, z_log_var = layers.Dense(2)(hidden), layers.Dense(2)(hidden)
    encoder = keras.Model(inputs, [z_mean, z_log_var, Sampling()([z_mean, z_log_var])])
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(6, activation="relu"), layers.Dense(8, "sigmoid")])
    vae = VAE(encoder, decoder)
    vae.compile(optimizer=keras.optimizers.Adam(1e-2))
    history = vae.fit(x, epochs=10, batch_size=16, verbose=0).history
    assert not vae._untraceable
    assert set(history) == {"total_loss", "kl_loss"}
    assert history["total_loss"][-1] < history["total_loss"][0]


def test_add_loss_in_a_layer_and_at_the_end_point(data):
    x, y = data

    class Endpoint(layers.Layer):
        def call(self, targets, logits):
            self.add_loss(ops.mean(ops.square(targets - logits)))
            return logits

    inputs, targets = keras.Input((8,), name="inputs"), keras.Input((1,), name="targets")
    model = keras.Model([inputs, targets], Endpoint()(targets, layers.Dense(1, kernel_initializer="ones")(inputs)))
    model.compile(optimizer="sgd")
    found = model.fit({"inputs": x, "targets": y}, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert found == pytest.approx(regressor().fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"], rel=1e-5)


def test_tickets_by_names_of_inputs_and_outputs():
    generator = np.random.default_rng(0)
    title, body = keras.Input((None,), name="title"), keras.Input((None,), name="body")
    tags = keras.Input((12,), name="tags")
    embed = layers.Embedding(100, 4)  # shared
    joined = layers.concatenate([layers.LSTM(4)(embed(title)), layers.LSTM(4)(embed(body)), tags])
    outputs = {"priority": layers.Dense(1)(joined), "department": layers.Dense(4)(joined)}
    model = keras.Model([title, body, tags], outputs)
    model.compile(
        "rmsprop",
        loss={
            "priority": keras.losses.BinaryCrossentropy(from_logits=True),
            "department": keras.losses.CategoricalCrossentropy(from_logits=True),
        },
        loss_weights={"priority": 1.0, "department": 0.2},
        metrics={"department": ["accuracy"]},
    )
    x = {"title": generator.integers(0, 100, (24, 5)), "body": generator.integers(0, 100, (24, 9))}
    x["tags"] = generator.integers(0, 2, (24, 12)).astype("float32")
    y = {"priority": generator.random((24, 1)), "department": np.eye(4)[generator.integers(0, 4, 24)]}
    history = model.fit(x, y, batch_size=8, verbose=0).history
    assert set(history) == {"loss", "priority_loss", "department_loss", "department_accuracy"}
    assert {name: value.shape for name, value in model.predict(x, verbose=0).items()} == {
        "priority": (24, 1),
        "department": (24, 4),
    }


class MaybeAdd(layers.Layer):
    def call(self, x, y=None):
        return x if y is None else x + y

    def compute_output_shape(self, x_shape, y_shape=None):
        return x_shape


def test_an_optional_input_may_be_none_in_lists_and_dicts(data):
    x, y = data
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b", optional=True)
    model = keras.Model([a, b], layers.Dense(1)(MaybeAdd()(a, b)))
    model.compile("sgd", "mse")
    for given in ([x, None], {"a": x}, {"a": x, "b": None}, [x, x]):
        model.fit(given, y, verbose=0)
        model.train_on_batch(given, y)
        assert np.isfinite(model.evaluate(given, y, verbose=0))
    np.testing.assert_array_equal(model.predict([x, None], verbose=0), model.predict({"a": x}, verbose=0))
    with pytest.raises(ValueError, match="not optional"):
        model.predict([None, x], verbose=0)


def test_functional_models_as_layers_and_as_feature_extractors(data):
    x, y = data
    encoder = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="code")], name="encoder")
    left, right = keras.Input((8,)), keras.Input((8,))
    siamese = keras.Model([left, right], layers.Dense(1)(ops.abs(encoder(left) - encoder(right))))
    siamese.compile("sgd", "mse")
    siamese.fit([x, x[::-1]], y, verbose=0)
    assert len(siamese.trainable_weights) == 4  # those of the shared encoder count once
    extractor = keras.Model(encoder.inputs, [layer.output for layer in encoder.layers])
    np.testing.assert_array_equal(extractor(x)[0] if isinstance(extractor(x), list) else extractor(x), encoder(x))


class GradientPenalty(keras.Model):
    """A critic whose gradients by its inputs are held at norm 1 (Gulrajani et al., arXiv 1704.00028)."""

    def __init__(self):
        super().__init__()
        self.critic = keras.Sequential([keras.Input((8,)), layers.Dense(8), layers.LeakyReLU(0.2), layers.Dense(1)])
        self.seed = keras.random.SeedGenerator(1)

    def train_step(self, real):
        count = ops.shape(real)[0]
        fake = keras.random.normal((count, 8), seed=self.seed)
        with keras.GradientTape() as tape:
            mixed = real + keras.random.uniform((count, 1), seed=self.seed) * (fake - real)
            with keras.GradientTape() as inner:
                inner.watch(mixed)
                scores = self.critic(mixed, training=True)
            norm = ops.sqrt(ops.sum(ops.square(inner.gradient(scores, [mixed])[0]), axis=1) + 1e-12)
            penalty = ops.mean(ops.square(norm - 1.0))
            loss = ops.mean(self.critic(fake)) - ops.mean(self.critic(real)) + 10.0 * penalty
        weights = self.critic.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return {"loss": loss, "penalty": penalty}


def test_a_penalty_on_gradients_is_compiled_to_what_runs_eagerly(data):
    histories = []
    for eager in (False, True):
        keras.utils.set_random_seed(3)
        model = GradientPenalty()
        model.compile(keras.optimizers.Adam(1e-2), run_eagerly=eager)
        histories.append(model.fit(data[0], epochs=3, batch_size=16, shuffle=False, verbose=0).history)
        assert not model._untraceable
    compiled, eagerly = histories
    for name in ("loss", "penalty"):
        assert compiled[name] == pytest.approx(eagerly[name], rel=1e-4)
    assert len(set(compiled["loss"])) == 3


def test_a_prediction_step_of_ones_own_builds_the_model(data):
    class Classes(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

        def predict_step(self, data):
            return ops.argmax(self(data, training=False), axis=-1)

    assert Classes().predict(data[0], verbose=0).shape == (48,)


def test_stateful_layers_take_the_size_of_the_first_batch():
    x, y = np.random.default_rng(0).random((32, 5, 3)), np.ones((32, 1))
    model = keras.Sequential([layers.LSTM(4, stateful=True), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert [state.shape for state in model.layers[0].states] == [(8, 4), (8, 4)]
    first = model.predict(x[:8], verbose=0)
    assert np.any(model.predict(x[:8], verbose=0) != first)
    with pytest.raises(ValueError, match="batch size"):
        model.predict(x[:5], verbose=0)


def test_functions_of_single_steps(data):
    x, y = data
    model, other = regressor(), regressor()
    step = model.make_train_function()
    assert model.make_train_function() is step is model.train_function
    found = step(iter([(x, y)]))
    assert {name: value.item() for name, value in found.items()} == other.train_on_batch(x, y, return_dict=True)
    assert set(model.make_test_function()(iter([(x, y)]))) == {"loss", "mae"}
    assert model.make_predict_function()(iter([(x,)])).shape == (48, 1)


def test_copies_go_on_training(data):
    x, y = data
    model = regressor(CustomStep)
    model.fit(x, y, verbose=0)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
        other.fit(x, y, verbose=0)
        assert np.any(other.predict(x, verbose=0) != model.predict(x, verbose=0))


def test_compile_arguments_through_a_configuration():
    model = regressor(steps_per_execution=3, jit_compile=False)
    other = keras.models.model_from_json(keras.Model.to_json(model))
    other.compile_from_config(model.get_compile_config())
    assert (other.steps_per_execution, other.jit_compile, other.loss) == (3, False, "mse")


def test_export_says_what_there_is_instead(tmp_path):
    model = regressor()
    with pytest.raises(ValueError, match="Unrecognized format=zip"):
        model.export(tmp_path / "m", format="zip")
    with pytest.raises(NotImplementedError, match=r"does not write format='onnx'.*load the file with Keras"):
        model.export(tmp_path / "m", format="onnx")
    assert not list(tmp_path.iterdir())


def test_quantize_says_what_there_is_instead():
    model = regressor()
    for call, match in (
        (lambda: model.quantize(), "Both `mode` and `config`"),
        (lambda: model.quantize("int3"), "must be one of .*Received: mode='int3'"),
    ):
        with pytest.raises(ValueError, match=match):
            call()
    for arguments in ({"mode": "int8"}, {"mode": "float8", "filters": "dense"}, {"config": object()}):
        with pytest.raises(NotImplementedError, match=r"quantize: .* not .* yet.*quantize there.*half the size"):
            model.quantize(**arguments)


def test_hooks_of_batches_come_once_for_so_many_steps(data):
    seen = []

    class Log(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            seen.append(("end", batch))

    model = regressor(steps_per_execution=2)
    model.fit(*data, batch_size=16, callbacks=[Log()], verbose=0)
    assert seen == [("begin", 0), ("end", 1), ("begin", 2), ("end", 3)]


def test_epochs_of_fewer_steps_go_on_through_the_arrays(data):
    x, y = data
    model, whole = regressor(), regressor()
    model.fit(x, y, batch_size=16, epochs=2, steps_per_epoch=2, shuffle=False, verbose=0)  # 2 steps, then 1
    whole.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(model.weights, whole.weights, strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


@pytest.mark.parametrize("kind", ["generator", "dataset"])
def test_classes_of_batches_from_an_iterable_have_weights(kind):
    x, y = np.ones((8, 2), "float32"), np.array([0, 1] * 4)
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    batches = ((x[start : start + 4], y[start : start + 4]) for start in (0, 4))
    source = batches if kind == "generator" else keras.data.Dataset.from_tensor_slices((x, y)).batch(4)
    found = model.fit(source, class_weight={0: 1.0, 1: 3.0}, verbose=0).history["loss"]
    assert found == pytest.approx([2 * np.log(2)], rel=1e-6)


def test_trial_runs_are_short(data):
    model = regressor()
    try:
        keras.config.set_max_epochs(2)
        keras.config.set_max_steps_per_epoch(1)
        assert len(model.fit(*data, batch_size=16, epochs=5, verbose=0).history["loss"]) == 2
        assert int(model.optimizer.iterations.numpy()) == 2
    finally:
        keras.config.set_max_epochs(None)
        keras.config.set_max_steps_per_epoch(None)


def test_half_precision_gets_a_scaled_loss():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.dtype_policy = "mixed_float16"
    model.compile("sgd", "mse")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    model.compile("sgd", "mse", auto_scale_loss=False)
    assert isinstance(model.optimizer, keras.optimizers.SGD)


@pytest.mark.parametrize("mode", ["test", "predict"])
def test_a_callback_ends_evaluation_and_prediction(data, mode):
    seen = []

    class Stop(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_predicting = True

    model = regressor()
    x, y = data
    if mode == "test":
        model.evaluate(x, y, batch_size=16, callbacks=[Stop()], verbose=0)
    else:
        assert len(model.predict(x, batch_size=16, callbacks=[Stop()], verbose=0)) == 16
    assert seen == [0]


def test_a_stateless_scope_leaves_variables_and_collects_losses(data):
    x, _ = data

    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    model = keras.Sequential([keras.Input((8,)), layers.BatchNormalization(), Penalty()])
    before = [variable.numpy() for variable in model.variables]
    with keras.StatelessScope(collect_losses=True) as scope:
        model(x, training=True)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    mean = next(variable for variable in model.variables if variable.path.endswith("moving_mean"))
    np.testing.assert_allclose(scope.get_current_value(mean), 0.01 * x.mean(axis=0), rtol=1e-4)
    assert scope.get_current_value(model.trainable_variables[0]) is None
    assert len(scope.losses) == 1


def test_function_of_placeholders():
    inputs = {"a": keras.KerasTensor((None, 2)), "b": keras.KerasTensor((None, 2))}
    function = keras.Function(inputs, ops.concatenate([inputs["a"], inputs["b"]], axis=-1))
    assert function({"a": ops.ones((3, 2)), "b": ops.zeros((3, 2))}).shape == (3, 4)
