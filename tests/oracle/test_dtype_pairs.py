"""Every way from one dtype to another gives PyTorch's elements, for every pair of dtypes."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.oracle
torch = pytest.importorskip("torch", reason="the oracle extra installs it")

INTEGERS = ["int8", "int16", "int32", "int64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
COMPLEXES = ["complex64", "complex128"]
#: Numbers of which one part alone is nonzero, fractions, negative zeros, nothing that overflows.
VALUES = {
    "bool": [False, True, True, False],
    "uint8": [0, 1, 200, 7],
    **{dtype: [0, 1, -3, 100] for dtype in INTEGERS},
    **{dtype: [0.0, 0.25, -1.5, -0.0] for dtype in FLOATS},
    **{dtype: [0j, 1j, 1 + 0j, -0.0 + 2j] for dtype in COMPLEXES},
}

#: ``x`` is of the one dtype; ``y``, the zeros ``t`` (4 elements; ``t0``: 0-d; ``t22``: two by two) and ``d`` are of or
#: are the other.
ROUTES = [
    "x.to(d)",
    "x.to(d, copy=True)",
    "x.type(d)",
    "x.type_as(lib.zeros(1,dtype=d))",
    "t.copy_(x)",
    "lib.zeros(2,4,dtype=d).copy_(x)",
    "t[:] = x",
    "t[...] = x",
    "t[2] = x[1]",
    "t[0:4:2] = x[1:3]",
    "lib.zeros(3,dtype=d).fill_(x[1])",
    "lib.zeros(3,dtype=d).fill_(x[3])",
    "lib.zeros(3,dtype=d).fill_(x[1].item())",
    "lib.full((2,),x[1].item(),dtype=d)",
    "lib.full((2,),x[3].item(),dtype=d)",
    "lib.full_like(x,x[1].item(),dtype=d)",
    "lib.zeros_like(x,dtype=d)",
    "lib.ones_like(x,dtype=d)",
    "lib.tensor(x.tolist(),dtype=d)",
    "lib.as_tensor(x,dtype=d)",
    "lib.as_tensor(x.tolist(),dtype=d)",
    "lib.zeros(1,dtype=d).new_tensor(x.tolist())",
    "t[lib.ones(4, dtype=lib.bool)] = x",
    "t.masked_fill(m,x[1])",
    "t.masked_fill(m,x[1].item())",
    "t.masked_fill_(m,x[1])",
    "t.masked_scatter(m,x)",
    "t[lib.tensor([0,1,2,3])] = x",
    "t.index_put((i,),x[1:3])",
    "t.index_fill(0,i,x[1])",
    "t.index_fill(0,i,x[1].item())",
    "t.index_copy(0,i,x[1:3])",
    "t.scatter(0,i,x[1:3])",
    "t.scatter(0,i,x[1].item())",
    "t.put_(i,x[1:3])",
    "t.select_scatter(x[1],0,1)",
    "t.slice_scatter(x[1:3],0,1,3)",
    "lib.where(m,x,t)",
    "lib.where(m,x[1],t)",
    "lib.cat([x,lib.zeros(1,dtype=d)])",
    "lib.stack([x,t])",
    "x.sum(dtype=d)",
    "x.reshape(2,2).sum(0,dtype=d)",
    "x.prod(dtype=d)",
    "x.reshape(2,2).prod(1,dtype=d)",
    "x.cumsum(0,dtype=d)",
    "x.cumprod(0,dtype=d)",
    "x.nansum(dtype=d)",
    "x.mean(dtype=d)",
    "x.softmax(0,dtype=d)",
    "x.log_softmax(0,dtype=d)",
    "lib.add(x,x, out=t)",
    "lib.mul(x,x, out=t)",
    "lib.neg(x, out=t)",
    "lib.abs(x, out=t)",
    "lib.exp(x, out=t)",
    "lib.eq(x,x, out=t)",
    "lib.sum(x,0, out=t0)",
    "lib.cumsum(x,0, out=t)",
    "lib.cat([x,x], out=t8)",
    "lib.any(x,0, out=t0)",
    "lib.logical_and(x,x, out=t)",
    "lib.logical_not(x, out=t)",
    "lib.maximum(x,x, out=t)",
    "lib.angle(x, out=t)",
    "lib.where(x.bool(),x,x, out=t)",
    "lib.index_select(x,0,lib.tensor([1,3]), out=t2)",
    "lib.conj_physical(x, out=t)",
    "lib.sgn(x, out=t)",
    "lib.mm(x.reshape(2,2),x.reshape(2,2), out=t22)",
    "lib.logical_and(x,y.flip(0))",
    "lib.logical_or(x,y.flip(0))",
    "lib.logical_xor(x,y.flip(0))",
    "x.clone().logical_and_(y.flip(0))",
    "lib.logical_not(x)",
    "x.clone().logical_not_()",
    "x.any()",
    "x[1:].all()",
    "x[1:2].any()",
    "x.nonzero()",
    "x.count_nonzero()",
    "lib.argwhere(x)",
    "lib.where(x)[0]",
    "[bool(v) for v in x]",
    "[1 if v else 0 for v in x]",
    "[v.item() for v in x]",
    "lib.ones(4,dtype=d).add_(x)",
    "lib.ones(4,dtype=d).mul_(x)",
    "lib.ones(4,dtype=d).eq_(x)",
    "lib.ones(4,dtype=d).ne_(x)",
    "t.view_as(x).copy_(x.flip(0))",
    "lib.isin(x, y)",
    "lib.equal(x, y)",
    "lib.eq(x, y)",
    "x.clone().copy_(y)",
    "x.byte()",
    "x.char()",
    "x.short()",
    "x.half()",
    "x.cfloat()",
    "x.bool()",
    "x.long()",
]

#: What PyTorch computes in complex32, which pullback lacks; which of two mistakes a call is told of.
DIFFERENT = {
    ("lib.where(m,x[1],t)", "complex64", "float16"),
    ("lib.where(m,x[1],t)", "complex128", "float16"),
    *(("lib.abs(x, out=t)", "bool", dtype) for dtype in VALUES if dtype != "bool"),
    *(("lib.mm(x.reshape(2,2),x.reshape(2,2), out=t22)", "bool", dtype) for dtype in VALUES if dtype != "bool"),
}


def outcome(lib, route, source, target):
    d = getattr(lib, target)
    names = {
        "lib": lib,
        "x": lib.tensor(VALUES[source], dtype=getattr(lib, source)),
        "y": lib.tensor(VALUES[target], dtype=d),
        "d": d,
        "t": lib.zeros(4, dtype=d),
        "t0": lib.zeros((), dtype=d),
        "t2": lib.zeros(2, dtype=d),
        "t8": lib.zeros(8, dtype=d),
        "t22": lib.zeros(2, 2, dtype=d),
        "m": lib.tensor([True, False, True, True]),
        "i": lib.tensor([3, 1]),
    }
    try:
        if "] = " in route:
            exec(route, names)
            result = names["t"]
        else:
            result = eval(route, names)
    except Exception as error:
        return type(error).__name__, None
    if not hasattr(result, "dtype"):
        return type(result).__name__, np.asarray(result)
    return str(result.dtype), np.asarray(result.tolist())


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("route", ROUTES)
def test_every_pair(backend, route):
    with pb.use_backend(backend), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for source, target in itertools.product(VALUES, VALUES):
            if (route, source, target) in DIFFERENT:
                continue
            described, elements = outcome(pb, route, source, target)
            expected, expected_elements = outcome(torch, route, source, target)
            assert described == expected, (source, target)
            if expected_elements is not None:
                # Transcendental functions alone round; XLA has no subnormal numbers.
                tolerance = 1e-2 if "float16" in (source + target) else 1e-6
                assert elements.shape == expected_elements.shape
                close = np.isclose(elements, expected_elements, rtol=tolerance, atol=1e-37, equal_nan=True)
                assert close.all(), (source, target, elements, expected_elements)
