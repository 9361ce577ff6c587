"""Writing on: a language model's text, token by token."""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from dlrs import layers, ops
from dlrs.backend import function
from dlrs.backend.checks import check_type
from dlrs.models import Sequential
from dlrs.text.checks import check_count, check_ids
from dlrs.text.sampling import as_logits, check_sampling, draw
from dlrs.text.vocabulary import Vocabulary

Array = np.ndarray[Any, Any]

# Layers that treat each time step alone, so that a step may be computed without the others.
_POINTWISE = (
    layers.Activation, layers.Dense, layers.Dropout, layers.Embedding, layers.Identity, layers.InputLayer,
    layers.LayerNormalization, layers.RMSNormalization, layers.ReLU, layers.Rescaling, layers.TimeDistributed,
)  # fmt: skip
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

    A `Sequential` model of recurrent layers and layers that treat every step alone (`Dense`, `Embedding`, ...) is run
    one step at a time: its recurrent layers carry their states, and nothing of the past is computed again. The states
    begin at zero. Any other model is run over the last `window` tokens for every new one.

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
        window: how many tokens a model that is not stepped is given at most; all by default.

    Returns:
        Prompt and what follows: a text if there is a vocabulary, otherwise a vector of ids; a list of several for a
        list of prompts. EOS is the last of the ids if it was drawn.

    Raises:
        ValueError: a prompt is empty, or an argument is out of range.

    >>> import dlrs
    >>> model = dlrs.Sequential([layers.Embedding(5, 3), layers.SimpleRNN(4, return_sequences=True), layers.Dense(5)])
    >>> len(generate(model, [1, 2], max_new_tokens=3, seed=0))
    5
    """
    check_sampling("generate", temperature, top_k, top_p)
    count = check_count("generate", "max_new_tokens", max_new_tokens, 0)
    check_type("generate", "vocabulary", vocabulary, Vocabulary, "a `text.Vocabulary`", optional=True)
    prompts, single = _prompts(prompt, vocabulary)
    if eos is None and vocabulary is not None:
        eos = vocabulary.eos_id
    never = check_ids("generate", "exclude", exclude)
    seeds = None if seed is None else check_count("generate", "seed", seed, 0)
    children = np.random.SeedSequence(seeds).spawn(len(prompts))
    uniform = np.stack([np.random.default_rng(child).random(count) for child in children])
    texts = [list(p) for p in prompts]
    decoder = _Stepped(model, len(texts)) if _can_step(model) else _Rerun(model, window)
    done = [count == 0] * len(texts)
    time = 0
    while not all(done):
        scores = decoder.scores(texts, time)
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


class _Rerun:
    """Scores by running the model over what has been written."""

    def __init__(self, model: Any, window: int | None) -> None:
        self.model = model
        self.window = 0 if window is None else check_count("generate", "window", window)

    def scores(self, texts: list[list[int]], time: int) -> Array:
        rows = []
        for text in texts:
            ids = np.array([text[: time + 1][-self.window :]], np.int32)
            out = np.asarray(self.model(ids, training=False))
            rows.append(out[0, -1] if out.ndim == 3 else out[0])
        return np.stack(rows)


class _Stepped:
    """Scores by one step of all texts, the states carried on."""

    def __init__(self, model: Any, batch: int) -> None:
        if model not in _STEPS:
            _STEPS[model] = _step_of(model)
        self.step = _STEPS[model]
        recurrent = [layer for layer in model.layers if isinstance(layer, layers.RNN)]
        if not all(layer.built for layer in model.layers):
            model(np.zeros((1, 1), np.int32))
        self.states = [_as_list(layer.get_initial_state(batch)) for layer in recurrent]

    def scores(self, texts: list[list[int]], time: int) -> Array:
        # Texts that have ended are fed their last token; what comes of it is not used.
        ids = np.array([[text[min(time, len(text) - 1)]] for text in texts], np.int32)
        scores, self.states = self.step(ids, self.states)
        return np.asarray(scores)


def _can_step(model: Any) -> bool:
    if not isinstance(model, Sequential):
        return False
    recurrent = [layer for layer in model.layers if isinstance(layer, layers.RNN)]
    others = [layer for layer in model.layers if not isinstance(layer, layers.RNN)]
    return (
        bool(recurrent)
        and all(isinstance(layer, _POINTWISE) for layer in others)
        and all(layer.return_sequences and not layer.go_backwards for layer in recurrent[:-1])
        and not recurrent[-1].go_backwards
    )


def _step_of(model: Any) -> Callable[..., Any]:
    """One step of the model: ids (batch, 1) and states to scores (batch, tokens) and the states after it."""

    def step(ids: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        x, after, number = ids, [], 0
        for layer in model.layers:
            if isinstance(layer, layers.RNN):
                x, new = layer.cell(x[:, 0], states[number], training=False)
                x, number = ops.expand_dims(x, 1), number + 1
                after.append(_as_list(new))
            elif not isinstance(layer, layers.InputLayer | layers.Dropout):
                x = layer(x)
        return x[:, 0], after

    compiled: Callable[..., Any] = function(step)
    return compiled


def _as_list(states: Any) -> list[Any]:
    return list(states) if isinstance(states, list | tuple) else [states]


def _prompts(prompt: Any, vocabulary: Vocabulary | None) -> tuple[list[list[int]], bool]:
    """The ids of each prompt, and whether there is but one."""
    if isinstance(prompt, str):
        prompt, single = [prompt], True
    else:
        if not isinstance(prompt, Sequence | np.ndarray) or len(prompt) == 0:
            raise ValueError(f"generate: `prompt` must be a text, token ids, or a list of these, got {prompt!r:.60}.")
        single = np.ndim(prompt[0]) == 0 and not isinstance(prompt[0], str)
        prompt = [prompt] if single else prompt
    rows = []
    for number, one in enumerate(prompt):
        if isinstance(one, str):
            if vocabulary is None:
                raise ValueError(
                    f"generate: prompt {number} is a text, {one!r:.60}; `vocabulary` is needed to read it."
                )
            one = vocabulary.encode(one, bos=True)
        rows.append(check_ids("generate", "prompt", one, None if vocabulary is None else len(vocabulary)).tolist())
        if not rows[-1]:
            raise ValueError(f"generate: prompt {number} has no tokens.")
    return rows, single
