"""Calls of layers: which arguments they take, masks, context arguments, state passed in and out, later state."""

import numpy as np
import pytest

from dlrs import layers, ops, random
from dlrs.backend import DTypePolicy, KerasTensor, Variable, get_keras_mask, set_dtype_policy, set_keras_mask


def ones(*shape):
    return ops.convert_to_tensor(np.ones(shape, "float32"))


def masked(*shape):
    x = ones(*shape)
    set_keras_mask(x, ops.convert_to_tensor(np.ones(shape[:1], "bool")))
    return x


class Keeping(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True


def test_each_of_several_tensor_arguments_has_its_mask():
    seen = {}

    class Two(Keeping):
        def call(self, x1, x2, x1_mask=None, x2_mask=None):
            seen.update(x1=x1_mask, x2=x2_mask)
            return x1[0] + x2

    Two()((masked(2, 2), ones(2, 2)), x2=masked(2, 2))
    assert isinstance(seen["x1"], tuple) and seen["x1"][0] is not None and seen["x1"][1] is None
    assert seen["x2"] is not None


def test_a_mask_given_by_hand_is_passed_on_and_survives_casts():
    class Taking(Keeping):
        def call(self, x, mask=None):
            assert mask is not None
            return x * 1.0

    mask = ops.convert_to_tensor(np.array([True, False]))
    assert get_keras_mask(Taking()(ones(2, 3), mask=mask)) is mask
    x = masked(2, 3)
    assert get_keras_mask(Taking(dtype="float64")(x)) is get_keras_mask(x)


def test_a_layer_that_loses_a_mask_warns():
    class Losing(layers.Layer):
        def call(self, x):
            return x * 1.0

    with pytest.warns(UserWarning, match="does not support masks"):
        assert get_keras_mask(Losing()(masked(2, 2))) is None


def test_masks_reach_layers_behind_placeholders():
    seen = []

    class Probe(Keeping):
        def call(self, x, mask=None):
            seen.append(mask is not None)
            return x

    x = KerasTensor((None, 4))
    set_keras_mask(x, KerasTensor((None,), "bool"))
    y = Probe()(x)
    assert get_keras_mask(y).shape == (None,)
    assert all(seen)


def test_build_and_output_shapes_by_name():
    class Pair(layers.Layer):
        def build(self, b_shape, a_shape):
            self.seen = (a_shape, b_shape)

        def call(self, a, b=None):
            return a

        def compute_output_shape(self, a_shape, b_shape):
            return {"a": a_shape, "rest": [b_shape, (None, 7)]}

    layer = Pair()
    layer(ones(1, 2), ones(1, 3))
    assert layer.seen == ((1, 2), (1, 3))
    spec = layer.compute_output_spec(KerasTensor((None, 2)), KerasTensor((None, 3)))
    assert spec["a"].shape == (None, 2) and [s.shape for s in spec["rest"]] == [(None, 3), (None, 7)]

    class Unknown(layers.Layer):
        def build(self, a_shape, c_shape):
            pass

        def call(self, a, b=None):
            return a

    with pytest.raises(ValueError, match=r"`c_shape`, but `call\(\)` does not have argument `c`"):
        Unknown()(ones(1, 2))


def test_the_default_build_builds_the_layers_within():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(3), layers.Dense(2)

        def call(self, x):
            return self.second(self.first(x))

    block = Block()
    block.build((None, 4))
    assert [v.shape for v in block.weights] == [(4, 3), (3,), (3, 2), (2,)]
    assert block.get_build_config() == {"input_shape": (None, 4)}


def test_paths_of_layers_built_by_the_build_of_another():
    class Outer(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(2, name="inner")

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, x):
            return self.inner(x)

    built, called = Outer(name="built"), Outer(name="called")
    built.build((None, 3))
    called(ones(1, 3))
    assert built.weights[0].path == "built/inner/kernel"
    assert called.weights[0].path == "called/inner/kernel"
    assert called.inner.path == "called/inner"


def test_no_new_state_once_built():
    class Late(layers.Layer):
        def call(self, x):
            self.w = self.add_weight(shape=())
            return x

    with pytest.raises(ValueError, match="cannot add new elements of state"):
        Late()(ones(1, 1))
    layer = layers.Dense(1)
    layer.build((None, 1))
    with pytest.raises(ValueError, match="cannot add new elements of state"):
        layer.extra = layers.Dense(1)
    layer.kernel = layer.kernel  # what is known already may move


def test_context_arguments_reach_layers_that_registered_them():
    class Inner(layers.Layer):
        def __init__(self):
            super().__init__()
            self._register_call_context_args("phase")

        def call(self, x, phase=None):
            return x + (1.0 if phase else 0.0)

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, x):
            return self.inner(x)

    outer = Outer()
    outer._register_call_context_args("phase")
    assert outer(ones(1), phase=True).tolist() == [2.0]
    assert outer(ones(1)).tolist() == [1.0]
    with pytest.raises(RuntimeError, match="after the layer has been called"):
        outer._register_call_context_args("other")


def test_stateless_call_changes_nothing():
    class Counting(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed = random.SeedGenerator(3)
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.scale = self.add_weight(shape=(), initializer="ones", regularizer="l1")
            self._build_at_init()

        def call(self, x):
            self.add_loss(ops.sum(x))
            self.count.assign(self.count + 1.0)
            return x * self.scale + random.normal((), seed=self.seed)

    layer, twin = Counting(), Counting()
    outputs, state, losses = layer.stateless_call(
        layer.trainable_variables, layer.non_trainable_variables, np.ones(2, "float32"), return_losses=True
    )
    assert outputs.tolist() == twin(np.ones(2, "float32")).tolist()
    assert [s.tolist() for s in state] == [v.numpy().tolist() for v in twin.non_trainable_variables]
    assert [float(x) for x in losses] == pytest.approx([2.0, 0.01])
    assert float(layer.count) == 0.0
    with pytest.raises(ValueError, match=r"`trainable_variables` must have the length 1.*got 0"):
        layer.stateless_call([], state, np.ones(2, "float32"))


def test_freezing_reaches_variables_and_keeps_their_order():
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    order = [v.name for v in layer.weights]
    layer.trainable = False
    assert not layer.gamma.trainable
    assert [v.name for v in layer.weights] == order
    layer.trainable = True
    assert layer.gamma.trainable and not layer.moving_mean.trainable
    with pytest.raises(ValueError, match="`trainable` to be a boolean"):
        layers.Dense(1, trainable="yes")


def test_arguments_of_add_weight():
    layer = layers.Layer()
    assert layer.add_weight((2,), "ones", "float64").dtype == "float64"
    with pytest.raises(ValueError, match="keyword argument `name`"):
        layer.add_weight("kernel", shape=(2,))
    with pytest.raises(ValueError, match="`shape` was passed both"):
        layer.add_weight((2,), shape=(2,))
    with pytest.raises(TypeError, match="at most 3 positional arguments"):
        layer.add_weight((2,), "ones", "float32", "name")


def test_variables_may_be_taken_away():
    layer = layers.Layer()
    layer.w = layer.add_weight((2,))
    layer.w = layer._untrack_variable(layer.w)
    assert layer.weights == []


def test_policies():
    assert (DTypePolicy("mixed_float16").compute_dtype, DTypePolicy("mixed_float16").variable_dtype) == (
        "float16",
        "float32",
    )
    with pytest.raises(ValueError, match=r"Cannot convert 'flaot32'.*'float32'"):
        DTypePolicy("flaot32")
    with pytest.raises(TypeError, match="'name' must be a string"):
        DTypePolicy(12)
    set_dtype_policy("float64")
    try:
        assert layers.Dense(1).compute_dtype == "float64"
    finally:
        set_dtype_policy("float32")
    layer = layers.Dense(1)
    layer.dtype_policy = "float64"
    assert layer(np.ones((1, 1), "float32")).dtype == "float64"


def test_placeholders_are_autocast():
    assert layers.Activation("relu")(KerasTensor((None, 2), "float64")).dtype == "float32"


def test_trainable_of_a_variable_is_seen_by_compiled_functions():
    from dlrs.backend.structure import structure_version

    v = Variable(1.0)
    before = structure_version()
    v.trainable = False
    assert structure_version() > before
