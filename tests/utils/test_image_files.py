"""Images in files: good ones come back, bad ones are named."""

import io
import pathlib
from typing import Any

import numpy as np
import pytest

from dlrs import utils

images = pytest.importorskip("PIL.Image", reason="Pillow (extra `image`) is not installed")

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 17, 3)).astype(np.uint8)


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two classes of images of several formats, modes and sizes."""
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / name).mkdir()
        for i in range(5):
            height = 12 + 3 * i
            pixels = np.full((height, 16, 3), 40 * number + i, np.uint8)
            suffix = ("png", "jpg", "bmp", "gif", "jpeg")[i]
            images.fromarray(pixels).save(tmp_path / name / f"{i}.{suffix}")
    (tmp_path / "cats" / "notes.txt").write_text("not an image, and not named like one")
    return tmp_path


def test_save_and_load(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image.png"
    utils.save_img(path, PIXELS, scale=False)
    image = utils.load_img(path)
    np.testing.assert_array_equal(utils.img_to_array(image), PIXELS.astype(np.float32))
    np.testing.assert_array_equal(utils.img_to_array(image, "channels_first", "uint8"), PIXELS.transpose(2, 0, 1))
    assert utils.img_to_array(utils.load_img(str(path), "grayscale")).shape == (12, 17, 1)
    assert utils.img_to_array(utils.load_img(io.BytesIO(path.read_bytes()), "rgba", (5, 6))).shape == (5, 6, 4)
    assert utils.load_img(path, target_size=(6, 6), interpolation="bilinear", keep_aspect_ratio=True).size == (6, 6)
    with pytest.raises(ValueError, match="channel number: 2"):
        utils.array_to_img(np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="rank 3"):
        utils.array_to_img(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="color_mode"):
        utils.load_img(path, "cmyk")
    with pytest.raises(ValueError, match="interpolation"):
        utils.load_img(path, target_size=(2, 2), interpolation="cubic")
    with pytest.raises(TypeError, match="path-like"):
        utils.load_img(3)


def test_modes_of_files_become_the_mode_asked_for(tmp_path: pathlib.Path) -> None:
    grey16 = (np.arange(60).reshape(6, 10) * 1000).astype(np.uint16)
    images.fromarray(grey16).save(tmp_path / "grey16.png")
    for mode, channels in (("grayscale", 1), ("rgb", 3), ("rgba", 4)):
        array = utils.img_to_array(utils.load_img(tmp_path / "grey16.png", mode))
        np.testing.assert_array_equal(array[..., 0], grey16 >> 8)
        assert array.shape == (6, 10, channels)
    images.fromarray(PIXELS).convert("CMYK").save(tmp_path / "cmyk.jpg")
    assert utils.load_img(tmp_path / "cmyk.jpg").mode == "RGB"
    images.fromarray(PIXELS).convert("P").save(tmp_path / "palette.png")
    assert utils.load_img(tmp_path / "palette.png").mode == "RGB"


def spoil(directory: pathlib.Path) -> list[pathlib.Path]:
    """Adds files that are no images."""
    whole = io.BytesIO()
    images.fromarray(np.tile(PIXELS, (9, 9, 1))).save(whole, "png")
    jpeg = io.BytesIO()
    images.fromarray(np.tile(PIXELS, (9, 9, 1))).save(jpeg, "jpeg")
    header = bytearray(whole.getvalue())
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    contents: dict[str, bytes] = {
        "empty.png": b"",
        "text.jpg": b"this is a text",
        "cut.png": whole.getvalue()[: len(whole.getvalue()) // 2],
        "cut.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "huge.png": bytes(header),
    }
    for name, content in contents.items():
        (directory / "dogs" / name).write_bytes(content)
    return [directory / "dogs" / name for name in contents]


def test_files_that_cannot_be_decoded_are_named(directory: pathlib.Path) -> None:
    for path in spoil(directory):
        with pytest.raises(ValueError, match=f"{path.name}.*no image that can be decoded") as raised:
            utils.load_img(path)
        assert "object at" not in str(raised.value)
    with pytest.raises(ValueError, match=r"no image that can be decoded"):
        for _ in utils.image_dataset_from_directory(directory, image_size=(8, 8), verbose=False):
            pass
    with pytest.warns(UserWarning, match="5 files cannot be decoded") as caught:
        data = utils.image_dataset_from_directory(directory, image_size=(8, 8), verbose=False, on_error="skip")
    assert all(name in str(caught[0].message) for name in ("empty.png", "text.jpg", "cut.png", "cut.jpg", "huge.png"))
    assert sum(len(labels) for _, labels in data) == 10
    with pytest.raises(ValueError, match=r"on_error.*'ignore'"):
        utils.image_dataset_from_directory(directory, on_error="ignore")
    with pytest.raises(FileNotFoundError):
        utils.load_img(directory / "missing.png")


def test_images_of_a_directory(directory: pathlib.Path, capsys: Any) -> None:
    data = utils.image_dataset_from_directory(directory, batch_size=4, image_size=(8, 10), shuffle=False)
    assert capsys.readouterr().out == "Found 10 files belonging to 2 classes.\n"
    assert data.class_names == ["cats", "dogs"]
    batches = list(data)
    assert [x.shape for x, _ in batches] == [(4, 8, 10, 3), (4, 8, 10, 3), (2, 8, 10, 3)]
    assert np.concatenate([y for _, y in batches]).tolist() == [0] * 5 + [1] * 5
    np.testing.assert_allclose(batches[0][0][0], 0, atol=1e-4)
    np.testing.assert_allclose(batches[2][0][1, ..., 0], 44, atol=2)
    assert batches[0][0].dtype == np.float32


def test_orders_do_not_depend_on_workers(directory: pathlib.Path) -> None:
    def run(workers: int) -> list[bytes]:
        data = utils.image_dataset_from_directory(
            directory, batch_size=3, image_size=(8, 8), seed=4, verbose=False, num_parallel_calls=workers
        )
        return [x.tobytes() + y.tobytes() for _ in range(2) for x, y in data]

    whole = run(0)
    assert whole[:4] != whole[4:]
    assert all(run(workers) == whole for workers in (1, 2, 4))


def test_label_modes_subsets_and_formats(directory: pathlib.Path) -> None:
    def first(**kwargs: Any) -> Any:
        options = {"image_size": (8, 8), "verbose": False, "seed": 1, **kwargs}
        return next(iter(utils.image_dataset_from_directory(directory, **options)))

    assert first(label_mode="binary")[1].shape == (10, 1)
    assert first(label_mode="categorical")[1].shape == (10, 2)
    assert first(label_mode=None).shape == (10, 8, 8, 3)
    assert first(labels=None).shape == (10, 8, 8, 3)
    assert first(labels=list(range(10)), shuffle=False)[1].tolist() == list(range(10))
    assert first(data_format="channels_first")[0].shape == (10, 3, 8, 8)
    assert first(color_mode="grayscale", batch_size=None)[0].shape == (8, 8, 1)
    assert first(class_names=["dogs"])[0].shape[0] == 5
    assert first(crop_to_aspect_ratio=True)[0].shape == first(pad_to_aspect_ratio=True)[0].shape == (10, 8, 8, 3)
    train, held = utils.image_dataset_from_directory(
        directory, image_size=(8, 8), verbose=False, validation_split=0.3, subset="both", seed=2
    )
    assert len(train.file_paths) == 7
    assert not set(train.file_paths) & set(held.file_paths)
    assert len(held.file_paths) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": "none"}, "labels"),
        ({"labels": [1, 2]}, "2 while we found 10"),
        ({"labels": None, "class_names": ["cats"]}, "class_names"),
        ({"class_names": ["birds"]}, "birds"),
        ({"label_mode": "onehot"}, "label_mode"),
        ({"label_mode": "binary", "class_names": ["cats"]}, "exactly 2"),
        ({"color_mode": "hsv"}, "color_mode"),
        ({"image_size": (8, 8, 3)}, "image_size"),
        ({"interpolation": "cubic"}, "interpolation"),
        ({"validation_split": 2.0, "subset": "training"}, "validation_split"),
        ({"validation_split": 0.2}, "subset"),
        ({"validation_split": 0.2, "subset": "training"}, "seed"),
        ({"validation_split": 0.2, "subset": "test", "seed": 1}, "subset"),
        ({"directory": "/nowhere/at/all"}, "does not exist"),
    ],
)
def test_bad_arguments_are_named(directory: pathlib.Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        utils.image_dataset_from_directory(**{"directory": directory, "verbose": False, **arguments})
