"""NumPy's side of the race, for the sake of its OpenBLAS: `worker_numpy.py THREADS`."""

from functools import partial

import numpy as np

from protocol import GEMM_SHAPES, Step, Workload, features, gemm_name, serve


def gemm(m: int, k: int, n: int) -> Step:
    a, b = features(m, k), features(k, n)
    return lambda: a @ b


def add() -> Step:
    a, b = features(16), features(16)
    return lambda: np.add(a, b)


workloads = {gemm_name(shape): Workload(partial(gemm, *shape)) for shape in GEMM_SHAPES}
serve({"numpy": np.__version__}, workloads | {"add": Workload(add)}, {})
