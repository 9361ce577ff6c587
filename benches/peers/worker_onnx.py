"""ONNX Runtime's side of the race, inference alone: `worker_onnx.py THREADS`.

The graphs are PyTorch's networks, exported by a process of its own, so that PyTorch's threads stay out of this one.
"""

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import onnxruntime

from protocol import INFERENCES, Step, Workload, inference_name, pictures, serve


def inference(name: str, rows: int) -> Step:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        exporter = [sys.executable, str(Path(__file__).with_name("torch_nets.py")), name, str(rows), str(path)]
        subprocess.run(exporter, check=True, capture_output=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(sys.argv[1])
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    x = pictures(name, rows)[0].transpose(0, 3, 1, 2).copy()
    return lambda: session.run(None, {"x": x})


workloads = {inference_name(*case): Workload(partial(inference, *case)) for case in INFERENCES}
serve({"onnxruntime": onnxruntime.__version__}, workloads, {})
