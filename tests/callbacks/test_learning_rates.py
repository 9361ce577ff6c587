"""Learning rates from epoch to epoch, and averaged weights during evaluation."""

import numpy as np
import pytest

import dlrs
from dlrs import callbacks, layers, optimizers

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X @ np.float32([[1.0], [2.0], [3.0]])


def model_of(optimizer):
    dlrs.utils.set_random_seed(1)
    model = dlrs.Sequential([dlrs.Input((3,)), layers.Dense(1, name="dense")])
    model.compile(optimizer, "mse")
    return model


def several():
    return optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.5, name="rest"), {".*kernel": optimizers.SGD(0.25, name="kernels")})
    )


def test_a_function_sets_the_rate(capsys):
    model = model_of(optimizers.SGD(0.5))
    seen = []
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: seen.append((epoch, rate)) or rate / 2, verbose=1)
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=schedule).history
    assert seen == [(0, 0.5), (1, 0.25), (2, 0.125)]
    assert history["learning_rate"] == [0.25, 0.125, 0.0625]
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.125." in capsys.readouterr().out
    model.fit(X, Y, epochs=2, verbose=0, callbacks=callbacks.LearningRateScheduler(lambda epoch: 1 / (2.0 + epoch)))
    assert float(model.optimizer.learning_rate) == pytest.approx(1 / 3)


@pytest.mark.parametrize("value", [1, "0.1", None, float("nan"), -0.5, float("inf")])
def test_a_rate_that_is_none_is_refused(value):
    model = model_of(optimizers.SGD(0.5))
    with pytest.raises(ValueError, match="`schedule` must return a finite float"):
        model.fit(X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(lambda epoch, rate: value))


def test_errors_of_the_function_are_its_own():
    def schedule(epoch, rate):
        return rate + "x"

    with pytest.raises(TypeError, match="unsupported operand"):
        model_of("sgd").fit(X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(schedule))
    scheduled = model_of(optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)))
    with pytest.raises(TypeError, match="created with a `LearningRateSchedule`"):
        scheduled.fit(X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(lambda epoch: 0.5))


def plateau(values, **options):
    model = model_of(optimizers.SGD(1.0))
    callback = callbacks.ReduceLROnPlateau("loss", factor=0.5, **options)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"loss": value})
        rates.append(float(model.optimizer.learning_rate))
    return rates


def test_plateaus():
    assert plateau([3, 2, 2, 2, 1], patience=2) == [1, 1, 1, 0.5, 0.5]
    assert plateau([3, 2.9, 2.8], patience=1, min_delta=0.5) == [1, 0.5, 0.25]
    assert plateau([3, 3, 3, 3], patience=1, cooldown=2) == [1, 0.5, 0.5, 0.25]
    assert plateau([3, 3, 3, 3], patience=1, min_lr=0.4) == [1, 0.5, 0.4000000059604645, 0.4000000059604645]
    assert plateau([1, 2, 3], patience=1, mode="max") == [1, 1, 1]
    nan = float("nan")
    assert plateau([nan, nan, 1, nan], patience=1) == [1, 0.5, 0.5, 0.25]
    for factor in (0, 1, 1.5, nan):
        with pytest.raises(ValueError, match="`factor` must be in"):
            callbacks.ReduceLROnPlateau(factor=factor)
    model = model_of("sgd")
    with pytest.warns(UserWarning, match="no result 'val_loss'"):
        history = model.fit(X, Y, verbose=0, callbacks=callbacks.ReduceLROnPlateau()).history
    assert history["learning_rate"] == [pytest.approx(0.01)]


def test_each_of_several_optimizers_has_its_rate():
    model = model_of(several())
    history = model.fit(
        X, Y, verbose=0, callbacks=callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    ).history
    assert (history["learning_rate_kernels"], history["learning_rate_rest"]) == ([0.125], [0.25])
    callback = callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5)
    callback.set_model(model)
    for epoch in range(2):
        callback.on_epoch_end(epoch, {"loss": 1.0})
    assert [float(inner.learning_rate) for inner in model.optimizer.optimizers] == [0.0625, 0.125]


def test_the_direction_is_the_metrics():
    model = model_of("sgd")
    model.compile("sgd", "mse", metrics=[dlrs.metrics.R2Score(name="fit")])
    model.fit(X, Y, verbose=0)
    callback = callbacks.EarlyStopping("val_fit")
    callback.set_model(model)
    assert callback._is_improvement(0.9, 0.5)


def make(name):
    inner = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    if name == "plain":
        return inner
    if name == "scaled":
        return optimizers.LossScaleOptimizer(inner)
    return optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD(0.1), {".*kernel": inner}))


@pytest.mark.parametrize("name", ["plain", "scaled", "multi"])
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_are_evaluated_and_training_is_the_same(name, swap_on_epoch):
    plain, swapping = model_of(make(name)), model_of(make(name))
    seen = []
    spy = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(swapping.get_weights()[0].tolist()))
    swap = callbacks.SwapEMAWeights(swap_on_epoch)
    options = {"epochs": 3, "batch_size": 5, "verbose": 0, "shuffle": False, "validation_data": (X, Y)}
    a = plain.fit(X, Y, **options).history
    b = swapping.fit(X, Y, callbacks=[swap, spy], **options).history
    assert a["loss"] == b["loss"]
    assert a["val_loss"] != b["val_loss"]
    for left, right in zip(plain.get_weights(), swapping.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
    assert swapping.evaluate(X, Y, batch_size=5, verbose=0) == b["val_loss"][-1]
    assert (seen[-1] == swapping.get_weights()[0].tolist()) == swap_on_epoch


def test_there_must_be_averages():
    for optimizer in (optimizers.SGD(), several()):
        with pytest.raises(ValueError, match="`use_ema=True` is set"):
            model_of(optimizer).fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=callbacks.SwapEMAWeights())
