"""Text as numbers: tokens, vocabularies, windows for language models, sampling, perplexity."""

from dlrs.text.evaluation import perplexity
from dlrs.text.generation import generate
from dlrs.text.sampling import sample
from dlrs.text.tokens import tokenize
from dlrs.text.vectors import WordVectors, load_vectors
from dlrs.text.vocabulary import CharacterVocabulary, Vocabulary
from dlrs.text.windows import contiguous_windows, language_model_dataset, language_model_windows

__all__ = [
    "CharacterVocabulary",
    "Vocabulary",
    "WordVectors",
    "contiguous_windows",
    "generate",
    "language_model_dataset",
    "language_model_windows",
    "load_vectors",
    "perplexity",
    "sample",
    "tokenize",
]
