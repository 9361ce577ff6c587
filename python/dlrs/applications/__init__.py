"""The classic convolutional networks, with Keras's names where Keras has them. No trained weights come with dlrs."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlrs.applications import (
        alexnet,
        convnext,
        densenet,
        efficientnet,
        googlenet,
        imagenet_utils,
        inception_resnet_v2,
        inception_v3,
        lenet,
        mobilenet,
        mobilenet_v2,
        mobilenet_v3,
        nasnet,
        resnet,
        resnet50,
        resnet_basic,
        resnet_cifar,
        resnet_v2,
        vgg16,
        vgg19,
        xception,
    )
    from dlrs.applications.alexnet import AlexNet
    from dlrs.applications.convnext import ConvNeXtSmall, ConvNeXtTiny
    from dlrs.applications.densenet import DenseNet121, DenseNet169, DenseNet201
    from dlrs.applications.efficientnet import (
        EfficientNetB0,
        EfficientNetB1,
        EfficientNetB2,
        EfficientNetB3,
    )
    from dlrs.applications.googlenet import GoogLeNet
    from dlrs.applications.inception_resnet_v2 import InceptionResNetV2
    from dlrs.applications.inception_v3 import InceptionV3
    from dlrs.applications.lenet import LeNet5
    from dlrs.applications.mobilenet import MobileNet
    from dlrs.applications.mobilenet_v2 import MobileNetV2
    from dlrs.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
    from dlrs.applications.nasnet import NASNetMobile
    from dlrs.applications.resnet import ResNet50, ResNet101, ResNet152
    from dlrs.applications.resnet_basic import ResNet18, ResNet34
    from dlrs.applications.resnet_cifar import ResNet20, ResNet32, ResNet44, ResNet56, ResNet110, ResNetCIFAR
    from dlrs.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
    from dlrs.applications.vgg16 import VGG16
    from dlrs.applications.vgg19 import VGG19
    from dlrs.applications.xception import Xception

_HOMES = {
    "ConvNeXtSmall": "convnext",
    "ConvNeXtTiny": "convnext",
    "DenseNet121": "densenet",
    "DenseNet169": "densenet",
    "DenseNet201": "densenet",
    "EfficientNetB0": "efficientnet",
    "EfficientNetB1": "efficientnet",
    "EfficientNetB2": "efficientnet",
    "EfficientNetB3": "efficientnet",
    "InceptionResNetV2": "inception_resnet_v2",
    "MobileNetV3Large": "mobilenet_v3",
    "MobileNetV3Small": "mobilenet_v3",
    "NASNetMobile": "nasnet",
    "ResNet50V2": "resnet_v2",
    "ResNet101V2": "resnet_v2",
    "ResNet152V2": "resnet_v2",
    "Xception": "xception",
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
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "GoogLeNet",
    "InceptionResNetV2",
    "InceptionV3",
    "LeNet5",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet18",
    "ResNet20",
    "ResNet32",
    "ResNet34",
    "ResNet44",
    "ResNet50",
    "ResNet50V2",
    "ResNet56",
    "ResNet101",
    "ResNet101V2",
    "ResNet110",
    "ResNet152",
    "ResNet152V2",
    "ResNetCIFAR",
    "Xception",
    "alexnet",
    "convnext",
    "densenet",
    "efficientnet",
    "googlenet",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "lenet",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_basic",
    "resnet_cifar",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
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
