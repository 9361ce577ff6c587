"""No op is missing from the table."""

from collections import Counter

import pytest

from dlrs import _dlrs, ops
from harness import TABLE

# What `_dlrs` holds besides ops.
NOT_OPS = {
    *("Tensor", "Variable", "Trace", "Program", "Tape"),
    *("InternalError", "ConcurrentUseError", "TracingError", "FormatError"),
    *("ArchiveFile", "AtomicFile", "check_json", "parse_archive", "parse_safetensors", "read_archive", "read_file"),
    *("safetensors_header", "set_autocast"),
    *("box_nms", "box_soft_nms"),
    *("BeamSearch", "bleu_counts", "edit_counts", "edit_distances", "nearest_vectors"),
    *("read_lines", "read_matrix", "read_vector_binary", "read_vector_text", "write_vectors"),
    "CorpusWords",
    "Word2VecTrainer",
    "PrefixSearch",
    "ctc_decode",  # paths that brute force finds: tests/text/test_ctc.py
    *("GloveTrainer", "cooccurrence_unit", "count_cooccurrences", "glove_blocks", "glove_strata"),
    "merge_cooccurrences",  # counts beyond memory: tests/text/test_glove.py
    "masked_matmul",  # rows that the mask denies are nobody's: tests/layers/test_masked_steps.py
    *("is_tracing", "num_threads", "set_num_threads", "isa", "supported_isas", "machine_peaks", "read_gbs"),
}

# What `dlrs.ops` holds besides functions of tensors with values of their own: classes, control flow that calls back,
# constants, conversions, other names of ops in the table. tests/ops/test_*.py look at them.
OTHERWISE_TESTED = {
    "ctc_decode",  # tests/text/test_ctc.py
    *("Function", "FunctionOperation", "KerasHistory", "KerasTensor", "Node", "Operation"),
    *("AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop"),
    *("associative_scan", "cond", "fori_loop", "map", "switch", "vectorized_map", "while_loop"),
    *(
        "bartlett",
        "bincount",
        "blackman",
        "hamming",
        "empty_like",
        "hanning",
        "histogram",
        "kaiser",
        "shape_equal",
        "view",
    ),
    *("arange", "array", "empty", "eye", "identity", "linspace", "meshgrid", "ones", "tri", "zeros"),
    *("convert_to_numpy", "convert_to_tensor", "dtype", "full_like", "is_tensor", "ones_like", "shape", "zeros_like"),
    *("eig", "jvp", "nonzero", "unique"),
    *("abs", "amax", "amin", "true_divide", "saturate_cast"),
    *("bitwise_invert", "bitwise_left_shift", "bitwise_right_shift"),
}


def test_every_primitive_has_a_row() -> None:
    names = {name for name in vars(_dlrs) if not name.startswith("_") and callable(getattr(_dlrs, name))}
    assert names - NOT_OPS, "the module holds no ops"
    assert sorted(names - NOT_OPS - {row.name for row in TABLE}) == []
    assert sorted(NOT_OPS - names) == [], "names that are no longer there"


def test_every_function_of_ops_has_a_row() -> None:
    names = {row.name for row in TABLE}
    # An alias is the same function under another name.
    tested = [getattr(ops, name) for name in names if hasattr(ops, name)]
    others = sorted(set(ops.__all__) - OTHERWISE_TESTED - names)
    assert [name for name in others if getattr(ops, name) not in tested] == []
    assert sorted(OTHERWISE_TESTED - set(ops.__all__)) == [], "names that are no longer there"


def test_every_function_of_images_has_a_row() -> None:
    assert sorted(set(ops.image.__all__) - {row.name for row in TABLE}) == []


def test_every_row_is_an_op_and_there_is_one_for_each() -> None:
    assert len(TABLE) > 100
    # A primitive and the function of `ops` over it may bear one name.
    assert [name for (name, _), count in Counter((row.name, row.op) for row in TABLE).items() if count > 1] == []
    for row in TABLE:
        assert row.cases, f"{row.name} has no cases"
        homes = (_dlrs, ops, ops.image)
        assert any(hasattr(home, row.name) for home in homes), f"there is no op {row.name}"


@pytest.mark.parametrize("needed", [(), 0], ids=["0-d", "empty"])
def test_shapes_that_are_easily_forgotten(needed: object) -> None:
    """Most rows have a 0-d and an empty operand."""
    having = [
        row
        for row in TABLE
        if any(shape == () if needed == () else 0 in shape for case in row.cases for shape in case.shapes)
    ]
    assert len(having) > len(TABLE) // 2
