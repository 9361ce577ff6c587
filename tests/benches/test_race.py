"""The race's arithmetic and its conversation with workers, on made-up figures and a worker that does nothing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dlrs

PEERS = Path(__file__).parents[2] / "benches" / "peers"
sys.path.insert(0, str(PEERS))

import protocol  # noqa: E402
import report  # noqa: E402
import seqnets  # noqa: E402


def entry(*milliseconds: float) -> dict[str, object]:
    return {"ms": list(milliseconds), "best_ms": min(milliseconds)}


RESULT = {
    "machine": {"processor": "P", "cores": 2, "caches": {"L1": 49152, "L2": 1 << 20, "L3": 32 << 20}},
    "load": 0.1,
    "rounds": 3,
    "versions": {"dlrs": {"dlrs": "0.1.0", "isa": "avx2"}, "PyTorch": {"torch": "2"}},
    "absent": {"Keras/JAX": "no module"},
    "threads": {
        "2": {
            "peaks": {"fma_gflops": 100.0, "copy_gbs": 20.0},
            "workloads": {
                "mlp128": {"dlrs": entry(1, 2, 4), "PyTorch": entry(3, 3, 3), "Keras/TF": entry(9, 9, 9)},
                "lenet": {"dlrs": entry(1, 1, 1), "PyTorch": entry(3, 3, 3)},
                "gemm 1024x1024x1024": {"dlrs": entry(20, 20, 20), "PyTorch": {"error": "broken"}},
            },
            "step_memory": {"dlrs": 100.4},
        }
    },
    "import_seconds": {"dlrs": 0.01},
}


def test_ratio_is_the_median_of_the_rounds_ratios() -> None:
    entries = RESULT["threads"]["2"]["workloads"]["mlp128"]  # type: ignore[index]
    assert report.best_peer(entries) == "PyTorch"
    assert report.ratio(entries["dlrs"], entries["PyTorch"]) == pytest.approx(1.5)


def test_work_of_the_course_set() -> None:
    """The floors that the course set states: 0.31 GFLOP and 15 MB for the step at batch 128."""
    work = report.step_work(128)
    assert work.flops == pytest.approx(0.31e9, rel=0.02)
    assert work.bytes == pytest.approx(15e6, rel=0.02)
    assert report.gemm_work(2, 3, 4).flops == 48


def test_work_of_the_convolutional_networks() -> None:
    """The course set states 0.16, 31 and 59 GFLOP a step."""
    for name, gigaflops in (("lenet", 0.16), ("resnet20", 31), ("vgg-small", 59)):
        work = report.network_step_work(name, protocol.STEPS[name])
        assert work.flops == pytest.approx(gigaflops * 1e9, rel=0.1), name


def test_work_of_the_sequence_models() -> None:
    """The course set states 8.4, 69 (with the gradient by the clips, which nobody computes) and 0.5 GFLOP a step."""
    unneeded = 2 * protocol.SEQUENCES["trigger"] * report.PRODUCTS["trigger"][0]
    for name, gigaflops in (("charlstm", 8.4), ("trigger", 69 - unneeded / 1e9), ("nmt", 0.45)):
        work = report.network_step_work(name, protocol.SEQUENCES[name])
        assert work.flops == pytest.approx(gigaflops * 1e9, rel=0.02), name


@pytest.mark.parametrize("name", protocol.SEQUENCES)
def test_sequence_models_take_their_batches(name: str) -> None:
    """Labels fit the outputs, and the parameters are as many as the page counts."""
    model = seqnets.NETWORKS[name](dlrs)
    inputs, labels = protocol.sequences(name, 2)
    steps, classes = model.output_shape[1:]
    assert labels.shape == ((2, steps, 1) if classes == 1 else (2, steps))
    assert [x.shape[1:] for x in inputs] == [tuple(x.shape[1:]) for x in model.inputs]
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == report.PARAMETERS[name]


def test_page_shows_figures_floors_and_failures() -> None:
    page = report.markdown(RESULT)
    assert "1.50× PyTorch" in page
    assert "107.4" in page  # 2·1024³ FLOP in 20 ms
    assert "FLOPs: 54% of FMA peak; data in L3" in page
    assert "lenet, batch 64: one training step, ms" in page
    assert "- dlrs: 100\n" in page
    assert "- Keras/JAX: no module" in page
    assert "- PyTorch, gemm 1024x1024x1024, 2 threads: broken" in page


def test_a_worker_times_answers_and_reports_failures() -> None:
    script = """
from protocol import Workload, serve
print("chatter that is no answer")
serve({"none": "1"}, {"nothing": Workload(lambda: int), "broken": Workload(lambda: 1 / 0)}, {"hello": lambda: {"a": 1}})
"""
    asked = "".join(json.dumps({"workload": w, "seconds": 0.01}) + "\n" for w in ("nothing", "broken", "hello", "x"))
    command = [sys.executable, "-c", script, "1"]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, cwd=PEERS, timeout=60)
    chatter, *lines = done.stdout.splitlines()
    assert not chatter.startswith("{")
    versions, nothing, broken, hello, unknown = map(json.loads, lines)
    assert versions == {"versions": {"none": "1"}}
    assert 0 < nothing["best_ms"] <= nothing["ms"] < 1
    assert broken == {"error": "ZeroDivisionError: division by zero"}
    assert hello == {"a": 1}
    assert unknown == {"absent": True}
