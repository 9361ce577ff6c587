"""The neural language model on a window of words."""

from collections.abc import Iterable
from typing import Any

from dlrs import layers
from dlrs.backend.checks import check_flags
from dlrs.models import Model
from dlrs.text.checks import check_count
from dlrs.text.word_vectors import WordVectors


def window_language_model(
    tokens: int,
    context: int = 4,
    vector_size: int = 60,
    hidden: int = 100,
    direct: bool = False,
    from_logits: bool = False,
) -> Model:
    """A model that guesses a word from a fixed number of words around it (Bengio et al. 2003, "A neural probabilistic
    language model").

    y = softmax(b + W x + U tanh(d + H x)), x being the vectors of the context's words, one after another; every place
    of the context shares the same matrix of vectors. Without the direct connections, W is 0.

    `context_windows` makes the examples: `before` and `after` of any size, or `nearby_words` for one word; train with
    the `sparse_categorical_crossentropy` loss and the `Perplexity` metric, and take the vectors by `embedding_vectors`.
    `generate` and `beam_search` write on, from a prompt of at least `context` words.

    Args:
        tokens: size of the vocabulary.
        context: words of a context.
        vector_size: numbers of a word's vector.
        hidden: units of the tanh layer.
        direct: whether there are direct connections W from the vectors to the output.
        from_logits: whether the model returns logits, without the softmax.

    Returns:
        An uncompiled model from ids of shape (batch, context) to probabilities of shape (batch, tokens).

    Raises:
        ValueError: a size is below 1, or 2³¹ or more.

    >>> from dlrs import metrics
    >>> from dlrs.text import context_windows
    >>> contexts, targets = context_windows([1, 2, 3, 4] * 50, before=2)
    >>> model = window_language_model(5, context=2, vector_size=4, hidden=8)
    >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=[metrics.Perplexity()])
    >>> history = model.fit(contexts, targets, epochs=30, verbose=0)
    >>> history.history["perplexity"][-1] < history.history["perplexity"][0]
    True
    """
    own = "window_language_model"
    tokens, context = check_count(own, "tokens", tokens), check_count(own, "context", context)
    vector_size, hidden = check_count(own, "vector_size", vector_size), check_count(own, "hidden", hidden)
    for name, size in (("tokens", tokens), ("context", context), ("vector_size", vector_size), ("hidden", hidden)):
        if size >= 1 << 31:
            raise ValueError(f"{own}: `{name}` must be below 2³¹, got {size!r:.60}.")
    check_flags(own, direct=direct, from_logits=from_logits)
    inputs = layers.Input((context,), dtype="int32", name="context")
    x = layers.Flatten()(layers.Embedding(tokens, vector_size, name="vectors")(inputs))
    scores = layers.Dense(tokens, name="scores")(layers.Dense(hidden, activation="tanh", name="hidden")(x))
    if direct:
        scores = layers.Add()([scores, layers.Dense(tokens, use_bias=False, name="direct")(x)])
    outputs = scores if from_logits else layers.Softmax(name="probabilities")(scores)
    return Model(inputs, outputs, name="window_language_model")


def embedding_vectors(model: Any, words: Iterable[str], layer: str | None = None) -> WordVectors:
    """The vectors that a model's `Embedding` has learned.

    Args:
        model: a built model.
        words: the words of the ids from 0 on, such as the `tokens` of a `Vocabulary`.
        layer: name of the layer; needed if there are several such layers.

    Raises:
        ValueError: there is no `Embedding`, or several and no `layer`, or it has another number of rows than `words`.

    >>> vectors = embedding_vectors(window_language_model(3, vector_size=2), ["a", "b", "c"])
    >>> vectors
    WordVectors(3 of 3 tokens found, 2 dimensions)
    """
    own = "embedding_vectors"
    if not isinstance(model, Model):
        raise TypeError(f"{own}: `model` must be a model, got {type(model).__name__}.")
    found = [part for part in model._flatten_layers() if isinstance(part, layers.Embedding)]
    chosen = [part for part in found if layer is None or part.name == layer]
    if len(chosen) != 1 or not chosen[0].built:
        names = ", ".join(repr(part.name) for part in found) or "none"
        what = "one built `Embedding`" if layer is None else f"one built `Embedding` called {layer!r:.60}"
        raise ValueError(f"{own}: the model must have {what}; its `Embedding`s: {names}.")
    return WordVectors.of(words, chosen[0].get_weights()[0])
