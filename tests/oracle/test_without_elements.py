"""Reductions and products of tensors without elements, and of one: PyTorch's, for every dtype."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the oracle extra installs it")

DTYPES = ["bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]
SHAPES = [(0,), (2, 0), (0, 3), (2, 0, 3), (3,), (), (1, 1)]
REDUCTIONS = ["sum", "prod", "mean", "var", "std", "nansum", "amax", "amin", "all", "any", "logsumexp", "count_nonzero"]
ALONG = ["median", "max", "min", "argmax", "argmin", "cumsum", "cumprod", "softmax", "log_softmax", "sort", "argsort"]
TAKE_DTYPE = {"sum", "prod", "mean", "nansum", "cumsum", "cumprod", "softmax", "log_softmax"}
PAIRS = [
    *(((0,), (0,)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((2, 3), (3, 0)), ((2, 0), (0,)), ((0, 3), (3,))),
    *(((1, 2, 0), (1, 0, 3)), ((0, 2, 3), (0, 3, 2)), ((0,), ()), ((2, 0), (1,))),
]
OF_PAIRS = ["matmul", "mm", "bmm", "mv", "dot", "outer", "remainder", "fmod", "floor_divide", "div", "add", "maximum"]

#: PyTorch's ``logsumexp`` along no dimensions fails at a tensor that has elements.
DIFFERENT = {("logsumexp", (3,), ((),), ()), ("logsumexp", (1, 1), ((),), ())}


def outcome(call):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call()
        except Exception:
            return None  # which of several mistakes is told of differs
    parts = result if isinstance(result, tuple) else (result,)
    return [(str(part.dtype), np.asarray(part.tolist())) for part in parts]


def check(own, theirs, context):
    assert (own is None) == (theirs is None), (context, own, theirs)
    for (dtype, found), (expected_dtype, expected) in zip(own or [], theirs or [], strict=True):
        assert dtype == expected_dtype, context
        assert found.shape == expected.shape, context
        np.testing.assert_allclose(found, expected, rtol=1e-2 if "float16" in dtype else 1e-6, err_msg=str(context))


def arguments(name, ndim):
    dims = [*range(-ndim, ndim), (), *([(0, 1)] if ndim > 1 and name in REDUCTIONS else [])]
    if name in ("prod", *ALONG) or name == "count_nonzero":
        dims = [d for d in dims if isinstance(d, int)]
    plain = [] if name in ("logsumexp", "cumsum", "cumprod", "softmax", "log_softmax") else [()]
    for args in (*plain, *((d,) for d in dims)):
        yield args, {}
        if name in TAKE_DTYPE:
            for dtype in ("float32", "int64", "bool", "complex64"):
                yield args, {"dtype": dtype}
        elif args and name in REDUCTIONS and name != "count_nonzero":
            yield args, {"keepdim": True}


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", REDUCTIONS + ALONG)
def test_reductions(backend, name):
    dtypes = DTYPES if backend == "numpy" else ["bool", "int64", "float16", "complex64"]
    shapes = SHAPES if backend == "numpy" else [(0,), (2, 0), (0, 3), ()]
    if name == "logsumexp":  # which takes no complex tensors here
        dtypes = dtypes[:-1]
    with pb.use_backend(backend):
        for dtype in dtypes:
            for shape in shapes:
                x, y = (lib.ones(shape, dtype=getattr(lib, dtype)) for lib in (pb, torch))
                for args, named in arguments(name, len(shape)):
                    if (name, shape, args, tuple(named)) in DIFFERENT:
                        continue
                    kept = {k: v for k, v in named.items() if k != "dtype"}
                    chosen = [
                        {"dtype": getattr(lib, named["dtype"])} if "dtype" in named else {} for lib in (pb, torch)
                    ]
                    own = outcome(lambda: getattr(pb, name)(x, *args, **kept, **chosen[0]))  # noqa: B023
                    theirs = outcome(lambda: getattr(torch, name)(y, *args, **kept, **chosen[1]))  # noqa: B023
                    check(own, theirs, (dtype, shape, args, named))


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", OF_PAIRS)
def test_of_two(backend, name):
    with pb.use_backend(backend):
        for dtype in DTYPES if backend == "numpy" else ["bool", "int32", "float16"]:
            for shapes in PAIRS:
                x, y = ([lib.zeros(s, dtype=getattr(lib, dtype)) for s in shapes] for lib in (pb, torch))
                own = outcome(lambda: getattr(pb, name)(*x))  # noqa: B023
                check(own, outcome(lambda: getattr(torch, name)(*y)), (dtype, shapes))  # noqa: B023
            for number in (0, 2):
                x, y = (lib.zeros(0, dtype=getattr(lib, dtype)) for lib in (pb, torch))
                if name in ("remainder", "fmod", "floor_divide", "div", "add"):
                    own = outcome(lambda: getattr(pb, name)(x, number))  # noqa: B023
                    check(own, outcome(lambda: getattr(torch, name)(y, number)), (dtype, number))  # noqa: B023


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_product_over_a_size_of_one_stays_in_the_dtype(backend, agrees):
    agrees("lib.tensordot(lib.ones(2, 1, dtype=lib.int32), lib.ones(3, 2, dtype=lib.int32), dims=([1], [0]))", backend)
