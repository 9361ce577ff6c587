"""PyTorch's side of the race: `worker_torch.py THREADS eager|channels_last|compile`."""

import sys
import warnings
from functools import partial
from itertools import pairwise

import torch
from torch import nn

import torch_seqnets
from protocol import (
    EPOCH_STEPS,
    GEMM_SHAPES,
    INFERENCES,
    LAYERS,
    SEQUENCE_INFERENCES,
    SEQUENCES,
    STEPS,
    Step,
    Workload,
    features,
    gemm_name,
    images,
    inference_name,
    pictures,
    serve,
    step_memory,
)
from torch_nets import NETWORKS

mode = sys.argv[2]

warnings.filterwarnings("ignore")
torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)


def network(sizes: tuple[int, ...]) -> nn.Module:
    parts: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        parts += [nn.ReLU()] * (i > 0) + [nn.Linear(fan_in, fan_out)]
    return nn.Sequential(*parts)


def training(x: torch.Tensor, y: torch.Tensor, batch: int | None = None) -> Step:
    """A step on the whole of `x`, or an epoch of shuffled batches."""
    return stepper(network(LAYERS), x, y, batch)


def stepper(module: nn.Module, x: torch.Tensor, y: torch.Tensor, batch: int | None = None) -> Step:
    optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=True)
    forward = torch.compile(module) if mode == "compile" else module

    def step(x: torch.Tensor = x, y: torch.Tensor = y) -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(forward(x), y).backward()
        optimizer.step()

    def epoch() -> None:
        for rows in torch.randperm(len(x)).split(batch or len(x)):
            step(x[rows], y[rows])

    return epoch if batch else step


def laid_out(name: str, rows: int) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A convolutional network and a batch for it, in the order of axes that `mode` names."""
    x, y = pictures(name, rows)
    order = torch.channels_last if mode == "channels_last" else torch.contiguous_format
    planes = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=order)
    return NETWORKS[name]().to(memory_format=order), planes, torch.from_numpy(y).long()


def convolutional(name: str) -> Step:
    return stepper(*laid_out(name, STEPS[name]))


def inference(name: str, rows: int) -> Step:
    module, x, _ = laid_out(name, rows)
    forward = torch.compile(module.eval()) if mode == "compile" else module.eval()

    def step() -> None:
        with torch.inference_mode():
            forward(x)

    return step


def sequential(name: str) -> Step:
    module, (inputs, labels) = torch_seqnets.NETWORKS[name](), torch_seqnets.batch(name, SEQUENCES[name])
    optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=True)
    forward = torch.compile(module) if mode == "compile" else module

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        torch_seqnets.loss_of(name, forward(*inputs), labels).backward()
        optimizer.step()

    return step


def sequence_inference(name: str, rows: int) -> Step:
    module, (inputs, _) = torch_seqnets.NETWORKS[name]().eval(), torch_seqnets.batch(name, rows)
    forward = torch.compile(module) if mode == "compile" else module

    def step() -> None:
        with torch.inference_mode():
            forward(*inputs)

    return step


def one_row() -> Step:
    module = network((64, 64, 10)).eval()
    forward = torch.compile(module) if mode == "compile" else module
    x = torch.from_numpy(features(1, 64))

    def step() -> None:
        with torch.inference_mode():
            forward(x)

    return step


def gemm(m: int, k: int, n: int) -> Step:
    a, b = torch.from_numpy(features(m, k)), torch.from_numpy(features(k, n))
    return lambda: a @ b


def add() -> Step:
    a, b = torch.from_numpy(features(16)), torch.from_numpy(features(16))
    return lambda: torch.add(a, b)


def batch(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = images(rows)
    return torch.from_numpy(x), torch.from_numpy(y).long()


workloads = {name: Workload(partial(convolutional, name)) for name in STEPS}
workloads |= {inference_name(*case): Workload(partial(inference, *case)) for case in INFERENCES}
fully_connected = {
    "mlp128": Workload(lambda: training(*batch(128))),
    "mlp32": Workload(lambda: training(*batch(32))),
    "mlp128 epoch": Workload(lambda: training(*batch(128 * EPOCH_STEPS), batch=128), EPOCH_STEPS),
    "one row": Workload(one_row),
}
# The course set has no compiled figure for "trigger" either.
recurrent = {name: Workload(partial(sequential, name)) for name in SEQUENCES if (mode, name) != ("compile", "trigger")}
recurrent |= {inference_name(*case): Workload(partial(sequence_inference, *case)) for case in SEQUENCE_INFERENCES}
if mode != "channels_last":
    workloads |= fully_connected | recurrent
if mode == "eager":
    workloads["add"] = Workload(add)
    workloads |= {gemm_name(shape): Workload(partial(gemm, *shape)) for shape in GEMM_SHAPES}

serve(
    {"torch": torch.__version__},
    workloads,
    {"memory": lambda: step_memory(lambda: convolutional("resnet20"))},
)
