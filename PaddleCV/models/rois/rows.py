"""Rows of all images of a batch together, of which there may be none.

With oneDNN an exported layer, concatenation or slice does not run on no rows; one row more, which a gather leaves out
again, is the way around it.
"""

import paddle


def image_of_rows(rows, counts):
    """The number of the image of each of the rows [R, ...], int64 [R]; `counts` [N] says how many each image has."""
    ends = paddle.cumsum(counts.astype("int64"))
    index = paddle.arange(paddle.shape(rows)[0]).astype("int64").unsqueeze(1)
    return (index >= ends.unsqueeze(0)).astype("int64").sum(axis=1)


def with_row(rows):
    """Rows [R, K] and a row of zeros after them, [R + 1, K]; in double precision, which oneDNN does not take over."""
    zeros = paddle.zeros([1, rows.shape[1]], dtype="float64")
    return paddle.concat([rows.astype("float64"), zeros]).astype(rows.dtype)


def with_row_of_last(counts):
    """The rows of each image, int32 [N], where the last image has one more."""
    number = paddle.shape(counts)[0]
    return counts + (paddle.arange(number) == number - 1).astype("int32")
