"""What `import dlrs` costs."""

import subprocess
import sys

MEASURE = """
import os, sys, time
import numpy
threads = len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0
start = time.perf_counter()
import dlrs
seconds = time.perf_counter() - start
print(seconds, (len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0) - threads)
"""


def test_import_is_quick_and_starts_no_thread() -> None:
    seconds = []
    for _ in range(7):
        done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, cwd="/")
        took, threads = done.stdout.split()
        seconds.append(float(took))
        assert int(threads) == 0
    assert min(seconds) <= 0.05, f"import dlrs takes {min(seconds):.3f} s beyond NumPy's own import"


def test_import_pulls_in_no_optional_dependency() -> None:
    code = "import sys, dlrs; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert not {"matplotlib", "sklearn", "scipy", "pandas", "torch", "keras"} & set(done.stdout.split())
