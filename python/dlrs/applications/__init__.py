"""The classic convolutional networks, with Keras's names where Keras has them. No trained weights come with dlrs."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlrs.applications import (
        alexnet,
        googlenet,
        imagenet_utils,
        inception_v3,
        lenet,
        mobilenet,
        mobilenet_v2,
        resnet,
        resnet50,
        resnet_basic,
        resnet_cifar,
        vgg16,
        vgg19,
    )
    from dlrs.applications.alexnet import AlexNet
    from dlrs.applications.googlenet import GoogLeNet
    from dlrs.applications.inception_v3 import InceptionV3
    from dlrs.applications.lenet import LeNet5
    from dlrs.applications.mobilenet import MobileNet
    from dlrs.applications.mobilenet_v2 import MobileNetV2
    from dlrs.applications.resnet import ResNet50, ResNet101, ResNet152
    from dlrs.applications.resnet_basic import ResNet18, ResNet34
    from dlrs.applications.resnet_cifar import ResNet20, ResNet32, ResNet44, ResNet56, ResNet110, ResNetCIFAR
    from dlrs.applications.vgg16 import VGG16
    from dlrs.applications.vgg19 import VGG19

_HOMES = {
    "AlexNet": "alexnet",
    "GoogLeNet": "googlenet",
    "InceptionV3": "inception_v3",
    "LeNet5": "lenet",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "ResNet101": "resnet",
    "ResNet110": "resnet_cifar",
    "ResNet152": "resnet",
    "ResNet18": "resnet_basic",
    "ResNet20": "resnet_cifar",
    "ResNet32": "resnet_cifar",
    "ResNet34": "resnet_basic",
    "ResNet44": "resnet_cifar",
    "ResNet50": "resnet",
    "ResNet56": "resnet_cifar",
    "ResNetCIFAR": "resnet_cifar",
    "VGG16": "vgg16",
    "VGG19": "vgg19",
}
_MODULES = frozenset((*_HOMES.values(), "imagenet_utils", "resnet50"))

__all__ = [
    "VGG16",
    "VGG19",
    "AlexNet",
    "GoogLeNet",
    "InceptionV3",
    "LeNet5",
    "MobileNet",
    "MobileNetV2",
    "ResNet18",
    "ResNet20",
    "ResNet32",
    "ResNet34",
    "ResNet44",
    "ResNet50",
    "ResNet56",
    "ResNet101",
    "ResNet110",
    "ResNet152",
    "ResNetCIFAR",
    "alexnet",
    "googlenet",
    "imagenet_utils",
    "inception_v3",
    "lenet",
    "mobilenet",
    "mobilenet_v2",
    "resnet",
    "resnet50",
    "resnet_basic",
    "resnet_cifar",
    "vgg16",
    "vgg19",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"dlrs.applications.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"dlrs.applications.{name}")
    raise AttributeError(f"module 'dlrs.applications' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
