"""Text as numbers: tokens, vocabularies, windows, sampling, beam search, perplexity, scores of translations, word
vectors."""

from dlrs.text import debias
from dlrs.text.beam import Hypothesis, beam_search, sentence_score
from dlrs.text.ctc import ctc_beam_search
from dlrs.text.edits import ErrorRate, cer, edit_distance, edit_distances, wer
from dlrs.text.evaluation import perplexity
from dlrs.text.generation import generate
from dlrs.text.glove import GloVe
from dlrs.text.sampling import sample
from dlrs.text.tokens import tokenize
from dlrs.text.translation import BleuScore, bleu, sentence_bleu
from dlrs.text.tsne import tsne
from dlrs.text.vector_evaluations import AnalogyScore, AnalogySection, SimilarityScore
from dlrs.text.vector_files import read_vectors
from dlrs.text.vectors import load_vectors
from dlrs.text.vocabulary import CharacterVocabulary, Vocabulary
from dlrs.text.window_model import embedding_vectors, window_language_model
from dlrs.text.windows import (
    context_windows,
    contiguous_windows,
    language_model_dataset,
    language_model_windows,
    nearby_words,
)
from dlrs.text.word2vec import Word2Vec
from dlrs.text.word_vectors import WordVectors

__all__ = [
    "AnalogyScore",
    "AnalogySection",
    "BleuScore",
    "CharacterVocabulary",
    "ErrorRate",
    "GloVe",
    "Hypothesis",
    "SimilarityScore",
    "Vocabulary",
    "Word2Vec",
    "WordVectors",
    "beam_search",
    "bleu",
    "cer",
    "context_windows",
    "contiguous_windows",
    "ctc_beam_search",
    "debias",
    "edit_distance",
    "edit_distances",
    "embedding_vectors",
    "generate",
    "language_model_dataset",
    "language_model_windows",
    "load_vectors",
    "nearby_words",
    "perplexity",
    "read_vectors",
    "sample",
    "sentence_bleu",
    "sentence_score",
    "tokenize",
    "tsne",
    "wer",
    "window_language_model",
]
