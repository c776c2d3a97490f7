"""The stand-in offers nothing that the installed CuPy has not, and decides on dtypes and views as it does.

CuPy's package shows all this without a GPU: names, signatures, the loops of its elementwise functions and which of them
runs for which operands, and arrays over memory of the host, of which views can be made.
"""

from __future__ import annotations

import inspect
import json
import sys
from itertools import product
from pathlib import Path
from types import ModuleType

import cupy
import cupyx.scipy.special
import ml_dtypes
import numpy as np
import pytest

pytestmark = pytest.mark.skipif("stand-in" in cupy.__version__, reason="CuPy itself is hidden behind the stand-in")

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [*map(np.dtype, "?bBhHiIlLefdFD"), BFLOAT16]
MODULES = {
    "cupy": cupy,
    "cupy.cuda": cupy.cuda,
    "cupy.cuda.runtime": cupy.cuda.runtime,
    "cupy.cuda.memory": cupy.cuda.memory,
    "cupy.exceptions": cupy.exceptions,
    "cupy.lib.stride_tricks": cupy.lib.stride_tricks,
    "cupy._core": cupy._core,
    "cupyx": cupyx,
    "cupyx.scipy.special": cupyx.scipy.special,
}
RECORDED = json.loads((Path(__file__).parents[2] / "cupy_stand_in" / "stand_in" / "loops.json").read_text())


def offered(stand_in, name):
    """The stand-in's module of a name, and what it offers under names of its own."""
    module = stand_in.cupyx if name.startswith("cupyx") else stand_in.cupy
    for part in name.split(".")[1:]:
        module = getattr(module, part)
    public = [n for n in vars(module) if not n.startswith("_")]
    return module, [n for n in public if not isinstance(vars(module)[n], ModuleType)]


def parameters(function):
    """The names, kinds and defaults of a function's parameters; None where it does not show them."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, p.kind, p.default) for p in found if p.name != "self"]


@pytest.mark.parametrize("name", MODULES)
def test_every_name_is_one_of_cupys(stand_in, name):
    _, names = offered(stand_in, name)
    lacking = [n for n in names if not hasattr(MODULES[name], n)]
    # What the stand-in is made of, and what its own imports are called.
    assert set(lacking) <= {"NO_GPU", "loops"}, f"CuPy {cupy.__version__} has no {lacking} in {name}"


@pytest.mark.parametrize("name", MODULES)
def test_every_function_takes_what_cupys_takes(stand_in, name):
    module, names = offered(stand_in, name)
    compared = []
    for each in names:
        ours, theirs = getattr(module, each), getattr(MODULES[name], each, None)
        if not inspect.isfunction(ours) or theirs is None:
            continue
        real = parameters(theirs)
        if real is None:
            continue  # compiled: the next test reads what its documentation says
        assert parameters(ours) == real, each
        compared.append(each)
    if name == "cupy":
        assert {"array", "zeros", "sum", "take_along_axis", "where", "matmul", "copyto"} <= set(compared)


@pytest.mark.parametrize("name", ["from_dlpack", "size", "ElementwiseKernel", "RawKernel", "ReductionKernel"])
def test_compiled_functions_take_the_parameters_that_their_documentation_begins_with(stand_in, name):
    first = next(line for line in getattr(cupy, name).__doc__.splitlines() if line.strip())
    assert first.startswith(f"{name}(")
    ours = inspect.signature(getattr(stand_in.cupy, name)).parameters
    for parameter in set(ours) - {"args", "kwargs"}:
        assert parameter in first


@pytest.mark.parametrize("name", ["ndarray", "ufunc"])
def test_every_attribute_is_one_of_cupys(stand_in, name):
    ours, theirs = vars(getattr(stand_in.cupy, name)), getattr(cupy, name)
    own = {"_host", "_view", "_public", "_loops", "_loops_of_dtype", "_compute", "_found", "_loop", "_weak"}
    python = {"__weakref__", "__module__", "__doc__", "__slots__", "__hash__", "__annotations__", "__firstlineno__",
              "__static_attributes__", "__init__", "__call__", "__rmatmul__", "__imatmul__"}  # fmt: skip
    lacking = [n for n in ours if n not in own | python and not hasattr(theirs, n)]
    assert not lacking
    for each in ("copy", "astype", "get", "set", "reshape", "take", "fill", "sort", "squeeze"):
        if name == "ndarray":
            assert callable(getattr(theirs, each))
            assert each in ours


@pytest.mark.parametrize("name", ["Device", "Stream", "Event", "MemoryPool", "PinnedMemoryPool", "MemoryPointer"])
def test_devices_streams_and_pools_have_cupys_attributes(stand_in, name):
    theirs = getattr(cupy.cuda, name)
    public = [n for n in vars(getattr(stand_in.cupy.cuda, name)) if not n.startswith("_")]
    public = [n for n in public if not n.startswith("__")]
    lacking = [n for n in public if not hasattr(theirs, n)]
    assert public
    assert not lacking


@pytest.mark.skipif(cupy.__version__ != RECORDED["version"], reason="the loops are those of another release of CuPy")
def test_the_recorded_loops_are_cupys():
    folder = str(Path(__file__).parents[2] / "cupy_stand_in")
    sys.path.insert(0, folder)
    try:
        from record_loops import recorded
    finally:
        sys.path.remove(folder)
    assert json.loads(json.dumps(recorded())) == RECORDED


def real(shape, dtype):
    """An array of CuPy's own over memory of the host: no kernel can run on it, but views can be made of it."""
    host = np.zeros(shape, dtype)
    memory = cupy.cuda.memory.BaseMemory()
    memory.ptr, memory.size, memory.device_id = host.ctypes.data, host.nbytes, 0
    array = cupy.ndarray(shape, dtype, memptr=cupy.cuda.memory.MemoryPointer(memory, 0))
    return array, host


FUNCTIONS = [
    "add", "subtract", "multiply", "true_divide", "floor_divide", "remainder", "fmod", "power", "hypot", "equal",
    "less", "logical_and", "logical_or", "logical_xor", "bitwise_and", "left_shift", "maximum", "minimum", "arctan2",
    "copysign", "logaddexp", "nextafter", "gcd",
]  # fmt: skip


def decided(function, name, *operands):
    """The dtypes that CuPy's function, or the stand-in's, computes with; the error where it has no such loop."""
    try:
        if isinstance(function, cupy.ufunc):
            loop = function._ops.guess_routine(name, {}, list(operands), None, function._out_ops)
            return tuple(map(np.dtype, loop.in_types)), tuple(map(np.dtype, loop.out_types))
        loop = function._loop(list(operands), None)
        return loop.ins, loop.outs
    except (TypeError, OverflowError) as error:
        return type(error)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_loop_of_two_arrays_is_the_one_that_cupy_takes(stand_in, name):
    for one, other in product(DTYPES, DTYPES):
        theirs = decided(getattr(cupy, name), name, real((2,), one)[0], real((2,), other)[0])
        ours = decided(getattr(stand_in.cupy, name), name, stand_in.cupy.zeros(2, one), stand_in.cupy.zeros(2, other))
        assert ours == theirs, (one, other)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_loop_of_an_array_and_a_number_is_the_one_that_cupy_takes(stand_in, name):
    scalar = sys.modules["stand_in.dtypes"].Scalar
    theirs_of = cupy._core._scalar.CScalar
    for dtype, number in product(DTYPES, [True, 2, -3, 300, 2**40, 2**63, 0.5, 1j, np.float32(2), np.int8(3)]):
        theirs = decided(getattr(cupy, name), name, real((2,), dtype)[0], theirs_of(number))
        ours = decided(getattr(stand_in.cupy, name), name, stand_in.cupy.zeros(2, dtype), scalar(number))
        assert ours == theirs, (dtype, number)


UNARY = ["negative", "absolute", "sign", "exp", "sqrt", "floor", "rint", "isnan", "signbit", "logical_not", "invert",
         "conjugate", "square", "reciprocal", "log1p", "expm1"]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_the_loop_of_one_array_is_the_one_that_cupy_takes(stand_in, name):
    for dtype in DTYPES:
        theirs = decided(getattr(cupy, name), name, real((2,), dtype)[0])
        assert decided(getattr(stand_in.cupy, name), name, stand_in.cupy.zeros(2, dtype)) == theirs, dtype


VIEWS = {
    "slices": lambda xp, x: x[1:, ::2, None, 1],
    "backwards": lambda xp, x: x[::-1, :, ::-1],
    "an element": lambda xp, x: x[1, 2, 0],
    "ellipsis": lambda xp, x: x[..., 0],
    "beyond the end": lambda xp, x: x[2:100],
    "transposed": lambda xp, x: x.transpose(2, 0, 1),
    "T": lambda xp, x: x.T,
    "reshaped": lambda xp, x: x.reshape(6, 4),
    "flat": lambda xp, x: x.ravel(),
    "swapped": lambda xp, x: x.swapaxes(0, 2),
    "squeezed": lambda xp, x: x[:, :1].squeeze(1),
    "expanded": lambda xp, x: xp.broadcast_to(x[:1], (5, 3, 2)),
    "new axes": lambda xp, x: xp.expand_dims(x, (0, 2)),
    "flipped": lambda xp, x: xp.flip(x, 1),
    "diagonal": lambda xp, x: x.diagonal(0, 0, 1),
    "strided": lambda xp, x: xp.lib.stride_tricks.as_strided(x, (2, 2), (16, 4)),
    "view of strided": lambda xp, x: xp.lib.stride_tricks.as_strided(x, (2, 2), (16, 4)).view(),
    "other dtype": lambda xp, x: x.view("i4"),
    "larger dtype": lambda xp, x: x.view("f8"),
    "smaller dtype": lambda xp, x: x.view("i2"),
    "complex": lambda xp, x: x.view("F"),
    "imaginary parts": lambda xp, x: x.view("F").imag,
    "real parts": lambda xp, x: x.view("F").real,
    "a 0-d one of another size": lambda xp, x: x[0, 0, 0].view("f8"),
    "one with a step, of another size": lambda xp, x: x[..., ::2].transpose(2, 0, 1).view("f8"),
    "a position too large": lambda xp, x: x[4],
    "too many": lambda xp, x: x[0, 0, 0, 0],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_lie_where_cupys_do(stand_in, name):
    def seen(xp, x):
        try:
            view = VIEWS[name](xp, x)
        except (IndexError, ValueError) as error:
            return type(error)
        flags = view.flags.c_contiguous, view.flags.f_contiguous
        whose = None if view.base is None else "the array's" if view.base is x else "another's"
        return view.shape, view.strides, view.dtype, flags, view.data.ptr - x.data.ptr, whose

    theirs, _host = real((4, 3, 2), np.float32)
    assert seen(stand_in.cupy, stand_in.cupy.zeros((4, 3, 2), np.float32)) == seen(cupy, theirs)


def test_neither_becomes_a_numpy_array(stand_in):
    theirs, _host = real((2,), np.float32)
    for array in (theirs, stand_in.cupy.zeros(2, np.float32)):
        with pytest.raises(TypeError, match=r"^Implicit conversion to a NumPy array is not allowed\. Please use"):
            np.asarray(array)
