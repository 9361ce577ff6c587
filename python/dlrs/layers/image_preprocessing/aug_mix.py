"""AugMix: an image mixed with what chains of changes make of it."""

from typing import Any

from dlrs import ops, random
from dlrs.backend.checks import check_flags, check_number
from dlrs.layers.image_preprocessing.augmentations import ChoosingLayer, changed

GENTLE = (
    "random_shear", "random_translation", "random_rotation", "random_posterization", "solarization", "auto_contrast",
    "equalization",
)  # fmt: skip
ALL = (*GENTLE, "random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")


class AugMix(ChoosingLayer):
    """Mixes images with what chains of random changes make of them, while training.

    Each of `num_chains` chains applies `chain_depth` layers, each chosen at random or left out. The results are mixed
    by weights of a Dirichlet distribution, and the mixture with the images by a weight of a Beta distribution. All
    images of a batch have the same chains and weights; within a chain each has draws of its own.

    Args:
        value_range: least and largest value; results are cut to it.
        num_chains: how many chains.
        chain_depth: how many layers in each.
        factor: how strong the layers are, from 0 to 1: (l, u), or a number f for (0, f).
        alpha: parameter of both distributions.
        all_ops: whether brightness, colour, contrast and sharpness are changed, too, which tests of robustness change.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: integer that fixes the draws.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `bounding_box_format`, `name`, `dtype`.

    Source: Hendrycks et al. 2020, "AugMix: A simple data processing method to improve robustness and uncertainty".

    Raises:
        ValueError: an argument is none of these; images that have neither 1 nor 3 channels.

    >>> import numpy as np
    >>> AugMix(seed=1)(np.ones((2, 8, 8, 3), "uint8")).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, factor, interpolation, seed, data_format, **kwargs)
        check_number("AugMix", "alpha", alpha, above=0, most=1e6)
        check_flags("AugMix", all_ops=all_ops)
        self.num_chains = self._number("num_chains", num_chains, 1)
        self.chain_depth = self._number("chain_depth", chain_depth, 0)
        self.alpha = alpha
        self.all_ops = bool(all_ops)
        self._layers_to_choose = self._augmentations(ALL if all_ops else GENTLE)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self.generator if seed is None else seed
        weights = random.gamma((self.num_chains,), self.alpha, seed=seed)
        share = random.beta((), self.alpha, self.alpha, seed=seed)
        # One more than there are layers: to leave the images alone.
        choices = len(self._layers_to_choose) + 1
        chosen = random.randint((self.num_chains, self.chain_depth), 0, choices, seed=seed)
        drawn = [
            [self._drawn(self._layers_to_choose, data, seed) for _ in range(self.chain_depth)]
            for _ in range(self.num_chains)
        ]
        return {
            "chain_mixing_weights": weights / ops.sum(weights),
            "weight_sample": share,
            "layer_idxes": chosen,
            "chain_transforms": drawn,
        }

    def _mixed(self, method: str, value: Any, transformation: Any) -> Any:
        mixture = ops.zeros_like(value)
        for i, chain in enumerate(transformation["chain_transforms"]):
            result = value
            for j, drawn in enumerate(chain):
                choice = transformation["layer_idxes"][i, j]
                result = changed(self._layers_to_choose, drawn, choice, method, result)
            mixture = mixture + result * ops.cast(transformation["chain_mixing_weights"][i], value.dtype)
        share = ops.cast(transformation["weight_sample"], value.dtype)
        return share * value + (1 - share) * mixture

    def _transform_images(self, images: Any, transformation: Any, interpolation: Any) -> Any:
        return ops.clip(self._mixed("transform_images", images, transformation), *self.value_range)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Masks mixed as the images are."""
        if not training or transformation is None:
            return segmentation_masks
        return self._mixed("transform_segmentation_masks", self._working(segmentation_masks), transformation)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_chains": self.num_chains,
            "chain_depth": self.chain_depth,
            "alpha": self.alpha,
            "all_ops": self.all_ops,
        }
