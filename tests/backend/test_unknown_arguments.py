"""Misspelled arguments: the public name, and what was meant."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import dlrs
from dlrs import layers, optimizers


def model() -> dlrs.Sequential:
    return dlrs.Sequential([dlrs.Input((2,)), layers.Dense(1)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model().fit(epoch=2), "Sequential.fit does not know the argument 'epoch'. Did you mean 'epochs'?"),
        (lambda: model().compile(metric=["mse"]), "Sequential.compile does not know the argument 'metric'."),
        (lambda: model().predict(verbos=0), "Did you mean 'verbose'?"),
        (lambda: optimizers.Adam(learningrate=1), "Adam does not know the argument 'learningrate'."),
        (lambda: optimizers.SGD(momentun=1), "Did you mean 'momentum'?"),
        (lambda: optimizers.AdamW(weightdecay=1), "AdamW does not know the argument 'weightdecay'."),
        (
            lambda: layers.Conv2D(3, 3, stride=2, pading="same"),
            "'pading', 'stride'. Did you mean 'padding' and 'strides'?",
        ),
        (lambda: layers.Dense(3, xyzzy=1), "Dense does not know the argument 'xyzzy'."),
    ],
)
def test_messages(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        call()
