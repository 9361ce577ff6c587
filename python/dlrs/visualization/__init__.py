"""Pictures with what was found in them: rectangles, masks, galleries."""

from dlrs.visualization.draw_bounding_boxes import draw_bounding_boxes
from dlrs.visualization.draw_segmentation_masks import draw_segmentation_masks
from dlrs.visualization.plot_bounding_box_gallery import plot_bounding_box_gallery
from dlrs.visualization.plot_image_gallery import plot_image_gallery
from dlrs.visualization.plot_segmentation_mask_gallery import plot_segmentation_mask_gallery

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
