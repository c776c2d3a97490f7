"""A stand-in for CuPy on machines without a GPU: what its rules are, and nothing of what a GPU computes.

With this folder's parent first on ``PYTHONPATH``, ``import cupy`` finds it. Read ``README.md`` there.
"""

from numpy import (
    bool_,
    can_cast,
    complex64,
    complex128,
    dtype,
    e,
    euler_gamma,
    finfo,
    float16,
    float32,
    float64,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    nan,
    newaxis,
    pi,
    uint8,
    uint16,
    uint32,
    uint64,
)
from stand_in import NO_GPU, loops
from stand_in import array as _array
from stand_in.array import ndarray
from stand_in.creation import (
    arange,
    array,
    asarray,
    ascontiguousarray,
    asnumpy,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from stand_in.dlpack import from_dlpack
from stand_in.indexing import (
    argwhere,
    diagonal,
    may_share_memory,
    nonzero,
    put,
    shares_memory,
    take,
    take_along_axis,
)
from stand_in.kernels import ElementwiseKernel, RawKernel, ReductionKernel
from stand_in.loops import ufunc
from stand_in.manipulation import (
    broadcast_arrays,
    broadcast_to,
    concat,
    concatenate,
    copyto,
    expand_dims,
    flip,
    moveaxis,
    ravel,
    reshape,
    roll,
    squeeze,
    stack,
    swapaxes,
    transpose,
    tril,
    triu,
)
from stand_in.memory import get_default_memory_pool, get_default_pinned_memory_pool
from stand_in.products import einsum, matmul
from stand_in.reductions import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    count_nonzero,
    cumprod,
    cumsum,
    max,
    min,
    prod,
    sum,
)
from stand_in.sorting import argsort, searchsorted, sort, where

from cupy import _core, cuda, exceptions, lib

__version__ = f"{loops.VERSION} {NO_GPU}"

globals().update(loops.elementwise_functions(name for name in loops.names() if not name.startswith("erf")))
_array._functions.update({name: found for name, found in globals().items() if callable(found)})
_array._functions["absolute"] = globals()["abs"]


def result_type(*arrays_and_dtypes):
    """NumPy's, of the dtypes."""
    import numpy

    return numpy.result_type(*(x.dtype if isinstance(x, ndarray) else x for x in arrays_and_dtypes))


def size(a, axis=None):
    """How many elements an array has: of an array alone, where NumPy takes anything."""
    if not isinstance(a, ndarray):
        raise TypeError(
            f"Argument 'a' has incorrect type (expected cupy._core.core._ndarray_base, got {type(a).__name__})"
        )
    return a.size if axis is None else a.shape[axis]


def ndim(a):
    """How many dimensions an array or a number has."""
    import numpy

    return a.ndim if isinstance(a, ndarray) else numpy.ndim(a)


def shape(a):
    """The shape of an array or a number."""
    import numpy

    return a.shape if isinstance(a, ndarray) else numpy.shape(a)
