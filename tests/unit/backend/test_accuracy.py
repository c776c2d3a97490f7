"""Errors of accumulated results against exact sums: at most pairwise summation's, in every layout, on every backend."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import pullback as pb

FLOATS = (pb.float32, pb.float64, pb.float16, pb.bfloat16)
INEXACT = (*FLOATS, pb.complex64, pb.complex128)
#: Blocks in which summands may be added one after the other.
BLOCK = 128
#: Lengths of parts in which a product of matrices is left to the library.
PART = 16384


def roundings(count: int, block: int = BLOCK) -> float:
    """How many roundings a summand goes through, at most: in a block, and in blocks of sums of blocks."""
    levels = 1 + max(0, math.ceil(math.log(max(count, 1) / block, block / 2)))
    return min(count, block * levels)


def unit(dtype: pb.DType) -> float:
    return pb.finfo(dtype.to_real() if dtype.is_complex else dtype).eps / 2


def exact_sum(values: Any) -> complex:
    values = np.asarray(values).reshape(-1)
    if values.dtype.kind == "c":
        return complex(math.fsum(values.real.tolist()), math.fsum(values.imag.tolist()))
    return math.fsum(values.tolist())


def wide(tensor: pb.Tensor) -> Any:
    """The elements, exactly, as a NumPy array in double precision."""
    return np.array(tensor.detach().to("numpy").to(pb.complex128 if tensor.dtype.is_complex else pb.float64).tolist())


def elements(rng: random.Random, shape: tuple[int, ...], dtype: pb.DType, backend: str) -> pb.Tensor:
    """All equal, so that roundings add up, or of any size between 0 and 1."""
    count = math.prod(shape)
    values = np.full(count, 0.1) if rng.random() < 0.6 else np.random.default_rng(rng.randrange(2**32)).random(count)
    data = values * (1 + 0.5j) if dtype.is_complex else values
    return pb.tensor(data.reshape(shape), dtype=dtype, backend=backend)


def laid_out(rng: random.Random, x: pb.Tensor) -> pb.Tensor:
    """The tensor, or a part of it, transposed, sliced or expanded."""
    for _ in range(rng.randint(0, 2)):
        way = rng.randrange(4)
        dim = rng.randrange(x.ndim)
        if way == 0:
            x = x.transpose(dim, rng.randrange(x.ndim))
        elif way == 1 and x.shape[dim] > 2:
            x = x.narrow(dim, 1, x.shape[dim] - 1)
        elif way == 2:
            x = x.permute(tuple(rng.sample(range(x.ndim), x.ndim))).contiguous()
        elif x.shape[dim] > 300:
            x = x.unfold(dim, x.shape[dim] // 2, x.shape[dim] // 2).select(dim, 0)
    return x


#: JAX compiles every operation for every shape, so that it gets fewer.
SHAPES = ((20000,), (5000, 3), (3, 5000), (700, 4, 7), (40, 300, 3), (2, 3, 2000), (300, 1, 40), (130, 130))


def cases(backend: str, count: int, dtypes: tuple[pb.DType, ...], seed: int = 0) -> list[Any]:
    rng = random.Random(f"{backend} {seed}")
    return [(rng.choice(SHAPES), rng.choice(dtypes), rng.randrange(2**32)) for _ in range(count)]


REDUCTIONS: dict[str, Callable[..., pb.Tensor]] = {
    "sum": lambda x, dim, keepdim: x.sum(dim, keepdim),
    "mean": lambda x, dim, keepdim: x.mean(dim, keepdim),
    "nansum": lambda x, dim, keepdim: x.nansum(dim, keepdim),
    "norm of order 1": lambda x, dim, keepdim: x.norm(1, dim, keepdim),
    "norm of order 2": lambda x, dim, keepdim: x.norm(2, dim, keepdim),
    "norm of order 3": lambda x, dim, keepdim: x.norm(3, dim, keepdim),
    "logsumexp": lambda x, dim, keepdim: x.logsumexp(dim, keepdim),
}


def exact_reduction(name: str, values: Any) -> complex:
    if name in ("sum", "nansum"):
        return exact_sum(values)
    if name == "mean":
        return exact_sum(values) / values.size
    if name == "logsumexp":
        return math.log(exact_sum(np.exp(values)))
    order = int(name[-1])
    return float(exact_sum(np.abs(values) ** order)) ** (1 / order)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_have_the_error_of_pairwise_summation_in_any_layout(name: str, backend: str) -> None:
    dtypes = INEXACT if name in ("sum", "mean") or name.startswith("norm") else FLOATS
    for shape, dtype, seed in cases(backend, 24 if backend == "numpy" else 3, dtypes):
        rng = random.Random(seed)
        x = laid_out(rng, elements(rng, shape, dtype, backend))
        dims = sorted(rng.sample(range(x.ndim), rng.randint(1, x.ndim)))
        keepdim = rng.random() < 0.3
        out = wide(REDUCTIONS[name](x, dims if rng.random() < 0.8 else [d - x.ndim for d in dims], keepdim))
        kept = [d for d in range(x.ndim) if d not in dims]
        rows = wide(x).transpose([*kept, *dims]).reshape((math.prod(x.shape[d] for d in kept), -1))
        assert out.shape == tuple(1 if d in dims else n for d, n in enumerate(x.shape) if keepdim or d not in dims)
        # A few more for what is done to each element before and to the sum afterwards.
        bound = (roundings(rows.shape[1]) + 8) * unit(dtype) if dtype.itemsize > 2 else 4 * unit(dtype)
        if dtype.is_complex:
            bound *= 2
        for got, row in list(zip(out.reshape(-1), rows, strict=True))[:3]:
            expected = exact_reduction(name, row)
            scale = max(abs(expected), 1.0) if name == "logsumexp" else abs(expected)
            assert abs(got - expected) <= bound * scale, (name, shape, x.shape, x.stride(), dims, dtype, got, expected)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_running_sums_have_the_error_of_pairwise_summation(backend: str) -> None:
    for shape, dtype, seed in cases(backend, 24 if backend == "numpy" else 3, INEXACT, 1):
        rng = random.Random(seed)
        x = laid_out(rng, elements(rng, shape, dtype, backend))
        dim = rng.randrange(x.ndim)
        out, values = (np.moveaxis(wide(t), dim, -1).reshape(-1, x.shape[dim]) for t in (x.cumsum(dim), x))
        size = x.shape[dim]
        bound = roundings(size) * 2 * unit(dtype) if dtype.itemsize > 2 else 4 * unit(dtype)
        for place in {0, size // 3, size - 2, size - 1} & set(range(size)):
            expected = exact_sum(values[0, : place + 1])
            assert abs(out[0, place] - expected) <= bound * abs(expected), (x.shape, x.stride(), dim, dtype, place)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_round_once_more_for_each_factor_in_double_precision(name: str, backend: str) -> None:
    for dtype in (pb.float32, pb.float64, pb.float16):
        count = 3000 if dtype is not pb.float16 else 300
        x = pb.tensor([1 + 0.01 * (-1) ** k * (k % 7) for k in range(count)], dtype=dtype, backend=backend)
        x = pb.stack([x, x], 1)
        got = (x.prod(0) if name == "prod" else x.cumprod(0)[-1])[0].item()
        exact = math.prod(Fraction(value) for value in wide(x)[:, 0].tolist())
        bound = count * 2.0**-53 + (unit(dtype) if dtype is not pb.float64 else 0)
        assert abs(Fraction(got) / exact - 1) <= bound, (dtype, got, float(exact))


PRODUCTS: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    ("k,k->", (40000,), (40000,)),
    ("ik,k->i", (3, 40000), (40000,)),
    ("k,kj->j", (40000,), (40000, 3)),
    ("ik,kj->ij", (3, 40000), (40000, 2)),
    ("bik,bkj->bij", (2, 3, 20000), (2, 20000, 2)),
    ("ik->i", (2, 20000), ()),
    ("ki->i", (20000, 3), ()),
    ("kki->i", (150, 150, 3), ()),
    ("abc,abd->cd", (200, 150, 2), (200, 150, 3)),
)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(("equation", "first", "second"), PRODUCTS)
def test_products_of_matrices_and_einsum_have_a_bounded_error_in_any_layout(
    equation: str, first: tuple[int, ...], second: tuple[int, ...], backend: str
) -> None:
    for dtype in (pb.float32, pb.float64, pb.bfloat16) if backend == "numpy" else (pb.float32,):
        for transposed in (False, True) if backend == "numpy" else (False,):
            operands = [pb.full(shape, 0.1, dtype=dtype, backend=backend) for shape in (first, second) if shape]
            if transposed:
                operands = [
                    t.permute(tuple(range(t.ndim))[::-1]).contiguous().permute(tuple(range(t.ndim))[::-1])
                    for t in operands
                ]
            got = wide(pb.einsum(equation, *operands)).reshape(-1)
            tenth = operands[0].reshape(-1)[0].double().item()
            size = 150 if equation == "kki->i" else 30000 if equation.startswith("abc") else max(first)
            expected = float(Fraction(tenth) ** len(operands) * size)
            bound = (roundings(size, PART) + 8) * unit(dtype) / (1 if dtype is pb.bfloat16 else 8)
            if dtype is pb.bfloat16:
                bound = 4 * unit(dtype)
            assert np.abs(got / expected - 1).max() <= bound, (dtype, transposed, got[0], expected)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64, pb.complex64, pb.bfloat16])
def test_values_for_one_element_add_up_as_accurately(dtype: pb.DType, backend: str) -> None:
    if backend == "jax" and dtype is pb.float64:
        pytest.skip("XLA adds the values of a scatter one after the other; there is no wider dtype to do it in")
    count = 20000
    with pb.use_backend(backend):
        source = pb.full((count, 2), 0.1, dtype=dtype)
        tenth = source[0, 0].item()
        index = pb.tensor([k % 3 if k % 2 else 1 for k in range(count)])
        totals = {
            "scatter_add": pb.zeros(3, 2, dtype=dtype).scatter_add(0, index[:, None].expand(count, 2), source)[:, 0],
            "index_add": pb.zeros(2, 3, dtype=dtype).index_add(1, index, source.mT.contiguous())[1],
            "index_put": pb.zeros(3, dtype=dtype).index_put((index - 3,), source[:, 1], accumulate=True),
        }
        rows = pb.zeros(3, 2, dtype=dtype, requires_grad=True)
        rows[index].backward(source)
        assert rows.grad is not None
        totals["gradient of rows"] = rows.grad[:, 1]
        repeats = [index.tolist().count(k) for k in range(3)]
        bound = roundings(count) * unit(dtype) if dtype.itemsize > 2 else 2 * unit(dtype)
        for name, total in totals.items():
            for repeat, got in zip(repeats, total.tolist(), strict=True):
                assert abs(got / (repeat * tenth) - 1) <= bound, (name, got, repeat * tenth)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_gradients_of_what_was_broadcast_and_losses_are_summed_as_accurately(backend: str) -> None:
    n = 30000
    with pb.use_backend(backend):
        x = pb.full((n, 2), 0.1)
        tenth = x[0, 0].item()
        bias, scale = pb.zeros(2, requires_grad=True), pb.zeros(1, 2, requires_grad=True)
        (x * 0 + bias + scale).backward(x)
        functional = pb.nn.functional
        found = {
            "bias": bias.grad[0].item() / (n * tenth),
            "scale": scale.grad[0, 0].item() / (n * tenth),
            "l1_loss": functional.l1_loss(x, pb.zeros(n, 2)).item() / tenth,
            "mse_loss": functional.mse_loss(x, pb.zeros(n, 2)).item() / tenth**2,
            "huber_loss": functional.huber_loss(x, pb.zeros(n, 2)).item() / (tenth**2 / 2),
            "softmax": x.softmax(0)[0, 0].item() * n,
            "log_softmax": x.log_softmax(0)[0, 1].item() / -math.log(n),
            "cross_entropy": functional.cross_entropy(x, pb.zeros(n, dtype=pb.int64)).item() / math.log(2),
        }
        for name, ratio in found.items():
            assert abs(ratio - 1) <= (roundings(2 * n) + 8) * unit(pb.float32), (name, ratio)


# -- variances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64, pb.bfloat16, pb.complex64])
def test_the_variance_of_equal_elements_is_zero(dtype: pb.DType, backend: str) -> None:
    shapes: tuple[tuple[tuple[int, ...], Any], ...]
    shapes = ((1000,), None), ((777, 2), 0), ((3, 50), 1), ((20, 3, 30), (0, 2))
    for value in (0.1, 100.1, 3e4, 1e-4, -0.7):
        for shape, dim in shapes if backend == "numpy" else shapes[:2]:
            x = pb.full(shape, value, dtype=dtype, backend=backend)
            assert not x.var(dim).any(), (value, shape, dim)
            assert not x.std(dim, correction=0).any(), (value, shape, dim)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("dtype", [pb.float32, pb.float64, pb.complex64])
def test_variances_about_a_large_mean_keep_their_digits(dtype: pb.DType, backend: str) -> None:
    base = 2.0**20 if dtype is not pb.float64 else 2.0**49
    data = [base + (k % 5) for k in range(5000)]
    x = pb.tensor(data, dtype=dtype, backend=backend)
    for values, dim in ((x, None), (pb.stack([x, x], 1), 0)):
        got = wide(values.var(dim, correction=0)).reshape(-1)
        assert np.abs(got / 2.0 - 1).max() <= 300 * unit(dtype)


# -- the range --------------------------------------------------------------------------------------------------------

RANGES = (
    (pb.float32, 1e38),
    (pb.float32, 2e-38),
    (pb.float64, 5e307),
    (pb.float64, 3e-308),
    (pb.bfloat16, 1e38),
    (pb.bfloat16, 2e-38),
    (pb.float16, 2e4),
    (pb.complex64, 1e38),
    (pb.complex128, 3e-308),
)


@pytest.mark.parametrize(
    ("backend", "dtype", "size"),
    [("numpy", *values) for values in RANGES] + [("jax", *values) for values in RANGES[:4]],
    ids=lambda value: str(value).removeprefix("torch."),
)
def test_means_deviations_and_norms_are_in_range_where_their_results_are(
    backend: str, dtype: pb.DType, size: float
) -> None:
    for dims in (1, 2) if backend == "numpy" else (2,):
        x = pb.tensor([size, 2 * size, 3 * size], dtype=dtype, backend=backend)
        x = x if dims == 1 else pb.stack([x, x], 1)
        first = wide(x).reshape(3, dims)[:, 0].real
        found = {
            "mean": (x.mean(0), first.mean() if size < 1e300 else 2 * size),
            "deviation": (x.std(0), size),
            "deviation, biased": (x.std(0, correction=0), size * math.sqrt(2 / 3)),
            "norm of order 3": (x.norm(3, 0), size * 36 ** (1 / 3) if 3.35 * size < pb.finfo(dtype).max else math.inf),
            "norm of order -2": (x.norm(-2, 0), size / math.sqrt(1 + 1 / 4 + 1 / 9)),
        }
        pair = pb.tensor([size, size], dtype=dtype, backend=backend)
        found["norm of order 2"] = (pair.norm(2, 0), size * math.sqrt(2))
        found["norm of all"] = (pair.norm(), size * math.sqrt(2))
        for name, (got, expected) in found.items():
            value = wide(got).reshape(-1)[0]
            assert value == expected or abs(value / expected - 1) < 8 * unit(dtype) + 1e-15, (name, value, expected)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_norms_of_zeros_infinities_and_nan(backend: str) -> None:
    with pb.use_backend(backend):
        for order in (2, 3, 0.5):
            assert pb.zeros(3).norm(order).item() == 0
            assert pb.tensor([math.inf, 1.0, -math.inf]).norm(order).item() == math.inf
            assert math.isnan(pb.tensor([math.nan, 1.0]).norm(order).item())
            assert pb.zeros(0).norm(order).item() == 0
        assert pb.tensor([0.0, 1.0]).norm(-1).item() == 0
        assert math.isnan(pb.tensor([math.inf, 1.0]).std().item())
        assert pb.tensor([math.inf, 1.0]).mean().item() == math.inf
        assert math.isnan(pb.tensor([1.0]).var().item())
        assert pb.tensor([1.0]).var(correction=0).item() == 0


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_products_are_in_range_where_their_results_are(backend: str) -> None:
    with pb.use_backend(backend):
        tiny, huge = [2.0**-900] * 5, [2.0**900] * 5
        for factors in (tiny + huge, huge + tiny, [2.0**-500, 2.0**-560, 2.0**500] * 4 + [2.0**560] * 4):
            x = pb.tensor(factors, dtype=pb.float64)
            assert x.prod().item() == 1
            assert pb.stack([x, x], 1).prod(0, True).tolist() == [[1.0, 1.0]]
        assert pb.tensor([2.0**-100] * 15 + [2.0**100] * 15).prod().item() == 1
        assert pb.tensor([2.0**600, 2.0**600, 0.0], dtype=pb.float64).prod().item() == 0
        assert pb.tensor([2.0**600, 2.0**600], dtype=pb.float64).prod().item() == math.inf


# -- the same bits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_call_gives_the_same_bits_whatever_ran_before(backend: str) -> None:
    rng = random.Random(f"bits {backend}")
    programs: list[Callable[[pb.Tensor], pb.Tensor]] = [
        lambda x: x.sum(0), lambda x: x.mean(), lambda x: x.std(1), lambda x: x.norm(3, 0), lambda x: x.cumsum(0),
        lambda x: x.mT @ x, lambda x: x[0] @ x.mT, lambda x: x.softmax(0), lambda x: x.prod(0),
        lambda x: pb.einsum("ij,ij->j", x, x), lambda x: x.logsumexp(1), lambda x: pb.nn.functional.mse_loss(x, -x),
    ]  # fmt: skip
    with pb.use_backend(backend):
        dtypes = (pb.float32, pb.float64) if backend == "numpy" else (pb.float32,)
        tensors = [elements(rng, (3000, 17), dtype, backend) for dtype in dtypes]
        first = {(p, t): wide(program(x)) for p, program in enumerate(programs) for t, x in enumerate(tensors)}
        order = [key for key in first for _ in range(20 if backend == "numpy" else 5)]
        rng.shuffle(order)
        for program, tensor in order:
            again = wide(programs[program](tensors[tensor].clone()))
            assert np.array_equal(again, first[program, tensor], equal_nan=True), program
