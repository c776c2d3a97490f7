"""Each kernel on each backend against NumPy's functions, for every kind of dtype PyTorch allows it."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from pullback.backend.array_api import BINARY, UNARY

bfloat16 = np.dtype(ml_dtypes.bfloat16)
INEXACT = ("float32", "float64", "complex64")
FLOATS = ("float16", bfloat16, "float32", "float64")
HALVES = ("float16", bfloat16)
INTEGERS = ("uint8", "int8", "int64")


def values(dtype, shape=(2, 3), seed=0, low=-4, high=4):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        out = rng.integers(0, 2, shape)
    elif dtype.kind in "iu":
        out = rng.integers(max(low, 0) if dtype.kind == "u" else low, high + 1, shape)
    else:
        out = rng.uniform(low, high, shape)
    if dtype.kind == "c":
        out = out + 1j * rng.uniform(low, high, shape)
    return np.asarray(out).astype(dtype)


def check(actual, expected, ulp=4):
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected)
        return
    eps = float(ml_dtypes.finfo(expected.dtype).eps) if expected.dtype.kind != "c" else np.finfo(expected.dtype).eps
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    np.testing.assert_allclose(actual.astype(wide), expected.astype(wide), rtol=ulp * eps, atol=ulp * eps)


DOMAIN = {
    "acosh": (1, 4),
    "atanh": (-0.9, 0.9),
    "asin": (-1, 1),
    "acos": (-1, 1),
    "log1p": (-0.9, 4),
} | dict.fromkeys(("log", "log2", "log10", "sqrt", "reciprocal", "rsqrt"), (0.1, 4))
REAL_ONLY = {"floor", "ceil", "trunc", "signbit", "log2", "exp2", "log10"}
PREDICATES = {"isnan", "isinf", "isfinite", "signbit", "logical_not"}
EXACT_ON_INTEGERS = {"negative", "positive", "abs", "sign", "square", "floor", "ceil", "trunc", *PREDICATES}


@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("bitwise_invert", "conj")])
def test_unary(run, name):
    ours = "absolute" if name == "abs" else name
    for dtype in (*FLOATS, "complex64"):
        if not run.has(dtype) or (np.dtype(dtype).kind == "c" and name in REAL_ONLY):
            continue
        x = values(dtype, (64,), low=DOMAIN.get(name, (-4, 4))[0], high=DOMAIN.get(name, (-4, 4))[1])
        with np.errstate(all="ignore"):
            expected = getattr(np, ours)(x.astype("float32") if dtype in HALVES else x)
        if dtype in HALVES and name not in PREDICATES:
            expected = expected.astype(dtype)
        # Compared with NumPy's own rounding; XLA's complex atanh is the coarsest.
        check(run(name, x), expected, ulp=128 if np.dtype(dtype).kind == "c" else 4)
    if name in EXACT_ON_INTEGERS:
        for dtype in INTEGERS:
            x = values(dtype)
            check(run(name, x), getattr(np, ours)(x))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "logical_not"])
def test_predicates_of_bool(run, name):
    x = np.array([True, False])
    check(run(name, x), getattr(np, name)(x))


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit", "floor", "sign", "exp", "sqrt"])
def test_special_values(run, name):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(run(name, x), getattr(np, name)(x), rtol=4e-16)


REAL_BINARY = {
    "floor_divide", "remainder", "atan2", "copysign", "hypot", "logaddexp", "less", "less_equal", "greater",
    "greater_equal", "maximum", "minimum",
}  # fmt: skip
BITWISE = {n for n in BINARY if n.startswith("bitwise_")}
FLOAT_ONLY = {"divide", "atan2", "copysign", "hypot", "logaddexp"}


@pytest.mark.parametrize("name", [n for n in BINARY if n not in BITWISE])
def test_binary(run, name):
    numpy_kernel = getattr(np, name)
    for dtype in (*FLOATS, "complex64", *INTEGERS):
        kind = np.dtype(dtype).kind
        if not run.has(dtype) or (kind == "c" and name in REAL_BINARY) or (kind in "iu" and name in FLOAT_ONLY):
            continue
        low = 0.5 if name == "pow" and dtype not in INTEGERS else 1 if name == "pow" else -4
        x, y = values(dtype, (3, 40), low=low), values(dtype, (40,), seed=1, low=low)
        if kind in "iu" and name in ("floor_divide", "remainder"):
            y[y == 0] = 3
        if dtype in HALVES:
            expected = numpy_kernel(x.astype("float32"), y.astype("float32"))
            expected = expected if expected.dtype == bool else expected.astype(dtype)
        else:
            expected = numpy_kernel(x, y)
        check(run(name, x, y), expected, ulp=16 if kind == "c" else 4)


@pytest.mark.parametrize(
    "name", ["add", "multiply", "maximum", "minimum", "less", "equal", "logical_xor", "bitwise_or"]
)
def test_binary_of_bool(run, name):
    x, y = np.array([True, True, False, False]), np.array([True, False, True, False])
    check(run(name, x, y), getattr(np, name)(x, y))


@pytest.mark.parametrize("name", [*sorted(n for n in BITWISE if "shift" not in n), "bitwise_invert"])
def test_bitwise(run, name):
    for dtype in ("bool", *INTEGERS):
        operands = [values(dtype), values(dtype, seed=1)][: 1 if name == "bitwise_invert" else 2]
        check(run(name, *operands), getattr(np, name)(*operands))


@pytest.mark.parametrize("name", ["bitwise_left_shift", "bitwise_right_shift"])
def test_shifts(run, name):
    for dtype in INTEGERS:
        x, y = values(dtype), values(dtype, seed=1, low=0)
        check(run(name, x, y), getattr(np, name)(x, y))


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "pow", "maximum", "less", "where", "trunc_divide"]
)
@pytest.mark.parametrize("dtype", ["float32", "complex64", "uint8"])
def test_python_scalars_keep_the_dtype(run, backend, name, dtype):
    kind = np.dtype(dtype).kind
    if (kind == "c" and name in ("maximum", "less", "trunc_divide")) or (kind in "iu" and name in FLOAT_ONLY):
        pytest.skip("PyTorch has no such operation on this dtype")
    x = values(dtype, low=1)
    scalar = 2 if kind in "iu" else 2.5
    for operands in ((x, scalar), (scalar, x)):
        out = run(name, np.array([[True, False, True]]), *operands) if name == "where" else run(name, *operands)
        assert out.dtype == ("bool" if name == "less" else dtype)
        assert out.shape == x.shape


def test_inplace_kernels_take_out(backend):
    for name in backend.inplace_kernels - {"copysign", "signbit"}:
        if name in BINARY and name in ("add", "multiply", "pow", "divide"):
            x, out = backend.from_numpy(np.array([1.0, 2.0])), backend.from_numpy(np.empty(2))
            assert getattr(backend, name)(x, x, out=out) is out
    assert backend.mutable or not backend.inplace_kernels


def test_round_to_even(run):
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1.4])
    check(run("round", x), np.rint(x))
    check(run("round", np.array([1, 2])), np.array([1, 2]))


def test_clip(run):
    x = np.array([-2.0, 0.5, np.nan, 3.0])
    np.testing.assert_array_equal(run("clip", x, 0.0, 1.0), [0.0, 0.5, np.nan, 1.0])
    np.testing.assert_array_equal(run("clip", x, None, 1.0), [-2.0, 0.5, np.nan, 1.0])
    np.testing.assert_array_equal(run("clip", x, min=0.0), [0.0, 0.5, np.nan, 3.0])
    # PyTorch: where the bounds cross, the upper one wins.
    np.testing.assert_array_equal(run("clip", x, 2.0, 1.0), [1.0, 1.0, np.nan, 1.0])
    np.testing.assert_array_equal(run("clip", x, np.full(4, 1.0), np.full(4, np.nan)), [np.nan] * 4)


def test_complex_parts(run):
    x = values("complex64")
    check(run("real", x), x.real)
    check(run("imag", x), x.imag)
    check(run("conj", x), x.conj())
    check(run("angle", x), np.angle(x))
    check(run("real", x.real), x.real)
    check(run("conj", x.real), x.real)
    y = np.array([1.0, -1.0, 0.0, -0.0, np.inf, -np.inf, np.nan], "float32")
    check(run("angle", y), np.array([0, np.pi, 0, 0, 0, np.pi, np.nan], "float32"))


def test_sigmoid_neither_overflows_nor_loses_its_tail(run, backend):
    x = np.array([-1000.0, -50.0, -1.0, 0.0, 1.0, 50.0, 1000.0, np.inf, -np.inf])
    if backend.name == "numpy":
        with np.errstate(over="raise", invalid="raise"):
            out = backend.sigmoid(x)
    else:
        out = run("sigmoid", x)
    expected = np.array([0.0, np.exp(-50.0), 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(out, expected, rtol=1e-15)
    for dtype in HALVES:
        if run.has(dtype):
            h = values(dtype, (32,))
            check(run("sigmoid", h), (1 / (1 + np.exp(-h.astype("float64")))).astype(dtype), ulp=1)


def test_rsqrt(run):
    for dtype in FLOATS:
        if run.has(dtype):
            x = values(dtype, (32,), low=0.1)
            check(run("rsqrt", x), (1 / np.sqrt(x.astype("float64"))).astype(dtype), ulp=2)
    np.testing.assert_array_equal(run("rsqrt", np.array([0.0, -1.0, np.inf])), [np.inf, np.nan, 0.0])


def test_trunc_divide(run):
    x = np.array([7, -7, 7, -7, 6, -6, 0, -8])
    y = np.array([2, 2, -2, -2, 3, 3, 5, 3])
    for dtype in ("int8", "int32", "int64"):
        check(run("trunc_divide", x.astype(dtype), y.astype(dtype)), np.trunc(x / y).astype(dtype))
    check(
        run("trunc_divide", np.array([200, 7], "uint8"), np.array([3, 2], "uint8")),
        np.array([66, 3], "uint8"),
    )
    for dtype in FLOATS:
        if run.has(dtype):
            check(run("trunc_divide", x.astype(dtype), y.astype(dtype)), np.trunc(x / y).astype(dtype))


def test_integer_power_with_negative_exponents(run, backend):
    if backend.name == "strict":
        pytest.skip("the standard leaves it undefined")
    x = np.array([2, 1, -1, -1, 3, -2])
    y = np.array([-1, -5, -2, -3, 2, 3])
    check(run("pow", x, y), np.array([0, 1, 1, -1, 9, -8]))


# -- reductions


AXES = [None, 0, -1, (0, 2), (1,)]


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "all", "any", "mean"])
def test_reductions(run, name):
    for number, dtype in enumerate(("float32", "float64", "complex64", "int32", "uint8", "bool")):
        kind = np.dtype(dtype).kind
        if (kind == "c" and name in ("max", "min")) or (kind in "biu" and name == "mean"):
            continue
        x = values(dtype, (2, 3, 4))
        # JAX compiles each combination: two axes for each dtype reach them all.
        for keepdims, axis in ((False, AXES[number % len(AXES)]), (True, AXES[(number + 2) % len(AXES)])):
            expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
            if name in ("sum", "prod"):
                expected = getattr(np, name)(x, axis=axis, keepdims=keepdims, dtype=dtype)
            check(run(name, x, axis=axis, keepdims=keepdims), expected, ulp=32)


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_accumulating_dtype(run, backend, name):
    from pullback.meta import dtypes as dt

    x = np.full((100,), 2, "uint8") if "sum" in name else np.array([200, 200], "uint8")
    options = {"axis": 0} if name.startswith("cumulative") else {}
    own = {"cumulative_sum": np.cumsum, "cumulative_prod": np.cumprod, "sum": np.sum, "prod": np.prod}[name]
    check(run(name, x, **options), own(x, dtype="uint8"))
    check(run(name, x, dtype=backend.native_dtypes[dt.int64], **options), own(x, dtype="int64"))
    flags = np.array([True, True, False, True])
    check(run(name, flags, dtype=backend.native_dtypes[dt.int64], **options), own(flags, dtype="int64"))


@pytest.mark.parametrize("name", ["sum", "mean", "var", "cumulative_sum", "matmul", "einsum", "prod"])
@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_accumulates_in_float32(run, name, dtype):
    if not run.has(dtype):
        pytest.skip("the namespace has no such dtype")
    x = np.full((2, 3000), 1.001, dtype) if name == "prod" else np.full((2, 3000), 0.1, dtype)
    wide = x.astype("float64")
    if name == "matmul":
        out, expected = run(name, x, x.T), wide @ wide.T
    elif name == "einsum":
        out, expected = run(name, "ij,kj->ik", x, x), wide @ wide.T
    elif name == "cumulative_sum":
        out, expected = run(name, x, axis=1), np.cumsum(wide, axis=1)
    elif name == "var":
        x[:, ::2] = 0.3
        out, expected = run(name, x, axis=1), np.var(x.astype("float64"), axis=1)
    else:
        out, expected = run(name, x, axis=1), getattr(np, name)(wide, axis=1)
    check(out, expected.astype(dtype), ulp=1)


@pytest.mark.parametrize("dtype", INEXACT)
@pytest.mark.parametrize("correction", [0, 1, 1.5])
def test_variance(run, dtype, correction):
    x = values(dtype, (3, 5))
    for axis in (None, 0, (0, 1)):
        for name in ("var", "std"):
            expected = getattr(np, name)(x, axis=axis, ddof=correction, keepdims=True)
            check(run(name, x, axis=axis, correction=correction, keepdims=True), expected, ulp=16)


def test_variance_without_degrees_of_freedom(run):
    x = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(run("var", x, axis=1, correction=1), [np.nan, np.nan])
    np.testing.assert_array_equal(run("var", x, axis=0, correction=3), np.inf)


def test_empty_reductions(run):
    x = np.zeros((0, 3), "float32")
    check(run("sum", x, axis=0), np.zeros(3, "float32"))
    check(run("prod", x), np.ones((), "float32"))
    check(run("mean", x, axis=0), np.full(3, np.nan, "float32"))
    check(run("all", x), np.array(True))
    check(run("any", x), np.array(False))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_of_extremes(run, name):
    for dtype in ("float32", "int64", "uint8", "bool", bfloat16):
        if run.has(dtype):
            x = values(dtype, (4, 5))
            for axis in (None, 0, -1):
                check(run(name, x, axis=axis, keepdims=True), getattr(np, name)(x, axis=axis, keepdims=True))
    assert run(name, np.array([1.0, np.nan, 3.0, np.nan])) == 1


def test_nan_propagates(run):
    x, y = np.array([1.0, np.nan, np.nan]), np.array([np.nan, 1.0, np.nan])
    for name in ("maximum", "minimum"):
        assert np.isnan(run(name, x, y)).all()
    assert np.isnan(run("max", x))
    assert np.isnan(run("min", x))


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_cumulative(run, name):
    own = np.cumsum if name == "cumulative_sum" else np.cumprod
    for dtype in (*INEXACT, "int32", "uint8"):
        x = values(dtype, (3, 5), low=1, high=2)
        for axis in (0, 1, -1):
            check(run(name, x, axis=axis), own(x, axis=axis, dtype=dtype), ulp=16)


# -- products


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3, 4)),
        ((5, 1, 2, 3), (4, 3, 2)),
        ((2, 0), (0, 3)),
    ],
)
def test_matmul(run, shapes):
    for dtype in (*INEXACT, "int32"):
        x, y = values(dtype, shapes[0]), values(dtype, shapes[1], seed=1)
        check(run("matmul", x, y), np.matmul(x, y), ulp=32)


def test_float32_products_are_not_rounded_to_less(run):
    x, y = values("float32", (40, 50)), values("float32", (50, 30), seed=1)
    exact = x.astype("float64") @ y.astype("float64")
    for out in (run("matmul", x, y), run("einsum", "ij,jk->ik", x, y)):
        assert np.abs(out - exact).max() < 50 * 16 * np.finfo("float32").eps


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("i,i", [(3,), (3,)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
        ("ijk,jil->kl", [(2, 3, 4), (3, 2, 5)]),
        ("iji->j", [(3, 2, 3)]),
        ("ba,bc", [(2, 3), (2, 4)]),
        (",i->i", [(), (3,)]),
    ],
)
def test_einsum(run, equation, shapes):
    for dtype in ("float64", "complex64"):
        operands = [values(dtype, shape, seed=i) for i, shape in enumerate(shapes)]
        check(run("einsum", equation, *operands), np.einsum(equation, *operands), ulp=64)


# -- shape


def test_shapes(run):
    x = values("float32", (2, 3, 4))
    check(run("reshape", x, (4, 6)), x.reshape(4, 6))
    check(run("permute_dims", x, (2, 0, 1)), x.transpose(2, 0, 1))
    for axis in (0, 1, 3, -1, -4, (0, 2), (0, -1)):
        check(run("expand_dims", x, axis=axis), np.expand_dims(x, axis))
    check(run("squeeze", x.reshape(1, 2, 1, 12), (0, 2)), x.reshape(2, 12))
    check(run("squeeze", x.reshape(1, 24), 0), x.reshape(24))
    check(run("flip", x, axis=(0, 1)), np.flip(x, (0, 1)))
    check(run("roll", x, 2, axis=1), np.roll(x, 2, 1))
    check(run("roll", x, (1, -1), axis=(0, 2)), np.roll(x, (1, -1), (0, 2)))
    check(run("roll", x, 5), np.roll(x, 5))
    for k in (-1, 0, 2):
        check(run("tril", x, k=k), np.tril(x, k))
        check(run("triu", x, k=k), np.triu(x, k))
    check(run("concat", [x, x[:1]], axis=0), np.concatenate([x, x[:1]]))
    check(run("stack", [x, x], axis=-1), np.stack([x, x], -1))


@pytest.mark.parametrize(
    ("own", "target"),
    [((), (2, 3)), ((3,), (2, 3)), ((1, 3), (4, 3)), ((2, 1, 3), (5, 2, 4, 3)), ((0,), (2, 0)), ((1,), (0,))],
)
def test_broadcast_to(run, own, target):
    for dtype in ("float32", "bool", bfloat16):
        if run.has(dtype):
            x = values(dtype, own)
            np.testing.assert_array_equal(run("broadcast_to", x, target), np.broadcast_to(x, target))
    transposed = values("float64", (3, 2)).T
    check(run("broadcast_to", transposed, (4, 2, 3)), np.broadcast_to(transposed, (4, 2, 3)))


def test_broadcast_to_refuses_other_shapes(backend):
    x = backend.from_numpy(np.zeros((2, 3)))
    for shape in ((3, 3), (3,), (2, 3, 1)):
        with pytest.raises(ValueError, match=r"(?i)broadcast|shape|dimensions"):
            backend.broadcast_to(x, shape)


# -- order


def test_sort_puts_nan_last_and_keeps_equal_elements_in_order(run):
    x = np.array([2.0, np.nan, 1.0, 2.0, -np.inf, np.nan, 1.0])
    check(run("sort", x, axis=0), np.sort(x))
    np.testing.assert_array_equal(run("argsort", x, axis=0), [4, 2, 6, 0, 3, 1, 5])
    np.testing.assert_array_equal(run("sort", x, axis=0, descending=True), np.sort(x)[::-1])
    np.testing.assert_array_equal(run("argsort", x, axis=0, descending=True), [1, 5, 0, 3, 2, 6, 4])


@pytest.mark.parametrize("descending", [False, True])
def test_sort_of_every_dtype(run, descending):
    for dtype in (*INTEGERS, *FLOATS, "bool"):
        if not run.has(dtype):
            continue
        x = values(dtype, (4, 6))
        for axis in (0, -1) if dtype == "float32" else (-1,):
            ordered = np.sort(x.astype("float64"), axis=axis).astype(dtype)
            expected = np.flip(ordered, axis) if descending else ordered
            check(run("sort", x, axis=axis, descending=descending), expected)
            order = run("argsort", x, axis=axis, descending=descending)
            assert order.dtype == np.int64
            check(np.take_along_axis(x, order, axis), expected)
    assert run("argsort", np.array(3.0), axis=-1).shape == ()
    assert run("sort", np.array(3.0), axis=-1) == 3


# -- creation


def test_creation(run, backend):
    from pullback.meta import dtypes as dt

    for dtype in ("float32", "int64", "bool", "complex64", bfloat16):
        if not run.has(dtype):
            continue
        native = backend.native_dtypes[dt.by_name[np.dtype(dtype).name]]
        check(run("zeros", (2, 3), dtype=native), np.zeros((2, 3), dtype))
        check(run("ones", (), dtype=native), np.ones((), dtype))
        check(run("full", (2,), 1, dtype=native), np.full((2,), 1, dtype))
        assert run("empty", (2, 0), dtype=native).shape == (2, 0)
        check(run("eye", 2, 3, dtype=native, device=backend.default_device), np.eye(2, 3, dtype=dtype))


@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [(0, 5, 1), (5, 0, -2), (0, 1, 0.1), (1.5, 1.5, 1), (3, 0, 1), (-2.5, 3.0, 0.7)],
)
def test_arange(run, backend, start, stop, step):
    from pullback.meta import dtypes as dt

    count = max(0, int(np.ceil((stop - start) / step)))
    exact = start + np.arange(count) * step
    check(
        run("arange", start, stop, step, dtype=backend.native_dtypes[dt.float32]),
        exact.astype("float32"),
        ulp=0,
    )
    if all(isinstance(v, int) for v in (start, stop, step)):
        check(
            run("arange", start, stop, step, dtype=backend.native_dtypes[dt.int32]),
            np.arange(start, stop, step, "i4"),
        )


def test_arange_of_large_integers_is_exact(run, backend):
    from pullback.meta import dtypes as dt

    start = 2**60
    out = run("arange", start, start + 3, 1, dtype=backend.native_dtypes[dt.int64])
    np.testing.assert_array_equal(out, [start, start + 1, start + 2])


def test_linspace(run, backend):
    from pullback.meta import dtypes as dt

    for start, stop, num in ((0, 1, 5), (-1.0, 2.0, 7), (3, 3, 2), (0.1, 0.9, 1), (0, 1, 0)):
        expected = np.linspace(start, stop, num)
        check(run("linspace", start, stop, num, dtype=backend.native_dtypes[dt.float64]), expected, ulp=1)
    out = run("linspace", 0.1, 0.7, 10, dtype=backend.native_dtypes[dt.float32])
    assert (out[0], out[-1]) == (np.float32(0.1), np.float32(0.7))
    check(run("linspace", 0, 10, 5, dtype=backend.native_dtypes[dt.int64]), np.array([0, 2, 5, 7, 10]))
    check(
        run("linspace", 0, 1 + 1j, 3, dtype=backend.native_dtypes[dt.complex64]),
        np.linspace(0, 1 + 1j, 3, dtype="c8"),
    )
