"""ONNX Runtime's side of the race, inference alone: `worker_onnx.py THREADS`.

The graphs are PyTorch's networks, exported by a process of its own, so that PyTorch's threads stay out of this one.
"""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import onnxruntime

from protocol import (
    INFERENCES,
    SEQUENCE_INFERENCES,
    Array,
    Step,
    Workload,
    inference_name,
    pictures,
    sequences,
    serve,
)


def session_of(script: str, name: str, rows: int, x: Array) -> Step:
    """A call of the network that `script` exports."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        exporter = [sys.executable, str(Path(__file__).with_name(script)), name, str(rows), str(path)]
        subprocess.run(exporter, check=True, capture_output=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(sys.argv[1])
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def inference(name: str, rows: int) -> Step:
    return session_of("torch_nets.py", name, rows, pictures(name, rows)[0].transpose(0, 3, 1, 2).copy())


def sequence_inference(name: str, rows: int) -> Step:
    return session_of("torch_seqnets.py", name, rows, sequences(name, rows)[0][0])


workloads = {inference_name(*case): Workload(partial(inference, *case)) for case in INFERENCES}
workloads |= {inference_name(*case): Workload(partial(sequence_inference, *case)) for case in SEQUENCE_INFERENCES}
serve({"onnxruntime": onnxruntime.__version__}, workloads, {})
