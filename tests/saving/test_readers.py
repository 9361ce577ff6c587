"""Every place in dlrs that opens a file is known here, with the tests that judge what it does with a bad one."""

import ast
from pathlib import Path

import pytest

import dlrs

ROOT = Path(dlrs.__file__).parent
TESTS = Path(__file__).parent.parent
# Calls by which Python opens a file or reads it, unless a mode says that it is written.
OPENING = {"open", "read_bytes", "read_text", "read_file", "read_archive"}
OPENING |= {"read_lines", "read_matrix", "read_vector_binary", "read_vector_text"}
OPENING |= {"fromfile", "loadtxt", "genfromtxt", "memmap"}
OPENING |= {"ZipFile", "TarFile", "File"}

MODELS = ("saving/test_hostile.py", "saving/test_hostile_keras.py", "saving/test_hostile_parts.py")
JUDGED = {
    # Models, weights and states: every way into them is in `ways.py`.
    **dict.fromkeys(("archive", "hdf5", "keras_files", "saving_api", "saving_lib", "sharded"), MODELS),
    "limits": MODELS,  # the limit of memory, out of the system's own file
    "features": ("saving/test_hostile.py", "vision/test_features.py"),
    # Terms, which a configuration may not ask for (G4), and a caller may.
    "index_lookup": (*MODELS, "layers/test_text_layers.py"),
    "integer_lookup": (*MODELS, "layers/test_text_layers.py"),
    "vocabulary": ("text/test_vocabulary.py",),
    **dict.fromkeys(("vector_files", "vectors"), ("text/test_hostile_vectors.py", "text/test_word_vectors.py")),
    **dict.fromkeys(("cooccurrences", "glove"), ("text/test_glove.py",)),
    **dict.fromkeys(("numbered_corpus", "word2vec"), ("text/test_word2vec.py",)),
    "vector_evaluations": ("text/test_vector_evaluations.py",),
    # Data, archives and downloads.
    "idx": ("datasets/test_idx.py",),
    "packages": ("datasets/test_packages.py",),
    "word_lists": ("datasets/test_texts.py",),
    "sentiment": ("datasets/test_texts.py",),
    "keras_files of datasets": ("datasets/test_keras_files.py",),
    "archives": ("utils/test_files.py",),
    "file_utils": ("utils/test_files.py",),
    "image_utils": ("utils/test_image_files.py",),
    "text_dataset_utils": ("utils/test_directory_datasets.py",),
    "wav_format": ("audio/test_wav.py",),
    "imagenet_utils": ("applications",),
    "code_stats": (),  # counts the lines of source code; Keras's own tests try it
}


def readers():
    found = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _reads(node):
                place = path.relative_to(ROOT)
                found.add(f"{place.stem} of datasets" if place == Path("datasets/keras_files.py") else place.stem)
    return found


def _reads(call):
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name not in OPENING or ast.unparse(call.func).endswith("h5a.open"):
        return False
    modes = [ast.unparse(value) for value in [*call.args[1:2], *(word.value for word in call.keywords)]]
    return not any("'w" in mode or "'a'" in mode for mode in modes)


def test_every_place_that_opens_a_file_is_judged():
    assert readers() == set(JUDGED)


@pytest.mark.parametrize("test", sorted({test for tests in JUDGED.values() for test in tests}))
def test_the_tests_are_there(test):
    path = TESTS / test
    texts = [file.read_text() for file in ([path] if path.is_file() else path.glob("*.py"))]
    assert any("pytest.raises(" in text or "refused(" in text for text in texts)
