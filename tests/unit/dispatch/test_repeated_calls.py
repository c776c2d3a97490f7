"""What a call gives does not depend on the calls before it: not on their number, nor on their numbers."""

from __future__ import annotations

import math
import warnings

import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.dispatch.declaration import Operation
from pullback.tensor.registry import registry

DTYPES = ["bool", "uint8", "int8", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
#: Equal as keys of a dictionary: 0 to -0j, and 1 to 1 - 0j.
NUMBERS = [
    *(0, False, 0.0, -0.0, 0j, complex(-0.0, 0.0), complex(0.0, -0.0), complex(-0.0, -0.0)),
    *(1, True, 1.0, 1 + 0j, complex(1, -0.0), 1j, complex(-0.0, 1.0)),
    *(2, 2.0, -2, -2.0, 3, 0.1, -1.5, 64, 300, 2**40, 65520.0, 1e300, 2.5 - 0.5j),
    *(math.inf, -math.inf, math.nan, complex(math.nan, -0.0), complex(-math.inf, 1.0)),
]
OPERATIONS = sorted(
    name
    for name, record in registry.items()
    if isinstance(record, Operation)
    and record.numbers
    and len(record.promotes) > 1
    and record.promotion != "same"
    and not record.sequence
    and not record.draws
)


def elements(dtype):
    if dtype == "bool":
        return [True, False, True]
    if dtype.startswith("complex"):
        return [complex(-0.0, 2.0), complex(1.5, -0.0), complex(-1.0, 0.0)]
    return [0, 1, 3] if dtype == "uint8" else [-3, 1, 2] if "int" in dtype else [-0.0, 1.7, -2.5]


def outcome(call):
    """The bytes of what a call gives, or its error."""
    try:
        result = call()
    except Exception as error:
        return type(error), str(error).split("\n")[0]
    native = result.detach().numpy() if result.dtype is not pb.bfloat16 else result.view(pb.int16).numpy()
    return result.dtype, native.tobytes()


def calls_of(operation, x, number):
    """Ways to call the operation with a number as its last promoting operand, and in place."""
    others = [x] * (len(operation.operands) - 2)
    if operation.operands[0] not in operation.promotes:  # where()
        condition = x.new_zeros(x.shape, dtype=pb.bool)
        condition[1] = True
        yield lambda: operation.call(condition, *others, number)
        return
    yield lambda: operation.call(x, *others, number)
    if operation.inplace_name is not None and not others:

        def inplace():
            with pb.no_grad():
                return getattr(x.clone(), operation.inplace_name)(number)

        yield inplace


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_number_remembers_another(name, backend):
    operation = registry[name]
    dtypes = DTYPES if backend == "numpy" else ["int64", "bfloat16", "float32", "complex64"]
    own = get_backend(backend)
    with pb.use_backend(backend), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in dtypes:
            x = pb.tensor(elements(dtype), dtype=getattr(pb, dtype))
            fresh = []
            for number in NUMBERS:
                fresh.append([])
                for call in calls_of(operation, x, number):
                    operation.tables.pop(own, None)  # nothing has been called before
                    fresh[-1].append(outcome(call))
            operation.tables.pop(own, None)
            places = range(len(NUMBERS))
            for order in (places, places[::-1], places):
                found = {}
                for place in order:
                    found[place] = [outcome(call) for call in calls_of(operation, x, NUMBERS[place])]
                for place, number in enumerate(NUMBERS):
                    assert found[place] == fresh[place], (dtype, number)
