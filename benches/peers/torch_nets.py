"""The convolutional networks of the race in PyTorch; `torch_nets.py NAME BATCH FILE` writes one as ONNX."""

import sys
from collections.abc import Callable

import torch
import torchvision
from torch import nn

from protocol import CLASSES, PICTURES


def lenet() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()],
        *[nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, CLASSES)],
    )


def convolution(fan_in: int, fan_out: int, size: int, stride: int) -> nn.Sequential:
    padded = nn.Conv2d(fan_in, fan_out, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(padded, nn.BatchNorm2d(fan_out))


class Block(nn.Module):  # type: ignore[misc]
    """A basic residual block."""

    def __init__(self, fan_in: int, fan_out: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = convolution(fan_in, fan_out, 3, stride), convolution(fan_out, fan_out, 3, 1)
        self.shortcut = nn.Identity() if stride == 1 else convolution(fan_in, fan_out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.relu(self.first(x), inplace=True)
        return nn.functional.relu(self.second(inner) + self.shortcut(x), inplace=True)


def resnet20() -> nn.Module:
    parts: list[nn.Module] = [convolution(3, 16, 3, 1), nn.ReLU(inplace=True)]
    for fan_in, fan_out, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
        parts += [Block(fan_in, fan_out, stride), Block(fan_out, fan_out, 1), Block(fan_out, fan_out, 1)]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


def vgg_small() -> nn.Module:
    parts: list[nn.Module] = []
    for fan_in, fan_out in ((3, 64), (64, 128), (128, 256)):
        parts += [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.ReLU(inplace=True)]
        parts += [nn.Conv2d(fan_out, fan_out, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, CLASSES))


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "lenet": lenet,
    "resnet20": resnet20,
    "vgg-small": vgg_small,
    "resnet50": torchvision.models.resnet50,
}


def export(name: str, rows: int, path: str) -> None:
    """Write the network for a batch of `rows` as ONNX."""
    height, width, channels = PICTURES[name]
    example = torch.zeros(rows, channels, height, width)
    torch.onnx.export(NETWORKS[name]().eval(), (example,), path, input_names=["x"], dynamo=False)


if __name__ == "__main__":
    export(sys.argv[1], int(sys.argv[2]), sys.argv[3])
