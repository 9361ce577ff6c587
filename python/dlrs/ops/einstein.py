"""Sums of products in Einstein's notation."""

from collections.abc import Sequence

from dlrs import _dlrs
from dlrs._dlrs import Tensor
from dlrs.backend import TensorLike, as_tensor, result_type
from dlrs.ops.operation import op
from dlrs.ops.products import diagonal

__all__ = ["einsum"]

# An axis by name: a letter, or the number of an axis of the ellipsis counted from its end, from -1 on.
Label = str | int


@op
def einsum(subscripts: str, *operands: TensorLike) -> Tensor:
    """Sum of products of the operands, with axes named by letters.

    Args:
        subscripts: The letters of each operand's axes, separated by commas, then `->` and those of the result. Axes of
            one letter are multiplied with each other; letters that the result lacks are summed over. `...` stands for
            further axes, which are broadcast. Without `->` the result has `...` and then the letters that occur once,
            in alphabetical order.
        *operands: Tensors.

    The operands are contracted in pairs, each as one product of matrices; of several pairs the one whose result is
    smallest against its operands comes first.

    Errors: ValueError if the subscripts and the operands' shapes do not fit each other.

    >>> einsum("ij,kj->ik", [[1.0, 2.0]], [[3.0, 4.0]]).tolist()
    [[11.0]]
    """
    tensors = [as_tensor(x) for x in operands]
    labels, wanted = _parse(subscripts, tensors)
    dtypes = [tensor.dtype for tensor in tensors]
    dtype = "int32" if set(dtypes) == {"int8"} else result_type(*dtypes)  # sums of int8 do not fit int8
    sizes = _sizes(subscripts, tensors, labels)
    terms = []
    for tensor, names in zip(tensors, labels, strict=True):
        if tensor.dtype != dtype:
            tensor = _dlrs.cast(tensor, dtype)
        terms.append(_distinct(tensor, names, sizes))
    while len(terms) > 1:
        first, second = _cheapest(terms, wanted, sizes)
        b, a = terms.pop(second), terms.pop(first)
        kept = set(wanted).union(*(names for _, names in terms))
        terms.append(_contract(_summed(a, kept | set(b[1])), _summed(b, kept | set(a[1])), kept, sizes))
    result, names = _summed(terms[0], set(wanted))
    return _arranged(result, names, wanted)


# A tensor with the names of its axes, all different.
Term = tuple[Tensor, list[Label]]


def _parse(subscripts: str, operands: Sequence[Tensor]) -> tuple[list[list[Label]], list[Label]]:
    """The axes' names of each operand and of the result."""
    if not isinstance(subscripts, str):
        raise ValueError(f"einsum: `subscripts` must be a string, got {subscripts!r}.")
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise ValueError(f"einsum: {subscripts!r} names {len(parts)} operands, got {len(operands)}.")
    labels = [_names(subscripts, part, x.ndim, x.shape) for part, x in zip(parts, operands, strict=True)]
    all_names = [name for names in labels for name in names]
    most = max((-name for name in all_names if isinstance(name, int)), default=0)
    ellipsis: list[Label] = list(range(-most, 0))
    if not arrow:
        once = sorted(name for name in set(all_names) if isinstance(name, str) and all_names.count(name) == 1)
        return labels, [*ellipsis, *once]
    wanted = _names(subscripts, right, len(right.replace("...", "")) + most, ())
    unknown = [name for name in wanted if name not in all_names]
    if unknown or len(set(wanted)) != len(wanted):
        raise ValueError(f"einsum: in {subscripts!r} the result names an axis twice, or one that no operand has.")
    return labels, wanted


def _names(subscripts: str, part: str, ndim: int, shape: Sequence[int]) -> list[Label]:
    """The names of `ndim` axes."""
    before, dots, after = part.partition("...")
    letters = before + after
    if (letters and not (letters.isascii() and letters.isalpha())) or "..." in after:
        raise ValueError(f"einsum: {part!r} in {subscripts!r} holds something else than letters and one '...'.")
    rest = ndim - len(letters)
    if rest < 0 or (rest > 0 and not dots):
        raise ValueError(f"einsum: {part!r} in {subscripts!r} does not fit an operand of shape {tuple(shape)}.")
    return [*before, *range(-rest, 0), *after]


def _sizes(subscripts: str, operands: Sequence[Tensor], labels: Sequence[Sequence[Label]]) -> dict[Label, int]:
    """The size of each axis. Only axes of the ellipsis are broadcast."""
    sizes: dict[Label, int] = {}
    for x, names in zip(operands, labels, strict=True):
        for name, size in zip(names, x.shape, strict=True):
            known = sizes.setdefault(name, size)
            if known != size and not (isinstance(name, int) and 1 in (known, size)):
                raise ValueError(
                    f"einsum: axis {'...' if isinstance(name, int) else name!r} of {subscripts!r} has the sizes"
                    f" {known} and {size}."
                )
            if known == 1:
                sizes[name] = size
    return sizes


def _distinct(x: Tensor, names: Sequence[Label], sizes: dict[Label, int]) -> Term:
    """The operand with the diagonal of axes of one name, and without axes that are to be broadcast."""
    names = list(names)
    for name in dict.fromkeys(names):
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            x = diagonal(x, 0, first, second)
            names = [*(n for i, n in enumerate(names) if i not in (first, second)), name]
    kept = [i for i, name in enumerate(names) if x.shape[i] == sizes[name]]
    if len(kept) < len(names):
        x, names = _dlrs.reshape(x, [x.shape[i] for i in kept]), [names[i] for i in kept]
    return x, names


def _summed(term: Term, kept: set[Label]) -> Term:
    """The term summed over the axes that are not kept."""
    x, names = term
    gone = [i for i, name in enumerate(names) if name not in kept]
    return (_dlrs.sum(x, gone, False), [name for name in names if name in kept]) if gone else term


def _cheapest(terms: Sequence[Term], wanted: Sequence[Label], sizes: dict[Label, int]) -> tuple[int, int]:
    """The pair to contract next: the one whose result has the fewest elements more than its operands."""

    def elements(names: set[Label]) -> int:
        total = 1
        for name in names:
            total *= sizes[name]
        return total

    def growth(pair: tuple[int, int]) -> int:
        a, b = (set(terms[i][1]) for i in pair)
        others = set(wanted).union(*(names for i, (_, names) in enumerate(terms) if i not in pair))
        return elements((a | b) & others) - elements(a) - elements(b)

    return min(((i, j) for i in range(len(terms)) for j in range(i + 1, len(terms))), key=growth)


def _contract(a: Term, b: Term, kept: set[Label], sizes: dict[Label, int]) -> Term:
    """The product of two terms, summed over the axes that both have and that are not kept."""
    (x, names), (y, others) = a, b
    batch = [name for name in names if name in others and name in kept]
    inner = [name for name in names if name in others and name not in kept]
    rows = [name for name in names if name not in others]
    columns = [name for name in others if name not in names]
    lead = [sizes[name] for name in batch]
    m, k, n = (_product(group, sizes) for group in (rows, inner, columns))
    result: list[Label] = [*batch, *rows, *columns]
    if not inner:
        left = _dlrs.reshape(_arranged(x, names, [*batch, *rows]), [*lead, m, 1])
        right = _dlrs.reshape(_arranged(y, others, [*batch, *columns]), [*lead, 1, n])
        product = _dlrs.multiply(left, right)
    else:
        # Operands that lie transposed are read so: no copy is made.
        transpose_a, transpose_b = names == [*batch, *inner, *rows], others == [*batch, *columns, *inner]
        left = x if transpose_a else _arranged(x, names, [*batch, *rows, *inner])
        right = y if transpose_b else _arranged(y, others, [*batch, *inner, *columns])
        left = _dlrs.reshape(left, [*lead, k, m] if transpose_a else [*lead, m, k])
        right = _dlrs.reshape(right, [*lead, n, k] if transpose_b else [*lead, k, n])
        product = _dlrs.matmul(left, right, transpose_a, transpose_b)
    return _dlrs.reshape(product, [sizes[name] for name in result]), result


def _product(names: Sequence[Label], sizes: dict[Label, int]) -> int:
    total = 1
    for name in names:
        total *= sizes[name]
    return total


def _arranged(x: Tensor, names: Sequence[Label], order: Sequence[Label]) -> Tensor:
    """The axes in another order."""
    return x if list(names) == list(order) else _dlrs.transpose(x, [names.index(name) for name in order])
