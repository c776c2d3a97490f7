"""Samples of functions whose declarations have none: those that make tensors, and those built of other operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pullback.extend import Sample, dtypes
from pullback.random import Generator


def _filled(make: Any) -> Iterator[Sample]:
    yield Sample(2, 3, dtype=make.dtype)
    yield Sample((3,), dtype=make.dtype)
    yield Sample((), dtype=make.dtype)
    yield Sample(0, 3, dtype=make.dtype)


def _full(make: Any) -> Iterator[Sample]:
    yield Sample((2, 3), 1, dtype=make.dtype)
    yield Sample((), 1, dtype=make.dtype)
    yield Sample((0, 3), 1, dtype=make.dtype)


def _like(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make())
    yield Sample(make(0, 3))


def _full_like(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), 1)
    yield Sample(make(), 1)


def _new_shape(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), (2, 3))
    yield Sample(make(2), ())


def _new_full(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), (2, 3), 1)


def _new_tensor(make: Any) -> Iterator[Sample]:
    yield Sample(make(2), [[0, 1], [1, 0]])


def _arange(make: Any) -> Iterator[Sample]:
    yield Sample(5, dtype=make.dtype)
    yield Sample(1, 7, 2, dtype=make.dtype)
    yield Sample(0, dtype=make.dtype)


def _linspace(make: Any) -> Iterator[Sample]:
    yield Sample(0, 6, 4, dtype=make.dtype)
    yield Sample(3, 3, 1, dtype=make.dtype)


def _logspace(make: Any) -> Iterator[Sample]:
    yield Sample(0, 2, 3, dtype=make.dtype)
    yield Sample(3, 0, 4, 2.0, dtype=make.dtype)


def _scalar(make: Any) -> Iterator[Sample]:
    yield Sample(1, dtype=make.dtype)


def _indices(make: Any) -> Iterator[Sample]:
    yield Sample(3, 4)
    yield Sample(4, 2, -1)
    yield Sample(0, 2, 1)


def _window(make: Any) -> Iterator[Sample]:
    yield Sample(5, dtype=make.dtype)
    yield Sample(4, False, dtype=make.dtype)
    yield Sample(1, dtype=make.dtype)


def _eye(make: Any) -> Iterator[Sample]:
    yield Sample(3, dtype=make.dtype)
    yield Sample(2, 3, dtype=make.dtype)


def _one(*shapes: tuple[int, ...]) -> Callable[[Any], Iterator[Sample]]:
    def samples(make: Any) -> Iterator[Sample]:
        for shape in shapes:
            yield Sample(make(*shape))

    return samples


def _with(*calls: tuple[Any, ...]) -> Callable[[Any], Iterator[Sample]]:
    """A tensor of the first item's shape, then the other items as they are."""

    def samples(make: Any) -> Iterator[Sample]:
        for shape, *attributes in calls:
            yield Sample(make(*shape), *attributes)

    return samples


def _several(*calls: tuple[tuple[int, ...], ...]) -> Callable[[Any], Iterator[Sample]]:
    def samples(make: Any) -> Iterator[Sample]:
        for shapes in calls:
            yield Sample(*[make(*shape) for shape in shapes])

    return samples


def _listed(*calls: tuple[tuple[int, ...], ...]) -> Callable[[Any], Iterator[Sample]]:
    def samples(make: Any) -> Iterator[Sample]:
        for shapes in calls:
            yield Sample([make(*shape) for shape in shapes])

    return samples


def _integer_operand(make: Any) -> Iterator[Sample]:
    yield Sample(make.integers(3, high=5))
    yield Sample(make.integers(2, 2, high=3))


def _positive(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, low=0.3, high=2.0), 2)
    yield Sample(make(2, 3, low=0.3, high=2.0), make(3, low=0.3, high=2.0))


def _to_dtype(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), dtypes.float64)
    yield Sample(make(2, 3), dtypes.float32)
    yield Sample(make(), dtypes.complex128)


def _take_along(make: Any) -> Iterator[Sample]:
    yield Sample(make(3, 4), make.integers(3, 2, high=4), 1)
    yield Sample(make(3, 4), make.integers(2, 4, high=3), dim=0)


def _repeat_interleave(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), 2)
    yield Sample(make(2, 3), 2, dim=1)
    yield Sample(make(2, 3), make.integers(2, low=1, high=3), dim=0)


def _random(*calls: tuple[Any, ...], **named: Any) -> Callable[[Any], Iterator[Sample]]:
    def samples(make: Any) -> Iterator[Sample]:
        for call in calls:
            yield Sample(*call, dtype=make.dtype, generator=Generator().manual_seed(7), **named)

    return samples


def _random_from(*attributes: Any, low: float = -2.0, high: float = 2.0) -> Callable[[Any], Iterator[Sample]]:
    def samples(make: Any) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 3)):
            yield Sample(make(*shape, low=low, high=high), *attributes, generator=Generator().manual_seed(7))

    return samples


def _bernoulli_from(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3), make(2, 3, low=0.1, high=0.9), generator=Generator().manual_seed(7))


def _poisson(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, low=0.5, high=5.0), generator=Generator().manual_seed(7))
    yield Sample(make(4, low=15.0, high=40.0), generator=Generator().manual_seed(7))


def _multinomial(make: Any) -> Iterator[Sample]:
    yield Sample(make(5, low=0.1, high=1.0), 3, generator=Generator().manual_seed(7))
    yield Sample(make(2, 5, low=0.1, high=1.0), 4, True, generator=Generator().manual_seed(7))


EXTRA: Final[dict[str, Callable[[Any], Iterator[Sample]]]] = {
    "zeros": _filled,
    "ones": _filled,
    "full": _full,
    "zeros_like": _like,
    "ones_like": _like,
    "full_like": _full_like,
    "new_zeros": _new_shape,
    "new_ones": _new_shape,
    "new_full": _new_full,
    "new_tensor": _new_tensor,
    "arange": _arange,
    "linspace": _linspace,
    "logspace": _logspace,
    "scalar_tensor": _scalar,
    "eye": _eye,
    "tril_indices": _indices,
    "triu_indices": _indices,
    "hann_window": _window,
    "hamming_window": _window,
    "blackman_window": _window,
    "bartlett_window": _window,
    "kaiser_window": _window,
    "alias": _one((2, 3), ()),
    "clone": _one((2, 3), (), (0, 3)),
    "cpu": _one((2, 3), ()),
    "contiguous": _one((2, 3), ()),
    "detach": _one((2, 3)),
    "nonzero": _one((2, 3), (4,)),
    "argwhere": _one((2, 3)),
    "one_hot": _integer_operand,
    "ravel": _one((2, 3), (), (0, 3)),
    "adjoint": _one((2, 3), (2, 2, 3)),
    "fliplr": _one((2, 3)),
    "flipud": _one((2, 3)),
    "msort": _one((3, 2)),
    "conj": _one((2, 3)),
    "real": _one((2, 3), ()),
    "imag": _one((2, 3), ()),
    "aminmax": _one((2, 3), (4,)),
    "diagflat": _one((3,), (2, 2)),
    "to_dtype": _to_dtype,
    "to": _to_dtype,
    "type_as": _several(((2, 3), (1,))),
    "copy": _several(((2, 3), (2, 3)), ((2, 3), (3,))),
    "fill": _with(((2, 3), 1), ((), 1)),
    "view_as": _several(((2, 3), (6,)), ((4,), (2, 2))),
    "reshape_as": _several(((2, 3), (6,)), ((4,), (2, 2))),
    "expand_as": _several(((3, 1), (3, 4)), ((3,), (2, 3))),
    "broadcast_to": _with(((3, 1), (3, 4)), ((), (2, 2))),
    "broadcast_tensors": _several(((3, 1), (4,)), ((2,), ())),
    "atleast_1d": _one((), (2,)),
    "atleast_2d": _one((), (2,), (2, 3)),
    "atleast_3d": _one((), (2,), (2, 3)),
    "movedim": _with(((2, 3, 4), 0, -1), ((2, 3, 4), (0, 1), (2, 0))),
    "chunk": _with(((5, 2), 2), ((2, 4), 3, 1)),
    "hsplit": _with(((2, 4), 2), ((4,), [1, 3])),
    "vsplit": _with(((4, 2), 2), ((4, 2), [1])),
    "dsplit": _with(((1, 2, 4), 2)),
    "hstack": _listed(((2, 3), (2, 1)), ((2,), (3,))),
    "vstack": _listed(((2, 3), (1, 3)), ((3,), (3,))),
    "dstack": _listed(((2, 3), (2, 3))),
    "column_stack": _listed(((2,), (2, 2))),
    "inner": _several(((3,), (3,)), ((2, 3), (4, 3))),
    "float_power": _positive,
    "rdiv": _positive,
    "rpow": _positive,
    "div": _positive,
    "take_along_dim": _take_along,
    "tile": _with(((2, 3), (2, 1)), ((3,), (2, 2))),
    "repeat_interleave": _repeat_interleave,
    "diag": _with(((3,),), ((3, 3),), ((2, 3), 1)),
    "meshgrid": _several(((2,), (3,))),
    "cartesian_prod": _several(((2,), (3,))),
    "block_diag": _several(((2, 2), (1, 3))),
    "norm": _with(((2, 3),), ((2, 3), 2, 1), ((2, 3), 1, 0, True)),
    "rand": _random((2, 3), (3,)),
    "randn": _random((2, 3), (3,)),
    "randint": _random((10, (2, 3)), (-5, 5, (3,))),
    "randperm": _random((6,)),
    "rand_like": _random_from(),
    "randn_like": _random_from(),
    "randint_like": _random_from(10),
    "bernoulli": _random_from(0.3),
    "uniform": _random_from(-1.0, 2.0),
    "normal_fill": _random_from(1.0, 2.0),
    "exponential": _random_from(1.5),
    "cauchy": _random_from(0.5, 2.0),
    "geometric": _random_from(0.25),
    "log_normal": _random_from(0.5, 0.25),
    "random_integers": _random_from(0, 10),
    "bernoulli_from": _bernoulli_from,
    "poisson": _poisson,
    "multinomial": _multinomial,
}

_UNINITIALISED = "its elements are not initialised, so there is nothing to compare"

#: Functions that are no part of the grid, with the reason.
LEFT_OUT: Final = {
    "empty": _UNINITIALISED,
    "empty_like": _UNINITIALISED,
    "new_empty": _UNINITIALISED,
    "empty_strided": _UNINITIALISED,
    "empty_permuted": _UNINITIALISED,
    "new_empty_strided": _UNINITIALISED,
    "new": "it forwards to new_tensor and new_empty",
    "range": "it is deprecated, and warns; arange is checked",
    "broadcast_shapes": "it takes shapes and gives a shape: no backend takes part",
    "zero_part": "it serves as a step of indexing, which is checked",
    "nextafter": "a number has other neighbours in each precision: there is nothing to compare with",
    "normal": "it forwards to randn, which is checked",
    "isin": "is_among, which computes it, is checked",
    "normal_from": "its derivative is zero by declaration, as PyTorch's, though means shift the numbers",
}
