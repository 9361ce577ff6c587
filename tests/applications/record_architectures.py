"""Write `keras_architectures.json` anew from an installed Keras: `python record_architectures.py`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CASES: list[tuple[str, dict[str, Any]]] = [
    ("VGG16", {}),
    ("VGG16", {"include_top": False}),
    ("VGG19", {}),
    ("ResNet50", {}),
    ("ResNet50", {"include_top": False, "pooling": "avg"}),
    ("ResNet101", {}),
    ("ResNet152", {}),
    ("InceptionV3", {}),
    ("InceptionV3", {"include_top": False, "input_shape": [75, 75, 1]}),
    ("MobileNet", {}),
    ("MobileNet", {"alpha": 0.5, "depth_multiplier": 2, "include_top": False}),
    ("MobileNetV2", {}),
    ("MobileNetV2", {"alpha": 1.4, "classes": 7}),
    ("MobileNetV2", {"alpha": 0.35, "input_shape": [96, 96, 3]}),
    ("MobileNetV3Large", {}),
    ("MobileNetV3Small", {}),
    ("MobileNetV3Small", {"alpha": 1.5, "minimalistic": True, "classes": 7, "dropout_rate": 0.0}),
    ("MobileNetV3Large", {"include_top": False, "include_preprocessing": False, "pooling": "max"}),
    ("ResNet50V2", {}),
    ("ResNet101V2", {}),
    ("ResNet152V2", {}),
    ("Xception", {}),
    ("Xception", {"include_top": False, "input_shape": [71, 71, 1]}),
    ("DenseNet121", {}),
    ("DenseNet169", {}),
    ("DenseNet201", {}),
    ("InceptionResNetV2", {}),
    ("NASNetMobile", {}),
    *((f"EfficientNetB{i}", {}) for i in range(4)),
    *((f"ConvNeXt{size}", {}) for size in ("Tiny", "Small")),
    ("ConvNeXtTiny", {"include_top": False, "pooling": "avg", "include_preprocessing": False}),
]

if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "jax")
    sys.path.insert(0, str(HERE))
    import keras
    from test_architectures import described

    recorded = []
    for network, arguments in CASES:
        keras.utils.clear_session()
        model = getattr(keras.applications, network)(weights=None, **arguments)
        recorded.append({"network": network, "arguments": arguments, "model": described(model)})
    text = "[\n" + ",\n".join(json.dumps(entry) for entry in recorded) + "\n]\n"
    (HERE / "keras_architectures.json").write_text(text)
