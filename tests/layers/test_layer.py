"""The base of layers: building, tracking, training and masks, losses, errors, configuration."""

import numpy as np
import pytest

from dlrs import layers, metrics, ops, random
from dlrs.backend import KerasTensor, Variable


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


class Branches(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [Scale(), Scale()]
        self.by_name = {"last": Scale()}

    def call(self, inputs):
        for block in self.blocks:
            inputs = block(inputs)
        return self.by_name["last"](inputs)


def ones(*shape):
    return np.ones(shape, "float32")


def test_build_is_called_once_with_the_shape():
    shapes = []

    class Recorder(layers.Layer):
        def build(self, input_shape):
            shapes.append(input_shape)

        def call(self, inputs):
            return inputs

    layer = Recorder()
    assert not layer.built
    layer(ones(2, 3))
    layer(ones(4, 3))
    assert layer.built
    assert shapes == [(2, 3)]


def test_build_by_name_of_arguments():
    class Two(layers.Layer):
        def build(self, query_shape, value_shape):
            self.shapes_seen = (query_shape, value_shape)

        def call(self, query, value):
            return query + value

    layer = Two()
    layer(ones(1, 3), ones(1, 3))
    assert layer.shapes_seen == ((1, 3), (1, 3))


def test_layers_in_lists_and_dicts_are_tracked_also_when_appended_later():
    layer = Branches()
    layer.blocks.append(Scale())
    layer(ones(1, 2))
    assert [v.shape for v in layer.weights] == [(2,)] * 4
    assert len({v.path for v in layer.weights}) == 4


def test_variable_paths_nest():
    layer = Branches(name="outer")
    layer(ones(1, 2))
    assert all(v.path.startswith("outer/scale") and v.path.endswith("/factor") for v in layer.weights)


def test_weights_order_and_trainable_sets():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    assert [v.name for v in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [v.name for v in layer.trainable_weights] == ["gamma", "beta"]
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4
    layer.trainable = True
    assert [v.name for v in layer.trainable_weights] == ["gamma", "beta"]


def test_a_frozen_child_is_not_trained():
    layer = Branches()
    layer(ones(1, 2))
    layer.blocks[0].trainable = False
    assert len(layer.trainable_weights) == 2
    assert len(layer.weights) == 3


def test_seed_generators_are_variables_but_not_weights():
    layer = layers.Dropout(0.5, seed=3)
    assert layer.weights == []
    assert len(layer.variables) == 1


def test_metrics_and_seeds_as_attributes_are_found():
    class Measured(layers.Layer):
        def __init__(self):
            super().__init__()
            self.mean = metrics.Mean(name="mean")
            self.seed = random.SeedGenerator(1)

        def call(self, inputs):
            return inputs

    layer = Measured()
    assert [m.name for m in layer.metrics] == ["mean"]
    assert len(layer.variables) == 1


def test_set_weights_is_all_or_nothing():
    layer = layers.Dense(2)
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"dense.*shape \(5,\).*bias.*\(2,\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(5)])
    for a, b in zip(before, layer.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    with pytest.raises(ValueError, match="1 arrays for 2 weights"):
        layer.set_weights([np.zeros((3, 2))])


def test_state_set_before_init_is_tracked_and_a_forgotten_init_names_the_remedy():
    class Early(layers.Layer):
        def __init__(self):
            self.inner = Variable(np.ones(2, "float32"))
            super().__init__()

    assert len(Early().weights) == 1

    class Forgetful(layers.Layer):
        def __init__(self):
            self.inner = Scale()

    with pytest.raises(RuntimeError, match=r"Forgetful.__init__ must call `super\(\).__init__\(\)`"):
        Forgetful()(ones(1, 2))


def test_training_reaches_inner_layers():
    seen = []

    class Probe(layers.Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.probe = Probe()

        def call(self, inputs):
            return self.probe(inputs)

    outer = Outer()
    outer(ones(1, 1))
    outer(ones(1, 1), training=True)
    outer(ones(1, 1), training=False)
    assert seen == [None, True, False]
    with pytest.raises(ValueError, match="Only input tensors may be passed as positional arguments"):
        Probe()(ones(1, 1), True)


def test_explicit_training_of_an_inner_call_wins_and_ends_with_it():
    seen = []

    class Probe(layers.Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = Probe(), Probe()

        def call(self, inputs):
            return self.second(self.first(inputs, training=False))

    Outer()(ones(1, 1), training=True)
    assert seen == [False, True]


def test_masks_pass_through_and_reach_call():
    seen = []

    class Masking(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs):
            return inputs

        def compute_mask(self, inputs, previous_mask):
            return ops.any(ops.not_equal(inputs, 0.0), axis=-1)

    class Consumer(layers.Layer):
        def call(self, inputs, mask=None):
            seen.append(None if mask is None else mask.numpy().tolist())
            return inputs

    x = np.array([[[1.0, 0.0], [0.0, 0.0]]], "float32")
    hidden = layers.Dense(2)(Masking()(x))
    Consumer()(hidden)
    assert seen == [[[True, False]]]
    Consumer()(x)
    assert seen[-1] is None


def test_activity_regularizer_and_add_loss():
    layer = layers.Dense(
        2, kernel_initializer="ones", activity_regularizer=lambda y: ops.sum(y), kernel_regularizer="l2"
    )
    layer(ones(1, 3))
    values = [float(loss) for loss in layer.losses]
    assert values[0] == pytest.approx(6.0)
    assert values[1] == pytest.approx(0.01 * 6)
    layer(2 * ones(2, 3))
    assert float(layer.losses[0]) == pytest.approx(12.0)  # of the last call only, and per sample


def test_losses_of_one_call_do_not_survive_another():
    class Penalized(layers.Layer):
        def call(self, inputs, training=None):
            if training:
                self.add_loss(ops.sum(inputs))
            return inputs

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Penalized()

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    outer(ones(1, 2), training=True)
    assert [float(loss) for loss in outer.losses] == [2.0]
    outer(ones(1, 2), training=False)
    assert outer.losses == []


def test_autocast():
    layer = layers.Dense(2, dtype="float64")
    assert layer(ones(1, 3)).dtype == "float64"
    assert layer.kernel.dtype == "float64"
    assert layers.Activation("linear")(np.ones((1, 2), "float64")).dtype == "float32"
    assert layers.Activation("linear")(np.ones((1, 2), "int32")).dtype == "int32"


def test_errors_in_call_name_the_innermost_layer_and_keep_their_type():
    class Broken(layers.Layer):
        def call(self, inputs):
            raise KeyError("nothing here")

    class Outer(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = Broken(name="the_inner")

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(KeyError, match=r"nothing here.*the_inner.*\(2, 3\)") as info:
        Outer(name="the_outer")(ones(2, 3))
    assert "the_outer" not in str(info.value)


def test_wrong_input_size_names_layer_and_shapes():
    layer = layers.Dense(2, name="head")
    layer(ones(1, 3))
    with pytest.raises(ValueError, match=r"'head'.*\(1, 4\).*axis -1 must have size 3"):
        layer(ones(1, 4))
    with pytest.raises(ValueError, match=r"'head'.*\(4,\).*rank must be at least 2"):
        layer(ones(4))


def test_placeholders_give_placeholders():
    layer = Scale()
    y = layer(KerasTensor((None, 3)))
    assert isinstance(y, KerasTensor)
    assert y.shape == (None, 3)
    assert layer.built
    assert layers.Flatten()(KerasTensor((None, 2, 3))).shape == (None, 6)


def test_compute_output_shape_by_tracing():
    class Doubled(layers.Layer):
        def call(self, inputs):
            return ops.concatenate([inputs, inputs], axis=-1)

    assert Doubled().compute_output_shape((None, 3)) == (None, 6)


def test_config_is_captured_from_plain_arguments():
    class Shift(layers.Layer):
        def __init__(self, amount, scale=1.0, **kwargs):
            super().__init__(**kwargs)
            self.amount, self.scale = amount, scale

        def call(self, inputs):
            return inputs * self.scale + self.amount

    layer = Shift(2.0, name="shifted")
    config = layer.get_config()
    assert config["amount"] == 2.0
    copy = Shift.from_config(config)
    assert copy.name == "shifted" and copy.amount == 2.0

    class Opaque(layers.Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(TypeError, match=r"Opaque must override `get_config`.*`thing`.*object"):
        Opaque(object()).get_config()


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dense(3, activation="relu", kernel_regularizer="l2", name="a"),
        lambda: layers.Activation("tanh", name="a"),
        lambda: layers.Dropout(0.3, noise_shape=(None, 1), seed=1, name="a"),
        lambda: layers.Flatten(name="a"),
        lambda: layers.BatchNormalization(momentum=0.5, name="a"),
    ],
)
def test_round_trip_of_configurations(make):
    layer = make()
    copy = layers.deserialize(layers.serialize(layer))
    assert type(copy) is type(layer)
    assert copy.get_config() == layer.get_config()


def test_unknown_argument_and_unknown_class():
    with pytest.raises(TypeError, match=r"Dense does not know the argument 'unit'\. Did you mean 'units'\?"):
        layers.Dense(3, unit=4)
    with pytest.raises(ValueError, match=r"Unknown layer 'Dens'.*'[dD]ense'"):
        layers.deserialize({"class_name": "Dens", "config": {}})
    with pytest.raises(ValueError, match=r"'rellu'.*'relu'"):
        layers.Dense(3, activation="rellu")


def test_count_params_needs_a_built_layer():
    with pytest.raises(ValueError, match="not built"):
        layers.Dense(3).count_params()


def test_shared_variable_counts_once():
    class Tied(layers.Layer):
        def __init__(self):
            super().__init__()
            self.a = Variable(np.ones(3, "float32"))
            self.b = self.a

        def call(self, inputs):
            return inputs * self.a * self.b

    assert len(Tied().weights) == 1


def test_a_layer_with_a_rule_for_masks_hands_them_on():
    class Ends(layers.Layer):
        def call(self, x, mask=None):
            self.seen = mask
            return x

        def compute_mask(self, x, previous_mask=None):
            return ops.not_equal(x[..., 0], 0)

    first, second = Ends(), Ends()
    assert first.supports_masking and not Scale().supports_masking
    second(first(np.array([[[0.0], [2.0]]])))
    assert first.seen is None
    assert second.seen.tolist() == [[False, True]]
