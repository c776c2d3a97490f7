"""Making tensors: shapes, dtypes, places in memory, graphs."""

from __future__ import annotations

import copy
import math
import pickle
import statistics

import pytest

import pullback as pb

BACKENDS = ["numpy", "jax"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request):
    with pb.use_backend(request.param) as selected:
        yield selected


# -- keywords ---------------------------------------------------------------------------------------------------------

OPTIONS = {
    "zeros": lambda **options: pb.zeros(2, **options),
    "ones": lambda **options: pb.ones(2, **options),
    "empty": lambda **options: pb.empty(2, **options),
    "empty_strided": lambda **options: pb.empty_strided((2, 3), (1, 2), **options),
    "empty_permuted": lambda **options: pb.empty_permuted((2, 3), (1, 0), **options),
    "full": lambda **options: pb.full((2,), 1.5, **options),
    "scalar_tensor": lambda **options: pb.scalar_tensor(1.5, **options),
    "eye": lambda **options: pb.eye(2, **options),
    "zeros_like": lambda **options: pb.zeros_like(pb.ones(2, backend="numpy"), **options),
    "full_like": lambda **options: pb.full_like(pb.ones(2, backend="numpy"), 2, **options),
    "new_ones": lambda **options: pb.ones(1, backend="numpy").new_ones(2, **options),
    "new_full": lambda **options: pb.ones(1, backend="numpy").new_full((2,), 1, **options),
    "new_empty_strided": lambda **options: pb.ones(1, backend="numpy").new_empty_strided((2,), (3,), **options),
    "arange": lambda **options: pb.arange(0.0, 2.0, **options),
    "linspace": lambda **options: pb.linspace(0, 1, 3, **options),
    "logspace": lambda **options: pb.logspace(0, 1, 3, **options),
    "rand": lambda **options: pb.rand(2, **options),
    "rand_like": lambda **options: pb.rand_like(pb.ones(2, backend="numpy"), **options),
    "randint": lambda **options: pb.randint(3, (2,), **options),
    "hann_window": lambda **options: pb.hann_window(3, **options),
}


@pytest.mark.parametrize("function", OPTIONS)
def test_keywords_say_where_and_what(function):
    made = OPTIONS[function](dtype=pb.float64, backend="jax", requires_grad=True, layout=pb.strided, pin_memory=False)
    assert made.dtype is pb.float64
    assert made.backend.name == "jax"
    assert made.requires_grad
    assert made.is_leaf
    assert not made._is_view()


@pytest.mark.parametrize("function", OPTIONS)
def test_python_types_name_dtypes(function):
    assert OPTIONS[function](dtype=float).dtype is pb.float64


@pytest.mark.parametrize("function", OPTIONS)
@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"dtype": "float32"}, TypeError),
        ({"layout": "strided"}, TypeError),
        ({"device": 1.5}, TypeError),
        ({"requires_grad": 1}, TypeError),
        ({"pin_memory": True}, RuntimeError),
    ],
)
def test_keywords_of_a_wrong_type_are_refused(function, option, error):
    with pytest.raises(error, match=next(iter(option))):
        OPTIONS[function](**option)


@pytest.mark.parametrize("function", [f for f in OPTIONS if f not in ("rand", "rand_like", "hann_window")])
def test_integers_require_no_gradients(function):
    with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype can require gradients"):
        OPTIONS[function](dtype=pb.int64, requires_grad=True)


# -- in memory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pb.zeros_like, pb.ones_like, pb.empty_like, pb.rand_like, pb.randn_like])
@pytest.mark.parametrize(
    ("view", "strides"),
    [
        (lambda x: x.transpose(0, 2), (1, 4, 12)),
        (lambda x: x.permute(1, 2, 0), (4, 1, 12)),
        (lambda x: x[:, ::2].transpose(0, 2), (1, 4, 8)),
        (lambda x: x[0].expand(5, 3, 4), (12, 4, 1)),
    ],
)
def test_the_order_in_memory_is_kept(make, view, strides):
    made = make(view(pb.ones(2, 3, 4)))
    assert made.stride() == strides
    assert made.shape == view(pb.ones(2, 3, 4)).shape


def test_the_order_in_memory_may_be_asked_for():
    x = pb.ones(2, 3, 4, 5)
    assert pb.empty(2, 3, 4, 5, memory_format=pb.channels_last).stride() == (60, 1, 15, 3)
    assert pb.zeros_like(x, memory_format=pb.channels_last).stride() == (60, 1, 15, 3)
    assert pb.zeros_like(x.permute(3, 2, 1, 0), memory_format=pb.contiguous_format).is_contiguous()
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        pb.empty(2, 3, memory_format=pb.channels_last)


@pytest.mark.parametrize("strides", [(1, 2), (3, 1), (10, 20), (0, 0), (0, 1), (1, 1)])
def test_strides_may_be_any(strides):
    made = pb.empty_strided((2, 3), strides)
    assert made.stride() == strides
    assert made.shape == (2, 3)
    assert not made._is_view()


def test_a_tensor_in_another_order_can_be_written_and_viewed():
    made = pb.zeros_like(pb.ones(2, 3).T)
    made[0] = pb.tensor([1.0, 2.0])
    row = made[1]
    row.add_(5)
    assert made.tolist() == [[1.0, 2.0], [5.0, 5.0], [0.0, 0.0]]
    assert made.T.is_contiguous()
    assert made.T.reshape(-1).tolist() == [1.0, 5.0, 0.0, 2.0, 5.0, 0.0]


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [pb.uint8, pb.int8, pb.int32], ids=str)
def test_values_beyond_the_dtype_are_refused(dtype):
    limits = pb.iinfo(dtype)
    for make in (lambda v: pb.full((2,), v, dtype=dtype), lambda v: pb.zeros(2, dtype=dtype).new_full((1,), v)):
        assert make(limits.max)[0].item() == limits.max
        for value in (limits.max + 1, math.nan, math.inf, 1j):
            with pytest.raises(RuntimeError, match=r"value cannot be converted to type .* without overflow"):
                make(value)


def test_integers_beyond_32_bits_are_exact():
    assert pb.arange(2**62, 2**62 + 2).tolist() == [2**62, 2**62 + 1]
    assert pb.full((), 2**63 - 1).item() == 2**63 - 1


def test_ends_of_linspace_are_exact():
    spaced = pb.linspace(-1 / 3, 0.1, 7, dtype=pb.float64)
    assert spaced[0].item() == -1 / 3
    assert spaced[-1].item() == 0.1


# -- graphs -----------------------------------------------------------------------------------------------------------


def test_parts_of_complex_numbers_get_their_gradients():
    real, imag = (pb.tensor(v, dtype=pb.float64, requires_grad=True) for v in ([1.0, 2.0], [[3.0], [4.0]]))
    assert pb.autograd.gradcheck(pb.complex, (real, imag))
    assert pb.autograd.gradcheck(pb.polar, (real, imag))
    assert pb.autograd.gradgradcheck(pb.polar, (real, imag))
    pb.complex(real, imag).real.sum().backward()
    assert real.grad.tolist() == [2.0, 2.0]
    assert imag.grad.tolist() == [[0.0], [0.0]]


def test_infinite_parts_stay_apart():
    made = pb.complex(pb.tensor([1.0, math.inf]), pb.tensor([math.inf, 0.0]))
    assert [(z.real, z.imag) for z in made.tolist()] == [(1.0, math.inf), (math.inf, 0.0)]


def test_blocks_get_their_part_of_the_gradient():
    vector = pb.tensor([1.0, 2.0], requires_grad=True)
    matrix = pb.tensor([[3], [4]])
    made = pb.block_diag(vector, matrix)
    assert made.tolist() == [[1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 4.0]]
    (made * pb.arange(9.0).reshape(3, 3)).sum().backward()
    assert vector.grad.tolist() == [0.0, 1.0]


def test_powers_and_combinations_differentiate():
    x = pb.tensor([1.0, 2.0, 3.0], dtype=pb.float64, requires_grad=True)
    assert pb.autograd.gradcheck(lambda t: pb.vander(t, 4), (x,))
    assert pb.autograd.gradcheck(pb.combinations, (x,))
    assert pb.autograd.gradcheck(lambda t: pb.cartesian_prod(t, t), (x,))


def test_the_step_has_no_derivative_and_says_so():
    x = pb.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    stepped = pb.heaviside(x, pb.tensor(0.5))
    assert stepped.tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(RuntimeError, match="derivative for aten::heaviside is not implemented"):
        stepped.sum().backward()
    written = (x * 1).heaviside_(pb.tensor(0.5))
    with pytest.raises(RuntimeError, match="derivative for aten::heaviside_ is not implemented"):
        written.sum().backward()


def test_means_and_deviations_get_zero():
    mean, std = pb.zeros(3, requires_grad=True), pb.ones(3, requires_grad=True)
    drawn = pb.normal(mean, std)
    assert drawn.grad_fn.name() == "NormalBackward3"
    drawn.sum().backward()
    assert mean.grad.tolist() == std.grad.tolist() == [0.0, 0.0, 0.0]


# -- random -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.4, 8.0, 12.0, 5000.0])
def test_mean_and_variance_of_poisson_numbers_are_the_rate(rate):
    pb.manual_seed(1)
    count = 4000
    drawn = pb.poisson(pb.full((count,), rate, dtype=pb.float64)).tolist()
    assert all(number >= 0 and number == int(number) for number in drawn)
    # Five standard errors, of the mean and of the variance.
    assert statistics.fmean(drawn) == pytest.approx(rate, abs=5 * math.sqrt(rate / count))
    assert statistics.pvariance(drawn) == pytest.approx(rate, abs=5 * math.sqrt((2 * rate**2 + rate) / count))


def test_poisson_takes_any_rate_that_is_a_number():
    assert pb.poisson(pb.tensor([0.0, math.inf])).tolist() == [0.0, math.inf]
    for wrong in (-1.0, math.nan):
        with pytest.raises(RuntimeError, match="invalid Poisson rate, expected rate to be non-negative"):
            pb.poisson(pb.tensor([1.0, wrong]))


# -- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["strided", "preserve_format", "contiguous_format", "channels_last"])
def test_formats_are_copied_and_pickled_as_themselves(name):
    value = getattr(pb, name)
    assert repr(value) == f"torch.{name}"
    assert copy.deepcopy(value) is pickle.loads(pickle.dumps(value)) is value
    assert pb.ones(1).layout is pb.strided
