"""Writing on: a language model's text, token by token."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from dlrs import layers, ops
from dlrs.backend import function, tree
from dlrs.backend.checks import check_type
from dlrs.models import Functional, Sequential
from dlrs.text.checks import check_count, check_ids
from dlrs.text.sampling import as_logits, check_sampling, draw
from dlrs.text.vocabulary import Vocabulary

Array = np.ndarray[Any, Any]

# Layers that treat each time step alone, so that a step may be computed without the others.
_POINTWISE = (
    layers.Activation, layers.Dense, layers.Dropout, layers.Embedding, layers.Identity, layers.InputLayer,
    layers.LayerNormalization, layers.RMSNormalization, layers.ReLU, layers.Rescaling, layers.TimeDistributed,
    layers.TokenAndPositionEmbedding,
)  # fmt: skip
# Layers that carry something from step to step.
_CARRYING = (layers.RNN, layers.TransformerDecoder)
# Steps that caches have room for at first; it is doubled when they are full.
_ROOM = 64
_STEPS: WeakKeyDictionary[Any, Callable[..., Any]] = WeakKeyDictionary()


def generate(
    model: Any,
    prompt: Any,
    max_new_tokens: int = 100,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    eos: int | None = None,
    exclude: Sequence[int] = (),
    seed: int | None = None,
    vocabulary: Vocabulary | None = None,
    from_logits: bool = True,
    window: int | None = None,
) -> Any:
    """Let a language model write on.

    A `Sequential` model of recurrent layers, `TransformerDecoder`s and layers that treat every step alone (`Dense`,
    `Embedding`, `TokenAndPositionEmbedding`, ...) is run one step at a time: recurrent layers carry their states,
    decoders the keys and values of the past, and nothing of it is computed again. Any other model, or one with layers
    whose `call` is your own, is run over the last `window` tokens for every new one. The states begin at zero; those
    that stateful layers have stay as they are.

    Args:
        model: takes token ids, shape (batch, time), and gives scores of the next token, shape (batch, time, tokens) or,
            of the last step alone, (batch, tokens).
        prompt: token ids, or with `vocabulary` a text, before which BOS is put; or a list of several, of any lengths.
        max_new_tokens: how many tokens to draw at most.
        temperature, top_k, top_p: see `sample`.
        eos: the id that ends a text; the vocabulary's by default if there is one.
        exclude: ids that are never drawn, such as UNK's.
        seed: an integer. Each prompt of a list draws on its own, by the seed and its place.
        vocabulary: encodes prompts and decodes texts.
        from_logits: whether scores are logits; False for a model that ends in a softmax.
        window: how many tokens a model that is not stepped is given at most; all by default, and where the input of a
            functional model has a fixed number of steps, as that of `window_language_model` has, so many. A
            Transformer with fewer positions than the text has tokens needs one, and is then not stepped.

    Returns:
        Prompt and what follows: a text if there is a vocabulary, otherwise a vector of ids; a list of several for a
        list of prompts. EOS is the last of the ids if it was drawn.

    Raises:
        ValueError: a prompt is empty or has fewer tokens than the fixed number that the model takes, an argument is out
            of range, or the text longer than a Transformer's positions.

    >>> import dlrs
    >>> model = dlrs.Sequential([layers.Embedding(5, 3), layers.SimpleRNN(4, return_sequences=True), layers.Dense(5)])
    >>> len(generate(model, [1, 2], max_new_tokens=3, seed=0))
    5
    """
    check_type("generate", "model", model, layers.Layer, "a model")
    check_sampling("generate", temperature, top_k, top_p)
    count = check_count("generate", "max_new_tokens", max_new_tokens, 0)
    check_type("generate", "vocabulary", vocabulary, Vocabulary, "a `text.Vocabulary`", optional=True)
    prompts, single = prompts_of("generate", prompt, vocabulary)
    if eos is None and vocabulary is not None:
        eos = vocabulary.eos_id
    if eos is not None:
        eos = check_count("generate", "eos", eos, 0)
    if window is not None:
        window = check_count("generate", "window", window)
    never = check_ids("generate", "exclude", exclude)
    seeds = None if seed is None else check_count("generate", "seed", seed, 0)
    children = np.random.SeedSequence(seeds).spawn(len(prompts))
    uniform = np.stack([np.random.default_rng(child).random(count) for child in children])
    texts = [list(p) for p in prompts]
    decoder = decoder_of("generate", model, len(texts), max(map(len, prompts)) + count - 1, window)
    done = [count == 0] * len(texts)
    time = decoder.first(texts)
    with states_kept(model):
        while not all(done):
            scores = decoder.scores(texts, time)
            if eos is not None and eos >= scores.shape[-1]:
                raise ValueError(f"generate: `eos` is {eos}; the model gives scores of {scores.shape[-1]} tokens.")
            active = [row for row, text in enumerate(texts) if not done[row] and time >= len(prompts[row]) - 1]
            if active:
                at = [time - len(prompts[row]) + 1 for row in active]
                rows = scores if len(active) == len(texts) else scores[active]
                logits = _without(as_logits(rows, from_logits), never)
                drawn = draw(logits, uniform[active, at], temperature, top_k, top_p)
                for row, token, place in zip(active, drawn.tolist(), at, strict=True):
                    texts[row].append(token)
                    done[row] = token == eos or place + 1 == count
            time += 1
    results: list[Any] = [np.array(t, np.int32) if vocabulary is None else vocabulary.decode(t) for t in texts]
    return results[0] if single else results


def _without(logits: Array, never: Array) -> Array:
    """`logits` with no chance for the ids `never`."""
    if len(never) == 0:
        return logits
    if never.max() >= logits.shape[-1]:
        raise ValueError(
            f"generate: `exclude` has the id {never.max()}; the model gives scores of {logits.shape[-1]} tokens."
        )
    if len(np.unique(never)) == logits.shape[-1]:
        raise ValueError("generate: `exclude` has every token; there is nothing to draw.")
    logits = logits.copy()
    logits[:, never] = -np.inf
    return logits


def _stateful(model: Any) -> list[Any]:
    return [layer for layer in model._flatten_layers() if isinstance(layer, layers.RNN) and layer.stateful]


@contextmanager
def states_kept(model: Any) -> Iterator[None]:
    """Give stateful layers their states back at the end."""
    kept = [(v, v.numpy()) for layer in _stateful(model) for v in tree.flatten(layer.states or [])]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)


class _Rerun:
    """Scores by running the model over what has been written."""

    def __init__(self, caller: str, model: Any, window: int | None) -> None:
        self.model = model
        self.steps = _fixed_steps(model)
        self.takes = f"{caller}: model {model.name!r} takes {self.steps} tokens at a time"
        if self.steps is not None and window not in (None, self.steps):
            raise ValueError(f"{self.takes}, `window` is {window}.")
        self.window = self.steps or window or 0

    def first(self, texts: list[list[int]]) -> int:
        """The first step whose scores matter: nothing is carried from those before."""
        shortest = min(map(len, texts))
        if self.steps is not None and shortest < self.steps:
            raise ValueError(f"{self.takes}, a prompt has {shortest}.")
        return shortest - 1

    def scores(self, texts: list[list[int]], time: int) -> Array:
        rows = []
        for text in texts:
            ids = np.array([text[: time + 1][-self.window :]], np.int32)
            for layer in _stateful(self.model):
                layer.reset_state()
            out = self.model(ids, training=False)
            if getattr(out, "ndim", None) not in (2, 3):
                found = f"one of shape {tuple(out.shape)}" if hasattr(out, "shape") else type(out).__name__
                raise ValueError(
                    "generate: the model must give one tensor of scores, (batch, time, tokens) or (batch, tokens), got "
                    f"{found}."
                )
            out = np.asarray(out)
            rows.append(out[0, -1] if out.ndim == 3 else out[0])
        return np.stack(rows)

    def follow(self, rows: Array) -> None:
        """Go on with these rows of the batch: nothing is carried."""


class _Stepped:
    """Scores by one step of all texts, the states carried on."""

    def __init__(self, model: Any, batch: int) -> None:
        if model not in _STEPS:
            _STEPS[model] = _step_of(model)
        self.step = _STEPS[model]
        if not all(layer.built for layer in model.layers):
            model(np.zeros((1, 1), np.int32))
        self.room = _ROOM
        self.states: list[Any] = []
        for layer in model.layers:
            if isinstance(layer, layers.RNN):
                output = np.zeros((batch, layer.compute_output_shape((batch, 1, 1))[-1]), layer.compute_dtype)
                self.states.append([output, *_as_list(layer.get_initial_state(batch))])
            elif isinstance(layer, layers.TransformerDecoder):
                self.states.append(layer.get_initial_cache(batch, self.room))

    def first(self, texts: list[list[int]]) -> int:
        """The first step: the states of all are carried on."""
        return 0

    def scores(self, texts: list[list[int]], time: int) -> Array:
        # Texts that have ended are fed their last token; what comes of it is not used.
        ids = np.array([[text[min(time, len(text) - 1)]] for text in texts], np.int32)
        if time == self.room:
            self._double()
        scores, self.states = self.step(ids, self.states, np.array(time, np.int32))
        return np.asarray(scores)

    def follow(self, rows: Array) -> None:
        """Go on with the states of these rows of the batch."""
        self.states = tree.map_structure(lambda state: ops.take(state, rows, axis=0), self.states)

    def _double(self) -> None:
        """Make room for as many steps again: what is copied over a whole text is then linear in its length."""
        longer = ((0, 0), (0, 0), (0, self.room), (0, 0))
        for number, state in enumerate(self.states):
            if isinstance(state, tuple):
                self.states[number] = tuple(ops.pad(part, longer) for part in state)
        self.room *= 2


def decoder_of(
    caller: str, model: Any, batch: int, positions: int, window: int | None, length: str = "max_new_tokens"
) -> "_Stepped | _Rerun":
    """What gives the scores for texts of so many tokens at most."""
    if not _can_step(model):
        return _Rerun(caller, model, window)
    fewest = min(
        (layer for layer in model.layers if isinstance(layer, layers.TokenAndPositionEmbedding)),
        key=lambda layer: layer.sequence_length,
        default=None,
    )
    if fewest is None or positions <= fewest.sequence_length:
        return _Stepped(model, batch)
    if window is None or window > fewest.sequence_length:
        raise ValueError(
            f"{caller}: prompt and `{length}` need {positions} positions; layer {fewest.name!r} has "
            f"{fewest.sequence_length}. A `window` of at most so many lets the model see the last tokens only."
        )
    return _Rerun(caller, model, window)


def _fixed_steps(model: Any) -> int | None:
    """How many tokens the model takes, if its input of shape (batch, steps) says so.

    A `Sequential` model is run on other sizes than it was built for, layer by layer.
    """
    shape = model.input_shape if isinstance(model, Functional) else None
    return shape[1] if isinstance(shape, tuple) and len(shape) == 2 else None


def _can_step(model: Any) -> bool:
    if not isinstance(model, Sequential):
        return False
    carrying = [layer for layer in model.layers if isinstance(layer, _CARRYING)]
    others = [layer for layer in model.layers if not isinstance(layer, _CARRYING)]
    recurrent = [layer for layer in carrying if isinstance(layer, layers.RNN)]
    return (
        bool(carrying)
        and all(isinstance(layer, _POINTWISE) for layer in others)
        and all(map(_computes_as_known, model.layers))
        # A decoder would not see that an earlier token was padding.
        and (len(recurrent) == len(carrying) or not any(getattr(layer, "mask_zero", False) for layer in others))
        and all(layer.return_sequences for layer in recurrent if layer is not carrying[-1])
        and not any(layer.go_backwards for layer in recurrent)
    )


def _computes_as_known(layer: Any) -> bool:
    """Whether what the layer computes is the library's own; a subclass may do something else with a sequence."""
    kind = type(layer)
    methods = [kind.call, *([kind.inner_loop] if isinstance(layer, layers.RNN) else [])]
    return all(method.__module__.partition(".")[0] == "dlrs" for method in methods)


def _step_of(model: Any) -> Callable[..., Any]:
    """One step of the model: ids (batch, 1), states and the place of the step to scores (batch, tokens) and states.

    The states of a recurrent layer are its last output and those of its cell.
    """
    model_of = ref(model)  # steps are kept by their models, and shall not keep them

    def step(ids: Any, states: list[Any], place: Any) -> tuple[Any, list[Any]]:
        x, mask, after = ids, None, list[Any]()
        for layer in model_of().layers:  # type: ignore[union-attr]
            if getattr(layer, "mask_zero", False):
                mask = ops.not_equal(ids, 0)
            if isinstance(layer, layers.RNN):
                new = _recurrent_step(layer, x, states[len(after)], mask)
                x = ops.expand_dims(new[0], 1)
                after.append(new)
            elif isinstance(layer, layers.TransformerDecoder):
                x, cache = layer(
                    x,
                    self_attention_cache=states[len(after)],
                    self_attention_cache_update_index=place,
                    training=False,
                )
                after.append(cache)
            elif isinstance(layer, layers.TokenAndPositionEmbedding):
                x = layer(x, start_index=place)
            elif not isinstance(layer, layers.InputLayer | layers.Dropout):
                x = layer(x)
        return x[:, 0], after

    compiled: Callable[..., Any] = function(step)
    return compiled


def _recurrent_step(layer: Any, x: Any, state: list[Any], mask: Any) -> list[Any]:
    """Output and states of the cell after one step; those before where the step is masked."""
    output, states = layer.cell(x[:, 0], state[1:], training=False)
    new = [output, *_as_list(states)]
    if mask is None:
        return new
    pairs = zip(tree.flatten(new), tree.flatten(state), strict=True)
    kept: list[Any] = tree.pack_sequence_as(new, [ops.where(mask, one, before) for one, before in pairs])
    if layer.zero_output_for_mask:
        kept[0] = ops.where(mask, output, ops.zeros_like(output))
    return kept


def _as_list(states: Any) -> list[Any]:
    return list(states) if isinstance(states, list | tuple) else [states]


def prompts_of(caller: str, prompt: Any, vocabulary: Vocabulary | None) -> tuple[list[list[int]], bool]:
    """The ids of each prompt, and whether there is but one."""
    if isinstance(prompt, str):
        prompt, single = [prompt], True
    else:
        if not isinstance(prompt, Sequence | np.ndarray) or len(prompt) == 0:
            raise ValueError(f"{caller}: `prompt` must be a text, token ids, or a list of these, got {prompt!r:.60}.")
        single = np.ndim(prompt[0]) == 0 and not isinstance(prompt[0], str)
        prompt = [prompt] if single else prompt
    rows = []
    for number, one in enumerate(prompt):
        if isinstance(one, str):
            if vocabulary is None:
                raise ValueError(
                    f"{caller}: prompt {number} is a text, {one!r:.60}; `vocabulary` is needed to read it."
                )
            one = vocabulary.encode(one, bos=True)
        rows.append(check_ids(caller, "prompt", one, None if vocabulary is None else len(vocabulary)).tolist())
        if not rows[-1]:
            raise ValueError(f"{caller}: prompt {number} has no tokens.")
    return rows, single
