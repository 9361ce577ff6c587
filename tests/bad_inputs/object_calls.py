"""Good calls of classes: a constructor together with the first use, and the methods of an object that has state."""

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import dlrs
from bad_inputs.function_calls import LABELS, ONE_HOT, X, double, given
from bad_inputs.good import Call, Good, call
from dlrs import audio, callbacks, layers, models, optimizers, saving, vision
from layers.test_layer_table import ROWS as LAYER_ROWS
from losses.test_gradients import ROWS as LOSS_ROWS

LAYER_KEYWORDS = ("name", "dtype", "trainable", "activity_regularizer")

# The required arguments of layers.
LAYERS: dict[str, Any] = {
    "Activation": given("tanh"),
    "AlphaDropout": given(0.5),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"), given(2)),
    **{f"Adaptive{kind}Pooling{axes}D": given(2) for kind in ("Average", "Max") for axes in (1, 2, 3)},
    "CachedMultiHeadAttention": given(2, 3),
    "CategoryEncoding": given(6),
    "CenterCrop": given(2, 3),
    "Resizing": given(3, 7),
    "Discretization": given([-0.6, 0.0, 0.85]),
    "Rescaling": given([0.5, 2.0, 1.0], 0.25),
    "Cropping3D": given(data_format="channels_first"),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D"), given(2, 2)),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), given(2, 2)),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), given(2)),
    **dict.fromkeys(("GRU", "LSTM", "SimpleRNN"), given(2)),
    "Dense": given(2),
    "Dot": given(-1),
    "Dropout": given(0.5),
    "EinsumDense": given("abc,cd->abd", (None, 2)),
    "Embedding": given(6, 3),
    "GaussianDropout": given(0.5),
    "GaussianNoise": given(0.5),
    "GroupNormalization": given(2),
    "GroupedQueryAttention": given(2, 4, 2),
    "MFCC": given(2, fft_length=8, sequence_stride=3, num_mel_bins=3),
    "MelSpectrogram": given(8, 3, num_mel_bins=3),
    "MultiHeadAttention": given(2, 3),
    "STFTSpectrogram": given("log", 4, 2),
    "Lambda": given(double),
    "Permute": given((2, 1)),
    "Pipeline": given([layers.RandomFlip(), layers.Rescaling(0.5)]),
    "PositionEmbedding": given(7),
    "RandomBrightness": given(0.5),
    "RandomColorDegeneration": given(0.5),
    "RandomContrast": given(0.5),
    "RandomCrop": given(2, 3),
    "RandomHue": given(0.5),
    "RandomPosterization": given(3),
    "RandomRotation": given(0.2),
    "RandomSaturation": given(0.5),
    "RandomSharpness": given(0.5),
    "RandomTranslation": given(0.2, 0.3),
    "RandomZoom": given(0.2),
    "RepeatVector": given(3),
    "Reshape": given((2, -1)),
    "ReversibleEmbedding": given(6, 3),
    "SpatialDropout1D": given(0.5),
    "SpatialDropout2D": given(0.5),
    "SpatialDropout3D": given(0.5),
    "TokenAndPositionEmbedding": given(6, 7, 4),
    "TransformerDecoder": given(3, 2),
    "TransformerEncoder": given(3, 2),
    "UpSampling2D": given((1, 2)),
}
MERGES = ("add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract")


def hidden(cls: type, base: type) -> tuple[str, ...]:
    """Parameters of a base class that a class takes as `**kwargs`."""
    return tuple(name for name in inspect.signature(base).parameters if name not in inspect.signature(cls).parameters)


# The layers that a layer is made around.
INNER: dict[str, Callable[[], Any]] = {
    "Bidirectional": lambda: layers.GRU(2),
    "RNN": lambda: layers.GRUCell(2),
    "SpectralNormalization": lambda: layers.Dense(2),
    "TimeDistributed": lambda: layers.Dense(2),
}


def layer_inputs(name: str) -> list[Any]:
    """The positional arguments of a good call."""
    row = LAYER_ROWS[name][0]
    arrays = row.inputs("float32")
    return arrays if row.spread or len(arrays) == 1 else [arrays]


def make_layer(name: str) -> Call:
    cls = getattr(layers, name)
    args, kwargs = LAYERS.get(name, given())
    if name in INNER:
        args = (INNER[name](),)
    if name.endswith("Cell"):
        return call(lambda *a, **k: layers.RNN(cls(*a, **k))(*layer_inputs(name)), 2, of=cls, **kwargs)
    if name == "StackedRNNCells":
        return call(
            lambda *a, **k: layers.RNN(cls(*a, **k))(*layer_inputs(name)), [layers.GRUCell(2)], of=cls, **kwargs
        )
    return call(lambda *a, **k: cls(*a, **k)(*layer_inputs(name)), *args, of=cls, **kwargs)


def call_layer(name: str) -> Call:
    layer = LAYER_ROWS[name][0].layer()
    inputs = layer_inputs(name)
    layer(*inputs)
    return call(layer, *inputs, of=layer.call, subject=layer)


def writing(prompt: Any) -> Call:
    model = dlrs.Sequential([layers.Embedding(5, 2), layers.GRU(2, return_sequences=True), layers.Dense(5)])
    return call(dlrs.text.generate, model, prompt, 3, seed=0)


def word_vectors() -> str:
    path = os.path.join(FOLDER, f"bad-inputs-{os.getpid()}.vec")
    with open(path, "w", encoding="utf-8") as file:
        file.write("one 1.0 2.0\ntwo 3.0 4.0\n")
    return path


def of_text_layers() -> Iterator[Good]:
    """Layers that run on the host."""
    yield Good("text.generate", lambda: writing([1, 2]))
    yield Good("text.load_vectors", lambda: call(dlrs.text.load_vectors, word_vectors(), ["one", "two", "three"]))
    yield Good("text.read_vectors", lambda: call(dlrs.text.read_vectors, word_vectors(), 2))
    corpus = ["one two three", "two three one"] * 4
    for cls in (dlrs.text.GloVe, dlrs.text.Word2Vec):

        def fitted(*args: Any, cls: Any = cls, **kwargs: Any) -> Any:
            return cls(*args, **kwargs).fit(corpus, 1, 0)

        name = f"text.{cls.__name__}"
        yield Good(name, lambda fitted=fitted, cls=cls: call(fitted, 2, epochs=1, of=cls))
        yield Good(f"{name}.fit", lambda cls=cls: call(cls(2, epochs=1).fit, corpus, verbose=0))
    texts = ["one two", "two three"]
    for cls, data, kwargs in (
        (layers.IntegerLookup, [[1, 2], [3, 4]], {"vocabulary": [1, 2, 3]}),
        (layers.StringLookup, [["a", "b"], ["c", "d"]], {"vocabulary": ["a", "b", "c"]}),
        (layers.TextVectorization, texts, {"vocabulary": ["one", "two"]}),
        (layers.Hashing, [["a", "b"], ["c", "d"]], {"num_bins": 3}),
        (layers.HashedCrossing, [["a", "b"], [1, 2]], {"num_bins": 3}),
    ):
        name = f"layers.{cls.__name__}"
        yield Good(name, lambda cls=cls, d=data, k=kwargs: call(lambda *a, **b: cls(*a, **b)(d), of=cls, **k))
        layer = cls(**kwargs)
        yield Good(f"{name}.__call__", partial(call, layer, data, of=layer.call))


def boxes_in_images(name: str) -> Good:
    boxes = {"boxes": np.ones((2, 3, 4)), "labels": np.ones((2, 3))}
    inputs = {"images": np.ones((2, 4, 4, 3)), "bounding_boxes": boxes}

    def made(*args: Any, **kwargs: Any) -> Any:
        return layers.MaxNumBoundingBoxes(*args, bounding_box_format="xyxy", **kwargs)

    if name.endswith("__call__"):
        layer = made(2)
        return Good(name, lambda: call(layer, inputs, of=layer.call))
    cls = layers.MaxNumBoundingBoxes
    return Good(name, lambda: call(lambda *a, **k: made(*a, **k)(inputs), 2, fill_value=0, of=cls))


def of_layers() -> Iterator[Good]:
    yield from of_text_layers()
    for name in LAYER_ROWS:
        yield Good(f"layers.{name}", partial(make_layer, name), LAYER_KEYWORDS)
        yield Good(f"layers.{name}.__call__", partial(call_layer, name), ("training", "mask"))
    for name in MERGES:
        yield Good(f"layers.{name}", partial(call, getattr(layers, name), [X, X]))
    yield Good("layers.Layer", lambda: call(layers.Layer), (*LAYER_KEYWORDS, "autocast", "input_shape", "input_dim"))
    for name in ("layers.MaxNumBoundingBoxes", "layers.MaxNumBoundingBoxes.__call__"):
        yield boxes_in_images(name)
    yield Good("layers.Wrapper", lambda: call(layers.Wrapper, layers.Dense(2)), LAYER_KEYWORDS)
    yield Good("layers.Input", lambda: call(layers.Input, (3,)))
    yield Good("layers.InputLayer", lambda: call(layers.InputLayer, (3,)))
    yield Good("layers.InputSpec", lambda: call(layers.InputSpec))
    yield Good("layers.serialize", lambda: call(layers.serialize, layers.Dense(2)))
    yield Good("layers.deserialize", lambda: call(layers.deserialize, layers.serialize(layers.Dense(2))))


def make_loss(name: str) -> Call:
    cls = getattr(dlrs.losses, name)
    y_true, y_pred, kwargs = LOSS_ROWS[name][0]
    return call(lambda *a, **k: cls(*a, **k)(y_true, y_pred), of=cls, **kwargs)


def call_loss(name: str) -> Call:
    y_true, y_pred, kwargs = LOSS_ROWS[name][0]
    return call(getattr(dlrs.losses, name)(**kwargs), y_true, y_pred)


def of_losses() -> Iterator[Good]:
    for name in LOSS_ROWS:
        yield Good(f"losses.{name}", partial(make_loss, name))
        yield Good(f"losses.{name}.__call__", partial(call_loss, name))
    yield Good("losses.Loss", lambda: call(dlrs.losses.Loss))
    wrapper = dlrs.losses.LossFunctionWrapper
    yield Good("losses.LossFunctionWrapper", lambda: call(wrapper, dlrs.losses.mean_squared_error))


METRICS: dict[str, Any] = {
    "IoU": given(2, (0,)),
    "MeanIoU": given(2),
    "OneHotIoU": given(2, (0,)),
    "OneHotMeanIoU": given(2),
    "MeanMetricWrapper": given(dlrs.losses.mean_squared_error),
    "PrecisionAtRecall": given(0.5),
    "RecallAtPrecision": given(0.5),
    "SensitivityAtSpecificity": given(0.5),
    "SpecificityAtSensitivity": given(0.5),
}
BITS = (X > 0.5).astype(np.float32)


def batch(name: str) -> tuple[Any, ...]:
    if name in ("Mean", "Sum"):
        return (X,)
    if name in ("IoU", "MeanIoU"):
        return LABELS % 2, LABELS % 2
    if name in ("OneHotIoU", "OneHotMeanIoU"):
        return ONE_HOT[:, :2], X[:, :2]
    if name.startswith(("Perplexity", "Sparse")):
        return LABELS, X
    return (ONE_HOT if "Categorical" in name or "Score" in name else BITS), X


def make_metric(name: str) -> Call:
    cls = getattr(dlrs.metrics, name)
    args, kwargs = METRICS.get(name, given())

    def use(*a: Any, **k: Any) -> Any:
        metric = cls(*a, **k)
        metric.update_state(*batch(name))
        return metric.result()

    return call(use, *args, of=cls, **kwargs)


def update_metric(name: str) -> Call:
    args, kwargs = METRICS.get(name, given())
    metric = getattr(dlrs.metrics, name)(*args, **kwargs)
    metric.update_state(*batch(name))
    return call(metric.update_state, *batch(name), subject=metric)


def classes(module: Any) -> list[str]:
    """Exported classes, each once."""
    found = {
        getattr(module, n): n for n in sorted(module.__all__, reverse=True) if isinstance(getattr(module, n), type)
    }
    return sorted(found.values())


def of_metrics() -> Iterator[Good]:
    for name in classes(dlrs.metrics):
        if name != "Metric":
            yield Good(f"metrics.{name}", partial(make_metric, name))
            yield Good(f"metrics.{name}.update_state", partial(update_metric, name))
    yield Good("metrics.Metric", lambda: call(dlrs.metrics.Metric))


def inner_optimizer(name: str) -> tuple[Any, ...]:
    if name == "LossScaleOptimizer":
        return (optimizers.SGD(),)
    return ({}, optimizers.SGD()) if name == "OptimizerMap" else ()


def make_optimizer(name: str) -> Call:
    cls = getattr(optimizers, name)

    def use(*a: Any, **k: Any) -> Any:
        variable = dlrs.Variable(X)
        optimizer = cls(*a, **k)
        optimizer.apply([np.ones_like(X)], [variable])
        return optimizer.get_config()

    return call(use, *inner_optimizer(name), of=cls)


def apply_optimizer(name: str) -> Call:
    variable = dlrs.Variable(X)
    optimizer = getattr(optimizers, name)(*inner_optimizer(name))
    optimizer.apply([np.ones_like(X)], [variable])
    return call(optimizer.apply, [np.ones_like(X)], [variable], subject=[optimizer, variable])


def of_optimizers() -> Iterator[Good]:
    for name in classes(optimizers):
        if name in ("Optimizer", "MultiOptimizer", "OptimizerMap"):
            continue
        more = () if name == "LossScaleOptimizer" else hidden(getattr(optimizers, name), optimizers.Optimizer)
        yield Good(f"optimizers.{name}", partial(make_optimizer, name), more)
        yield Good(f"optimizers.{name}.apply", partial(apply_optimizer, name))
    yield Good("optimizers.Optimizer", lambda: call(optimizers.Optimizer, 0.1))
    sgd = optimizers.SGD
    yield Good("optimizers.OptimizerMap", lambda: call(optimizers.OptimizerMap, sgd()))
    yield Good("optimizers.MultiOptimizer", lambda: call(optimizers.MultiOptimizer, optimizers.OptimizerMap(sgd())))
    yield Good("optimizers.get", lambda: call(optimizers.get, "sgd"))
    yield Good("optimizers.serialize", lambda: call(optimizers.serialize, sgd()))
    yield Good("optimizers.deserialize", lambda: call(optimizers.deserialize, optimizers.serialize(sgd())))


SCHEDULES: dict[str, Any] = {
    "CosineDecay": given(0.1, 10),
    "CosineDecayRestarts": given(0.1, 10),
    "ExponentialDecay": given(0.1, 10, 0.9),
    "InverseTimeDecay": given(0.1, 10, 0.9),
    "PiecewiseConstantDecay": given([1, 2], [0.1, 0.2, 0.3]),
    "PolynomialDecay": given(0.1, 10),
}
SMALL_OBJECTS: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "optimizers.schedules": (SCHEDULES, (3,)),
    "initializers": ({}, ((3, 3),)),
    "regularizers": ({}, (X,)),
    "constraints": ({}, (X,)),
}
BASES = ("Initializer", "RandomInitializer", "Regularizer", "Constraint")


def of_small_objects() -> Iterator[Good]:
    """Schedules, initializers, regularizers and constraints: constructed and called; called."""
    for home, (arguments, use) in SMALL_OBJECTS.items():
        module = dlrs
        for part in home.split("."):
            module = getattr(module, part)
        for name in classes(module):
            cls = getattr(module, name)
            if name == "LearningRateSchedule":
                continue
            if name in BASES:
                yield Good(f"{home}.{name}", partial(call, cls))
                continue
            args, kwargs = arguments.get(name, given())
            inputs = ((8, 1, 5),) if name.startswith(("STFT", "stft")) else use

            def both(*a: Any, cls: Any = cls, inputs: Any = inputs, **k: Any) -> Any:
                return cls(*a, **k)(*inputs)

            yield Good(f"{home}.{name}", partial(call, both, *args, of=cls, **kwargs))
            yield Good(f"{home}.{name}.__call__", lambda c=cls, a=args, k=kwargs, i=inputs: call(c(*a, **k), *i))
        example = getattr(module, "ExponentialDecay" if home == "optimizers.schedules" else classes(module)[0])
        first = arguments.get("ExponentialDecay", given())[0]
        if home == "constraints":
            example = module.NonNeg
        if home == "regularizers":
            example = module.L1
        if home == "initializers":
            example = module.Constant
        yield Good(f"{home}.serialize", lambda m=module, e=example, a=first: call(m.serialize, e(*a)))
        yield Good(f"{home}.deserialize", lambda m=module, e=example, a=first: call(m.deserialize, m.serialize(e(*a))))
        if hasattr(module, "get"):
            yield Good(f"{home}.get", lambda m=module, e=example: call(m.get, e()))
    yield Good("initializers.compute_fans", lambda: call(dlrs.initializers.compute_fans, (3, 4)))


FOLDER = tempfile.gettempdir()
CALLBACKS: dict[str, tuple[Any, ...]] = {
    "LearningRateScheduler": (lambda epoch, rate: rate,),
    "ModelCheckpoint": (os.path.join(FOLDER, f"bad-inputs-{os.getpid()}.dlrs"),),
    "CSVLogger": (os.path.join(FOLDER, f"bad-inputs-{os.getpid()}.csv"),),
    "TensorBoard": (os.path.join(FOLDER, f"bad-inputs-{os.getpid()}-events"),),
    "BackupAndRestore": (os.path.join(FOLDER, f"bad-inputs-{os.getpid()}"),),
}


def of_callbacks() -> Iterator[Good]:
    """Constructed, and told of the ends of two epochs of a model."""
    for name in classes(callbacks):
        cls = getattr(callbacks, name)
        args = CALLBACKS.get(name, ())

        def use(*a: Any, cls: Any = cls, **k: Any) -> Any:
            callback = cls(*a, **k)
            callback.set_model(model())
            callback.set_params({"epochs": 2, "steps": 1})
            callback.on_train_begin()
            for epoch in range(2):
                callback.on_epoch_begin(epoch)
                callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": 1.0})
            callback.on_train_end()

        if name == "Position":
            yield Good("callbacks.Position", partial(call, cls, 0))
        elif name == "CallbackList":
            yield Good("callbacks.CallbackList", partial(call, cls))
        else:
            alone = name in ("SwapEMAWeights", "MonitorCallback", "RemoteMonitor")
            yield Good(f"callbacks.{name}", partial(call, cls if alone else use, *args, of=cls))


def model() -> Any:
    built = dlrs.Sequential([dlrs.Input((4,)), layers.Dense(3, "tanh"), layers.Dense(4)])
    built.compile("adam", "mse", metrics=["mae"])
    return built


def of_model(method: str, *args: Any, **kwargs: Any) -> Good:
    def make() -> Call:
        m = model()
        return call(getattr(m, method), *args, **kwargs, subject=m)

    return Good(f"models.Sequential.{method}", make)


def functional(inputs: Any = None, outputs: Any = None, name: Any = None) -> Any:
    return dlrs.Model(inputs=inputs, outputs=outputs, name=name)


def make_functional() -> Call:
    x = dlrs.Input((4,))
    return call(functional, x, layers.Dense(2)(x), "a_name")


def saved(suffix: str) -> str:
    """The path of a file of the model, saved once in each process."""
    path = os.path.join(tempfile.gettempdir(), f"good-{os.getpid()}{suffix}")
    if not os.path.exists(path):
        (model().save if suffix == ".dlrs" else model().save_weights)(path)
    return path


def on_model(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Good:
    def make() -> Call:
        m = model()
        return call(function, m, *args, subject=m, **kwargs)

    return Good(name, make)


def of_models() -> Iterator[Good]:
    yield of_model("fit", X, X, epochs=1, verbose=0)
    yield of_model("evaluate", X, X, verbose=0)
    yield of_model("predict", X, verbose=0)
    yield of_model("compile", "sgd", "mse")
    yield of_model("train_on_batch", X, X)
    yield of_model("test_on_batch", X, X)
    yield of_model("predict_on_batch", X)
    yield of_model("__call__", X)
    yield of_model("get_layer", None, 0)
    yield of_model("add", layers.Identity())
    yield of_model("set_weights", [np.ones(s, np.float32) for s in ((4, 3), (3,), (3, 4), (4,))])
    yield of_model("save", os.path.join(tempfile.gettempdir(), "bad-inputs.dlrs"))
    yield of_model("save_weights", os.path.join(tempfile.gettempdir(), "bad-inputs.weights.safetensors"))
    yield Good("models.Sequential", lambda: call(dlrs.Sequential, [layers.Dense(2)], of=sequential))
    yield Good("models.Model", make_functional)
    yield Good("models.Functional", make_functional)
    yield Good("models.Ensemble", lambda: call(dlrs.models.Ensemble, [model(), model()]))
    yield from of_feature_space()
    yield from of_vision()
    yield from of_audio()
    yield on_model("models.clone_model", models.clone_model)
    yield on_model("models.feature_extractor", models.feature_extractor)
    yield Good("models.model_from_json", lambda: call(models.model_from_json, model().to_json()))
    yield on_model("utils.gradient_check", dlrs.utils.gradient_check, X, X)
    yield on_model("utils.print_summary", dlrs.utils.print_summary)
    path = os.path.join(tempfile.gettempdir(), "bad-inputs.dlrs")
    yield Good("models.load_model", lambda: call(models.load_model, saved(".dlrs")))
    yield on_model("models.save_model", models.save_model, path)
    yield on_model("saving.save_model", saving.save_model, path)
    yield on_model("saving.save_weights", saving.save_weights, path + ".safetensors")
    yield Good("saving.load_model", lambda: call(saving.load_model, saved(".dlrs")))
    yield Good("saving.KerasFileEditor", lambda: call(saving.KerasFileEditor, saved(".weights.h5")))

    def load() -> Call:
        m = model()
        return call(saving.load_weights, m, saved(".safetensors"), subject=m)

    yield Good("saving.load_weights", load)


def of_vision() -> Iterator[Good]:
    """On a small classifier of pictures, and a small network without pictures."""
    pictures = np.linspace(0, 1, 2 * 6 * 6 * 2, dtype=np.float32).reshape(2, 6, 6, 2)

    def classifier() -> Any:
        return dlrs.Sequential([dlrs.Input((4, 4, 2)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])

    path = os.path.join(FOLDER, f"bad-inputs-{os.getpid()}-features.safetensors")
    yield Good("vision.convolutionalize", lambda: call(vision.convolutionalize, classifier()))
    yield Good("vision.multi_crop", lambda: call(vision.multi_crop, pictures, 4))
    yield Good("vision.multi_crop_predict", lambda: call(vision.multi_crop_predict, classifier(), pictures, 4))
    yield on_model("vision.cached_features", vision.cached_features, X, path, overwrite=True)


def of_audio() -> Iterator[Good]:
    """On a short sound, and on its file."""
    tone = np.sin(np.arange(400) * 0.1).astype(np.float32)
    path = os.path.join(FOLDER, f"bad-inputs-{os.getpid()}.wav")
    clips = [audio.Clip(3, 7, 0)]

    def read() -> Call:
        audio.write_wav(path, tone, 8000)
        return call(audio.read_wav, path, sampling_rate=8000)

    yield Good("audio.read_wav", read)
    yield Good("audio.write_wav", lambda: call(audio.write_wav, path, tone, 8000))
    yield Good("audio.resample", lambda: call(audio.resample, tone, 8000, 6000))
    yield Good("audio.Clip", lambda: call(audio.Clip, 3, 7, 0))
    yield Good("audio.insert_clips", lambda: call(audio.insert_clips, tone, [tone[:9]], seed=0))
    yield Good("audio.trigger_labels", lambda: call(audio.trigger_labels, clips, 400, 10, [0], width=3))


def sequential(layers: Any = None, trainable: Any = True, name: Any = None) -> Any:
    return dlrs.Sequential(layers, trainable, name)


def of_feature_space() -> Iterator[Good]:
    """Made, taught and called; and the call alone."""
    table = {"a": [1.0, 2.0, 4.0], "b": ["x", "y", "x"], "c": [1, 2, 3]}
    kinds = {"a": "float_normalized", "b": "string_categorical", "c": "integer_hashed"}
    cls = dlrs.utils.FeatureSpace

    def run(*args: Any, **kwargs: Any) -> Any:
        space = cls(*args, **kwargs)
        space.adapt(table)
        return space(table)

    yield Good("utils.FeatureSpace", lambda: call(run, kinds, crosses=[("b", "c")], of=cls))
    yield Good("utils.FeatureSpace.adapt", lambda: call(cls(kinds).adapt, table))


def of_saving() -> Iterator[Good]:
    scope = saving.CustomObjectScope
    yield Good("saving.CustomObjectScope", lambda: call(scope, {"double": double}))
    config = saving.serialize_keras_object(layers.Dense(2))
    yield Good("saving.serialize_keras_object", lambda: call(saving.serialize_keras_object, layers.Dense(2)))
    yield Good("saving.deserialize_keras_object", lambda: call(saving.deserialize_keras_object, config))
    yield Good("saving.get_registered_name", lambda: call(saving.get_registered_name, layers.Dense))
    yield Good("saving.get_registered_object", lambda: call(saving.get_registered_object, "Dense"))
    yield Good("saving.register_keras_serializable", lambda: call(saving.register_keras_serializable))
    variable = dlrs.Variable
    yield Good("backend.Variable.assign", lambda: call((v := variable(X)).assign, X, subject=v))


def of_objects() -> Iterator[Good]:
    yield from of_layers()
    yield from of_losses()
    yield from of_metrics()
    yield from of_optimizers()
    yield from of_small_objects()
    yield from of_callbacks()
    yield from of_models()
    yield from of_saving()
