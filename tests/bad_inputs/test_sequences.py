"""What layers and functions for sequences, texts and sounds refuse, and in which words."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dlrs
from dlrs import audio, layers, ops
from dlrs.errors import FormatError

SEQUENCES = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
RAGGED = [[1, 2, 3], [4, 5]]

RECURRENT = {
    "LSTM": lambda: layers.LSTM(4),
    "GRU": lambda: layers.GRU(4),
    "GRU, reset before": lambda: layers.GRU(4, reset_after=False),
    "SimpleRNN": lambda: layers.SimpleRNN(4),
    "RNN": lambda: layers.RNN(layers.LSTMCell(4)),
    "StackedRNNCells": lambda: layers.RNN([layers.GRUCell(4), layers.LSTMCell(4)]),
    "Bidirectional": lambda: layers.Bidirectional(layers.GRU(4)),
}


@pytest.fixture
def model() -> Any:
    result = dlrs.Sequential([layers.Embedding(10, 4, name="words"), layers.LSTM(4), layers.Dense(1)])
    result.compile("sgd", "mse")
    return result


RANKS = [(name, shape) for name in RECURRENT for shape in [(3,), (2, 3), (2, 3, 4, 5)]]


@pytest.mark.parametrize(("name", "shape"), RANKS)
def test_another_rank(name: str, shape: tuple[int, ...]) -> None:
    layer = RECURRENT[name]()
    with pytest.raises(ValueError, match=r"\(batch, time, features\)") as error:
        layer(np.ones(shape, "float32"))
    assert layer.name in str(error.value) and str(shape) in str(error.value)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_another_rank_for_a_cell_of_ones_own(shape: tuple[int, ...]) -> None:
    layer = layers.RNN(cell_of(lambda inputs, states: (states[0], states)))
    assert layer(np.ones((2, 5, 4, 3), "float32")).shape == (2, 3)  # what a step holds is for the cell to say
    with pytest.raises(ValueError, match=r"its rank must be at least 3, .*\(batch, time, features\)"):
        layer(np.ones(shape, "float32"))


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("inputs", [None, [], [None]])
def test_no_sequences_at_all(name: str, inputs: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a tensor, got None|expects 1 input\(s\), but it received 0"):
        RECURRENT[name]()(inputs)


def cell_of(step: Any, state_size: Any = 3, output_size: int = 3) -> Any:
    """A cell that computes this step."""

    class Cell(layers.Layer):
        def call(self, inputs: Any, states: Any) -> Any:
            return step(inputs, states)

    cell = Cell()
    cell.state_size, cell.output_size = state_size, output_size
    return cell


STEPS = {
    "a state that grows": (lambda x, s: (x, [ops.tile(s[0], (1, 2))]), r"leave the shapes .* \[\(2, 3\)\].*\(2, 6\)"),
    "a state more": (lambda x, s: (x, [s[0], s[0]]), r"returned \[\(2, 3\), \(2, 3\)\]"),
    "another output": (lambda x, s: (x[:, :2], s), r"must have the shape \(2, 3\), as its `output_size`.*\(2, 2\)"),
    "no output": (lambda x, s: (None, s), "returned NoneType"),
    "several outputs": (lambda x, s: ([x, x], s), "returned list"),
    "no states": (lambda x, s: x, "must return the output and the next states, got Tensor"),
    "three things": (lambda x, s: (x, s, s), "must return the output and the next states, got 3 values"),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("mask", [None, np.ones((2, 3), bool)])
def test_a_cell_that_is_not_as_it_says(name: str, unroll: bool, length: int, mask: Any) -> None:
    step, message = STEPS[name]
    layer, mask = layers.RNN(cell_of(step), unroll=unroll), mask if mask is None else mask[:, :length]
    with pytest.raises(ValueError, match=rf"'{layer.name}'.*{message}"):
        layer(SEQUENCES[:, :length, :3], mask=mask)


CELLS = [layers.LSTMCell, layers.PeepholeLSTMCell, layers.GRUCell, layers.SimpleGRUCell, layers.SimpleRNNCell]


@pytest.mark.parametrize("cls", CELLS)
def test_states_that_a_cell_does_not_have(cls: Any) -> None:
    cell, x, h = cls(3), SEQUENCES[:, 0], np.zeros((2, 3), "float32")
    parts = len(cell.get_initial_state(2))
    wrong = [None, [], [h] * (parts + 1), [h[:, :2]] * parts, [h[:1]] * parts, [None] * parts]
    for states in (*wrong, *([] if parts == 1 else [[h], h])):
        with pytest.raises(ValueError, match=rf"'{cell.name}': the state before a step must be .* shapes \[\(2, 3\)"):
            cell(x, states)
    with pytest.raises(ValueError, match=r"one step have the shape \(batch, features\), got \(2, 3, 4\)\. `RNN"):
        cls(3)(SEQUENCES, [h] * parts)
    assert cell(x, [h] * parts)[0].shape == (2, 3)
    assert cell(dlrs.Input((4,)), [dlrs.Input((3,))] * parts)[0].shape == (None, 3)


def test_states_that_a_stack_of_cells_does_not_have() -> None:
    cell, h = layers.StackedRNNCells([layers.LSTMCell(3), layers.GRUCell(3)]), np.zeros((2, 3), "float32")
    for states in ([[h, h]], None, [[h, h], [h], [h]]):
        with pytest.raises(ValueError, match=f"'{cell.name}': .*those of its 2 cells"):
            cell(SEQUENCES[:, 0], states)
    with pytest.raises(ValueError, match=r"the state before a step must be a list .* got \[\(2, 3\)\]"):
        cell(SEQUENCES[:, 0], [h, h])


@pytest.mark.parametrize(
    ("data_format", "axes"), [("channels_last", "time, channels"), ("channels_first", "channels, time")]
)
def test_a_spectrogram_of_another_rank(data_format: str, axes: str) -> None:
    for inputs in (SEQUENCES[0], dlrs.Input((300,))):
        with pytest.raises(ValueError, match=rf"its rank must be 3, for signals have the shape \(batch, {axes}\)"):
            layers.STFTSpectrogram(data_format=data_format)(inputs)


@pytest.mark.parametrize("name", RECURRENT)
def test_other_features_than_before(name: str) -> None:
    layer = RECURRENT[name]()
    layer(dlrs.Input((5, 3)))
    for inputs in (dlrs.Input((5, 2)), SEQUENCES[:, :, :2]):
        with pytest.raises(ValueError, match=f"'{layer.name}'.*axis -1 must have size 3"):
            layer(inputs)


def test_steps_that_a_wrapped_layer_does_not_take() -> None:
    layer = layers.TimeDistributed(layers.Dense(2, name="each"))
    layer(dlrs.Input((5, 3)))
    with pytest.raises(ValueError, match=r"'each'.*axis -1 must have size 3"):
        layer(dlrs.Input((5, 2)))


@pytest.mark.parametrize("name", RECURRENT)
def test_no_steps(name: str) -> None:
    with pytest.raises(ValueError, match=r"sequences must have steps, got the shape \(2, 0, 4\)"):
        RECURRENT[name]()(SEQUENCES[:, :0])


@pytest.mark.parametrize("name", RECURRENT)
def test_sequences_that_are_masked_altogether(name: str) -> None:
    layer, x = RECURRENT[name](), dlrs.Variable(SEQUENCES)
    mask = np.array([[False] * 3, [True] * 3])
    with dlrs.GradientTape() as tape:
        y = layer(x, mask=mask)
        total = ops.sum(y)
    assert not np.asarray(y)[0].any() and np.asarray(y)[1].any()
    d, *weights = tape.gradient(total, [x, *layer.trainable_weights])
    assert not np.asarray(d)[0].any() and np.asarray(d)[1].any()
    assert all(np.isfinite(np.asarray(w)).all() for w in weights)


def test_the_mean_of_nothing_is_zero() -> None:
    model = dlrs.Sequential([layers.Embedding(5, 3, mask_zero=True), layers.GlobalAveragePooling1D(), layers.Dense(2)])
    model.compile("sgd", "mse")
    history = model.fit(np.array([[1, 2], [0, 0]]), np.ones((2, 2)), verbose=0)
    assert np.isfinite(history.history["loss"]).all() and all(np.isfinite(w).all() for w in model.get_weights())
    assert not np.asarray(layers.GlobalAveragePooling1D()(SEQUENCES, mask=np.zeros((2, 3), bool))).any()


@pytest.mark.parametrize(
    ("call", "rank"),
    [
        (lambda x: layers.Attention()([x, x]), 2),
        (lambda x: layers.AdditiveAttention()([x, x]), 2),
        (lambda x: layers.MultiHeadAttention(2, 3)(x, x), 2),
        (lambda x: layers.GroupQueryAttention(3, 4, 2)(x, x), 2),
        (lambda x: layers.GroupQueryAttention(3, 4, 2)(x, x), 4),
    ],
)
def test_attention_over_another_rank(call: Any, rank: int) -> None:
    x = np.ones((2, 3, 4, 5)[:rank], "float32")
    for inputs in (x, dlrs.Input(x.shape[1:])):
        with pytest.raises(ValueError, match=r"\(batch, time, features\), got \("):
            call(inputs)


@pytest.mark.parametrize("cls", [layers.Attention, layers.AdditiveAttention])
@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3, 4), (2, 5, 3)], "features of query and key must be as many, got 4 and 3"),
        ([(2, 3, 4), (2, 5, 4), (2, 3, 4)], "positions of value and key must be as many, got 5 and 3"),
    ],
)
def test_attention_over_what_does_not_fit(cls: Any, shapes: Any, message: str) -> None:
    for make in (np.ones, lambda shape: dlrs.Input(shape[1:])):
        with pytest.raises(ValueError, match=f"'{cls.__name__.lower()[:4]}.*{message}"):
            cls()([make(shape) for shape in shapes])
    layer = cls()
    layer([np.ones((2, 3, 4))] * 2)
    with pytest.raises(ValueError, match=message):  # when it is built, too
        layer([np.ones(shape) for shape in shapes])


@pytest.mark.parametrize("cls", [lambda: layers.MultiHeadAttention(2, 3), lambda: layers.GroupQueryAttention(3, 4, 2)])
def test_attention_to_no_value(cls: Any) -> None:
    layer = cls()
    for _ in range(2):
        with pytest.raises(ValueError, match="`value` must be a tensor, got None"):
            layer(SEQUENCES, None)
        layer(SEQUENCES, SEQUENCES)
    with pytest.raises(
        ValueError, match=r"`attention_mask` must have the shape \(batch, targets, sources\), got \(3,\)"
    ):
        layer(SEQUENCES, SEQUENCES, attention_mask=np.ones(3, bool))


@pytest.mark.parametrize("shape", [0, -1, (3, 0)])
def test_attention_without_outputs(shape: Any) -> None:
    with pytest.raises(ValueError, match="`output_shape` must be positive"):
        layers.MultiHeadAttention(2, 3, output_shape=shape)


def test_signals_shorter_than_a_frame() -> None:
    for inputs in (np.ones((2, 10, 1), "float32"), dlrs.Input((10, 1))):
        with pytest.raises(ValueError, match="signals of 10 samples have no frame of 16; `padding='same'` extends"):
            layers.STFTSpectrogram(frame_length=np.int64(16))(inputs)
        assert layers.STFTSpectrogram(frame_length=16, padding="same")(inputs).shape[1:] == (2, 9)


def test_signals_of_different_lengths() -> None:
    for layer in (layers.MelSpectrogram(), layers.Normalization(mean=0.0, variance=1.0)):
        with pytest.raises(ValueError, match=r"`utils\.pad_sequences`"):
            layer([[0.0] * 3000, [0.0] * 200])


def test_sizes_of_numpy_are_sizes() -> None:
    assert layers.LSTM(np.int64(3))(SEQUENCES).shape == (2, 3)
    assert layers.MultiHeadAttention(np.int64(2), np.int32(4))(SEQUENCES, SEQUENCES).shape == SEQUENCES.shape
    with pytest.raises(ValueError, match=r"`units`, expected a positive integer, below 2\*\*31.*1000000000000"):
        layers.LSTM(10**12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RNN([]), "a cell at least"),
        (lambda: layers.RNN(layers.LSTM(3)), "LSTM is a layer of its own"),
        (lambda: layers.Bidirectional(layers.Dense(3)), "Dense has no go_backwards, return_sequences"),
        (lambda: layers.LSTM(3, implementation=7), "`implementation` must be 0, 1 or 2, got 7"),
    ],
)
def test_what_is_no_cell_or_no_recurrent_layer(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [lambda: layers.LSTM(3), lambda: layers.TimeDistributed(layers.Masking())])
def test_masks_may_be_lists(make: Any) -> None:
    mask = [[True, False, True], [True, True, False]]
    layer = make()
    np.testing.assert_array_equal(layer(SEQUENCES, mask=mask), layer(SEQUENCES, mask=np.array(mask)))


@pytest.mark.parametrize(
    ("mask", "message"),
    [([True, False, True], r"got \(3,\)"), ([[True], [True, False]], "`mask`: lists or arrays of different lengths")],
)
def test_lists_that_are_no_masks(mask: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"'memory'.*{message}"):
        layers.GRU(3, name="memory")(SEQUENCES, mask=mask)


@pytest.mark.parametrize("sizes", [[], [3, "a"], -1, True, 2.5, [[]]])
def test_sizes_that_no_state_has(sizes: Any) -> None:
    with pytest.raises(ValueError, match="state_size must be an integer, or a list/tuple of integers"):
        layers.RNN(cell_of(None, sizes))


def test_sizes_of_numpy_are_sizes_of_states() -> None:
    for sizes in (np.int64(3), [np.int32(3)]):
        layer = layers.RNN(cell_of(lambda x, s: (s[0], s), sizes, np.int64(3)), return_state=True)
        assert (
            [y.shape for y in layer(SEQUENCES)] == [(2, 3), (2, 3)] == [y.shape for y in layer(dlrs.Input((3, 4), 2))]
        )


@pytest.mark.parametrize("first", [None, [], [np.zeros((2, 3))] * 2])
@pytest.mark.parametrize("given", [None, np.zeros((2, 3), "float32")])
def test_first_states_that_a_cell_does_not_have(first: Any, given: Any) -> None:
    cell = cell_of(lambda x, s: (s[0], s))
    cell.get_initial_state = lambda batch_size=None: first
    with pytest.raises(
        ValueError, match=r"`Cell\.get_initial_state` must return a tensor for each of `state_size`, \[3\]"
    ):
        layers.RNN(cell)(SEQUENCES, initial_state=given)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN", "RNN"])
def test_first_states_of_a_model(name: str) -> None:
    layer, x = RECURRENT[name](), dlrs.Input((3, 4))
    parts = len(layer.state_size)
    for states in ([dlrs.Input((5,))] * parts, [dlrs.Input((4,))] * (parts + 1), [dlrs.Input((4, 1))] * parts):
        with pytest.raises(ValueError, match=r"`initial_state` must have the shapes \[\(None, 4\)"):
            layer(x, initial_state=states)
    assert layer(x, initial_state=[dlrs.Input((4,))] * parts).shape == (None, 4)


def test_two_directions_of_different_widths() -> None:
    def both(merge_mode: str | None, **options: Any) -> Any:
        back = layers.GRU(1, go_backwards=True, **options)
        return layers.Bidirectional(layers.LSTM(3, **options), merge_mode, backward_layer=back)

    for x in (SEQUENCES, dlrs.Input((3, 4), 2)):
        assert both("concat")(x).shape == (2, 4)
        assert [y.shape[-1] for y in both(None, return_state=True)(x)] == [3, 1, 3, 3, 1]
        for merge_mode in ("sum", "mul", "ave"):
            with pytest.raises(
                ValueError, match="both layers must give as many features, got 3 forward and 1 backward"
            ):
                both(merge_mode)(x)
    state = np.zeros((2, 3), "float32")
    assert both("concat")(SEQUENCES, initial_state=[state, state, state[:, :1]]).shape == (2, 4)


@pytest.mark.parametrize("states", [[np.zeros((2, 4))], [np.zeros((2, 4))] * 3, np.zeros((2, 4))])
def test_first_states_of_two_directions(states: Any) -> None:
    with pytest.raises(
        ValueError, match="`initial_state` must be a list of the 2 states, those of the forward layer first"
    ):
        layers.Bidirectional(layers.GRU(4))(SEQUENCES, initial_state=states)


@pytest.mark.parametrize("cls", [layers.Attention, layers.AdditiveAttention])
def test_attention_to_nothing_is_zero(cls: Any) -> None:
    y = cls()([SEQUENCES, SEQUENCES], mask=[None, np.array([[False] * 3, [True] * 3])])
    assert not np.asarray(y)[0].any() and np.asarray(y)[1].all()


@pytest.mark.parametrize("wrong", [10, -1, -(2**31)])
def test_an_id_outside_the_vocabulary(model: Any, wrong: int) -> None:
    ids = np.array([[1, 2, 3], [4, wrong, 5]], "int32")
    message = rf"Embedding layer 'words', lookup: id {wrong} at position \(1, 1\) of the inputs is not in \[0, 10\)"
    model.predict(ids[:1], verbose=0)
    before = model.get_weights()
    fit = functools.partial(model.fit, ids, np.ones((2, 1)), shuffle=False, verbose=0)
    for call in (lambda: model(ids), lambda: model.predict(ids, verbose=0), fit):
        with pytest.raises(IndexError, match=message):
            call()
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("wrong", [4, -1])
def test_an_id_outside_a_small_vocabulary(wrong: int) -> None:
    """Where more ids than rows are looked up, the compiler multiplies the table and not what was looked up."""
    model = dlrs.Sequential([layers.Embedding(4, 3, name="letters"), layers.LSTM(5), layers.Dense(2)])
    model.compile("sgd", "mse")
    ids = np.arange(48).reshape(8, 6) % 4
    model.predict(ids, verbose=0)
    ids[3, 2] = wrong
    fit = functools.partial(model.fit, ids, np.ones((8, 2)), shuffle=False, verbose=0)
    for call in (lambda: model.predict(ids, verbose=0), fit):
        with pytest.raises(IndexError, match=rf"'letters', lookup: id {wrong} at position \(3, 2\) of the inputs"):
            call()


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_an_id_in_a_later_batch_is_found_before_the_first(dtype: str) -> None:
    words, lengths = dlrs.Input((3,), dtype="int32"), dlrs.Input((1,))
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(5, 4, name="words")(words))
    model = dlrs.Model([lengths, words], layers.Dense(1)(layers.Concatenate()([pooled, lengths])))
    model.compile("adam", "mse")
    ids = np.ones((40, 3), dtype)
    ids[33, 1] = wrong = np.nan if dtype == "float32" else 2**40 if dtype == "int64" else 9
    before = model.get_weights()
    for call in (
        lambda: model.fit([np.ones((40, 1)), ids], np.ones((40, 1)), batch_size=8, verbose=0),
        lambda: model.evaluate([np.ones((40, 1)), ids], np.ones((40, 1)), batch_size=8, verbose=0),
        lambda: model.predict([np.ones((40, 1)), ids], batch_size=8, verbose=0),
    ):
        with pytest.raises(IndexError, match=rf"'words', lookup: id {wrong} at position \(33, 1\) of the inputs"):
            call()
    assert model.optimizer.iterations.numpy() == 0
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_ids_are_found_in_subclassed_models_and_iterators() -> None:
    class Reader(dlrs.Model):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.score = layers.Embedding(5, 4, name="words"), layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.score(self.words(inputs)[:, 0])

    model = Reader()
    model.compile("sgd", "mse")
    ids = np.ones((8, 3), "int64")
    ids[7, 2] = -1
    with pytest.raises(IndexError, match=r"id -1 at position \(7, 2\) of the inputs is not in \[0, 5\)"):
        model.fit(ids, np.ones((8, 1)), batch_size=4, verbose=0)
    with pytest.raises(IndexError, match=r"id -1 at position \(3, 2\) of the inputs"):
        model.fit(((ids[i : i + 4], np.ones((4, 1))) for i in (0, 4)), verbose=0)


def test_lists_of_different_lengths(model: Any) -> None:
    for call in (lambda: model.fit(RAGGED, np.ones(2)), lambda: model.predict(RAGGED), lambda: model(RAGGED)):
        with pytest.raises(ValueError, match=r"`utils\.pad_sequences`"):
            call()


def as_objects(rows: Any) -> np.ndarray:
    objects = np.empty(len(rows), object)
    objects[:] = rows
    return objects


ROWS = {
    "lists": RAGGED,
    "arrays": [np.array(row) for row in RAGGED],
    "tensors": [ops.array(row) for row in RAGGED],
    "an array of lists": as_objects(RAGGED),
    "an array of arrays": as_objects([np.array(row) for row in RAGGED]),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_different_lengths(model: Any, name: str) -> None:
    rows, y = ROWS[name], np.ones(2)
    calls = [
        lambda: model.fit(rows, y, verbose=0),
        lambda: model.evaluate(rows, y, verbose=0),
        lambda: model.predict(rows, verbose=0),
        lambda: model.predict_on_batch(rows),
        lambda: model.fit(np.ones((2, 3)), rows, verbose=0),
        lambda: model.fit(iter([(rows, y)]), verbose=0),
        lambda: model(rows),
        lambda: layers.LSTM(3)(rows),
        lambda: ops.convert_to_tensor(rows),
        lambda: ops.sum(rows),
        lambda: dlrs.Variable(rows),
    ]
    if not isinstance(rows, np.ndarray):  # whose entries may be padded in batches
        calls += [
            lambda: dlrs.data.Dataset.from_tensor_slices(rows),
            lambda: dlrs.data.Dataset.from_tensor_slices((rows, y)),
            lambda: dlrs.data.Dataset.from_tensor_slices({"x": rows, "y": y}),
        ]
    for call in calls:
        with pytest.raises((TypeError, ValueError), match=r"`utils\.pad_sequences`"):
            call()


def test_an_array_of_objects_that_are_no_rows() -> None:
    for values, kind in ((np.array([1, None], object), "None"), (np.array(["a"], object), "text")):
        with pytest.raises(ValueError, match=kind) as error:
            dlrs.Sequential([layers.Dense(1)]).predict(values, verbose=0)
        assert "pad_sequences" not in str(error.value)


def test_another_batch_size_than_the_state_has() -> None:
    layer = layers.GRU(4, stateful=True, name="memory")
    layer(SEQUENCES)
    state = np.asarray(layer.states[0])
    with pytest.raises(ValueError, match=r"Layer 'memory': .*the same as the batch size of its state, 2; it is 1"):
        layer(SEQUENCES[:1])
    np.testing.assert_array_equal(layer.states[0], state)


def test_a_cell_without_the_size_of_its_state() -> None:
    class Cell(layers.Layer):
        def call(self, inputs: Any, states: Any) -> Any:
            return inputs, states

    with pytest.raises(ValueError, match="`cell` must have an attribute `state_size`, which Cell has not"):
        layers.RNN(Cell())


def test_sound_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, np.zeros(1000), 8000)
    with pytest.raises(ValueError, match=r"8000 samples a second, not 16000.*audio\.resample"):
        audio.read_wav(path, 16000)
    content = path.read_bytes()
    for length in (0, 20, 44, 500, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(FormatError, match=r"a\.wav: WAV"):
            audio.read_wav(path)
