#!/usr/bin/env bash
# Virtual environment with the libraries that dlrs races. One that cannot be installed is left out, and the race says so.
# PyTorch's wheel for Linux needs its CUDA libraries (about 4 GB) to be importable, on a CPU too.
set -euo pipefail
venv=$1 python=${2:-python3}

test -x "$venv/bin/python" || "$python" -m venv "$venv"
for packages in "numpy" "setuptools torch torchvision onnx onnxruntime" "keras jax" "keras tensorflow-cpu" "sacrebleu jiwer" "gensim"; do
    # shellcheck disable=SC2086 # several packages in one word
    "$venv/bin/python" -m pip install --quiet --upgrade $packages || echo "bench-peers: left out, not installable: $packages"
done
