"""``assert_close`` and ``make_tensor`` agree with PyTorch's, to the message."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

#: The arguments of ``assert_close``; ``T`` makes a tensor.
COMPARED = r"""
T([1., 2.]), T([1., 2.])
T([1., 2.]), T([1., 3.])
T([1, 2]), T([1, 3])
T([True]), T([False])
T([True, False]), T([True, True])
T(1.), T(1.)
T(1.), T(2.)
T(1), T(2)
T(True), T(False)
T([1., 2.]), T([1., 2.], dtype=lib.float64)
T([1., 2.]), T([1., 2.], dtype=lib.float64), check_dtype=False
T([1., 2.]), T([[1., 2.]])
T([1., 2.]), T([1, 2]), check_dtype=False
T([1., 2.]), T([1, 3]), check_dtype=False
T([float('nan')]), T([float('nan')])
T([float('nan')]), T([float('nan')]), equal_nan=True
T([float('nan'), 1.]), T([1., float('nan')]), equal_nan=True
T([float('inf')]), T([float('inf')])
T([float('inf')]), T([-float('inf')])
T([float('inf'), 1.]), T([0., 1.])
T([1+2j]), T([1+2j])
T([1+2j, 3.]), T([1+3j, 3.])
T(1+2j), T(1+3j)
T(1., dtype=lib.float16), T(1.1, dtype=lib.float16)
T([1.], dtype=lib.bfloat16), T([1.1], dtype=lib.bfloat16)
T([1.], dtype=lib.float16), T([1.0005], dtype=lib.float16)
1, 1
1, 2
1.0, 1
1.0, 1, check_dtype=False
1.0, 2, check_dtype=False
1.0, 1.1
1j, 2j
1j, 1.0
True, True
True, False
None, None
None, 1
1, None
0.0, 1.0
1.0, 0.0
float('nan'), float('nan')
float('nan'), float('nan'), equal_nan=True
float('inf'), float('inf')
'a', 'a'
'a', 1
object(), object()
T([1.]), [1.]
T(1.), 1.0
T([1.]), np.array([1.], dtype='float32')
np.array([1.]), np.array([1.])
np.array([1.]), np.array([2.])
np.array(1.), np.array(2.)
np.float32(1), np.float32(1)
np.float32(1), 1.0
np.float32(1), np.float64(2)
np.bool_(True), True
np.bool_(True), np.bool_(False)
np.int64(3), 4
np.array(['a']), np.array(['a'])
[1., 2.], [1., 2.]
[1., 2.], (1., 2.)
[1., 2.], [1., 3.]
[1., 2.], [1.]
[[1.], [2.]], [[1.], [3.]]
{'a':1.}, {'a':1.}
{'a':1., 'b':2.}, {'a':1., 'b':3.}
{'a':1.}, {'b':1.}
{'a':[T([1., 2.]), T([3.])]}, {'a':[T([1., 2.]), T([4.])]}
[1., 'a'], [2., 'a']
[1., 2.], [2., 3.]
{1:1., 'a':2.}, {1:1., 'a':3.}
[T([1.]), {'x':2}], [T([1.]), {'x':3}]
[], []
{}, {}
[None], [None]
[None], [1]
range(3), range(3)
range(3), [0, 1, 3]
[1], {'a':1}
set([1]), set([1])
T([1.]), T([1.1]), rtol=0.2, atol=0
T([1.]), T([1.5]), rtol=0.2, atol=0
T([1.]), T([1.5]), rtol=0, atol=0
T([1.]), T([1.]), rtol=0.1
T([1.]), T([1.]), atol=0.1
[T([1.])], [T([1.])], atol=0.1
1.0, 1.5, rtol=0, atol=0
1, 1, rtol=.1
T([1.]), T([2.]), msg='hello'
T([1.]), T([2.]), msg=lambda m: m.splitlines()[0]+'!'
T([[1., 2.], [3., 4.]]), T([[1., 3.], [3., 0.]])
T([[1., 2.], [3., 4.]]).T, T([[1., 2.], [3., 4.]]).T.contiguous()
T([[1., 2.], [3., 4.]]).T, T([[1., 2.], [3., 4.]]).T.contiguous(), check_stride=True
T([]), T([])
T([[]]), T([])
T([1.], requires_grad=True), T([1.])
T([1.], requires_grad=True), T([2.])
lib.nn.Parameter(T([1.])), T([1.])
lib.nn.Parameter(T([1.])), T([1.]), allow_subclasses=False
T([200], dtype=lib.uint8), T([10], dtype=lib.uint8)
T([1], dtype=lib.uint16), T([2], dtype=lib.uint16)
T([1], dtype=lib.uint16), T([2], dtype=lib.int32), check_dtype=False
T([1e-8]), T([0.])
T([1., 0.]), T([1., 1e-3])
T([3]), T([0])
T([0., 5.]), T([0., 0.])
T([2**62]), T([-2**62])
T([1., 2.]), T([1., 2.]), check_layout=False, check_device=False
""".strip().splitlines()

#: The arguments of ``make_tensor`` that it refuses.
REFUSED = [
    "2, dtype=lib.float32, low=float('nan')",
    "2, dtype=lib.float32, low=3, high=2",
    "2, dtype=lib.int64, low=3, high=3",
    "2, dtype=lib.uint8, low=-5, high=-1",
    "2, dtype=lib.uint8, low=256",
    "2, dtype=lib.int8, low=200, high=300",
    "2, dtype=lib.bool, low=2, high=3",
    "2, dtype=lib.float16, low=1e6, high=1e7",
    "2, dtype=lib.int64, requires_grad=True",
    "2, dtype=lib.bool, requires_grad=True",
    "2, 2, dtype=lib.float32, noncontiguous=True, memory_format=lib.contiguous_format",
]
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64"]
MADE = [
    "2, 3",
    "(2, 3)",
    "[4]",
    "()",
    "0, 3",
    "2, 3, noncontiguous=True",
    "1, noncontiguous=True",
    "2, 3, 4, 5, memory_format=lib.channels_last",
    "5, low=1, high=3",
]


def without_added_lines(text: str) -> str:
    """The message without the lines that PyTorch's has not, and with its classes' names."""
    text = text.replace("pullback.Tensor", "torch.Tensor").replace("pullback.nn.parameter", "torch.nn.parameter")
    added = ("Worst element", "Difference in ulp")
    return "\n".join(line for line in text.split("\n") if not line.startswith(added))


def verdict(lib: Any, arguments: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            eval(f"lib.testing.assert_close({arguments})", {"lib": lib, "T": lib.tensor, "np": np})
        except Exception as error:
            return type(error), without_added_lines(str(error))
    return "close"


@pytest.mark.parametrize(
    ("backend", "arguments"),
    [*(("numpy", case) for case in COMPARED), *(("jax", case) for case in COMPARED if case.startswith("T([[1.")),
     ("jax", "T([1, 2]), T([1, 3])"), ("jax", "T([float('nan'), 1.]), T([1., float('nan')]), equal_nan=True")],
)  # fmt: skip
def test_verdict_and_message_are_those_of_pytorch(arguments, backend):
    with pb.use_backend(backend):
        assert verdict(pb, arguments) == verdict(torch, arguments)


@pytest.mark.parametrize("arguments", REFUSED)
def test_make_tensor_refuses_what_pytorch_refuses(arguments):
    with pytest.raises(Exception) as expected:  # noqa: PT011  # whatever PyTorch raises
        eval(f"lib.testing.make_tensor({arguments}, device='cpu')", {"lib": torch})
    with pytest.raises(expected.type) as found:
        eval(f"lib.testing.make_tensor({arguments})", {"lib": pb})
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("arguments", MADE)
def test_make_tensor_makes_what_pytorch_makes(arguments, dtype):
    if dtype == "bool" and "low" in arguments:
        arguments = arguments.replace("low=1, high=3", "low=0, high=1")
    made = [
        eval(f"lib.testing.make_tensor({arguments}, dtype=lib.{dtype}, device='cpu')", {"lib": lib})
        for lib in (pb, torch)
    ]
    found, expected = [(tuple(t.shape), t.stride(), str(t.dtype), t.is_contiguous()) for t in made]
    assert found == expected
