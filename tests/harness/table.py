"""The table: the rows of every family."""

from harness import (
    convolution_rows,
    elementwise_rows,
    function_rows,
    image_rows,
    linalg_rows,
    nn_rows,
    numpy_rows,
    order_rows,
    pooling_rows,
    product_rows,
    recurrent_rows,
    reduction_rows,
    resize_rows,
    state_rows,
    structure_rows,
)
from harness.row import Row

TABLE: list[Row] = [
    *elementwise_rows.ROWS,
    *function_rows.ROWS,
    *reduction_rows.ROWS,
    *product_rows.ROWS,
    *linalg_rows.ROWS,
    *recurrent_rows.ROWS,
    *structure_rows.ROWS,
    *numpy_rows.ROWS,
    *order_rows.ROWS,
    *nn_rows.ROWS,
    *image_rows.ROWS,
    *convolution_rows.ROWS,
    *pooling_rows.ROWS,
    *resize_rows.ROWS,
    *state_rows.ROWS,
]
