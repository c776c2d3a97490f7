"""Methods that write into their tensor."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.tensor.registry import registry

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "jax"])


def test_running_sums_are_in_the_tensors_own_dtype() -> None:
    x = pb.tensor([1, 2, 3], dtype=pb.int8)
    assert x.cumsum_(0) is x
    assert (x.tolist(), x.dtype) == ([1, 3, 6], pb.int8)
    with pytest.raises(RuntimeError, match="input tensor dtype float and output tensor dtype double should match"):
        pb.ones(2).cumprod_(0, dtype=pb.float64)


def test_division_rounds_as_it_is_told() -> None:
    assert pb.tensor([7, -7]).div_(2, rounding_mode="floor").tolist() == [3, -4]
    assert pb.tensor([7.0, -7.0]).divide_(2, rounding_mode="trunc").tolist() == [3, -3]
    x = pb.tensor([1, 2])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        x.div_(2)
    assert (x.tolist(), x._version) == ([1, 2], 0)


def test_a_result_of_another_shape_is_refused_in_the_operations_words() -> None:
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"):
        pb.ones(2).mul_(pb.ones(3, 2))
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[1, 2\]"):
        pb.ones(2).copy_(pb.ones(1, 2))
    with pytest.raises(RuntimeError, match=r"input tensor size \[1\] and output tensor size \[2\] should match"):
        pb.ones(1).addmv_(pb.ones(2, 2), pb.ones(2))
    with pytest.raises(RuntimeError, match="output with shape"):  # rather than that there is no kernel
        pb.ones(1).bitwise_and_(pb.ones(3))


def test_python_functions_are_applied_to_each_element() -> None:
    x = pb.tensor([1, 2])
    assert x.apply_(lambda v: v + 0.5).tolist() == [1, 2]
    assert x.map_(pb.tensor(3), lambda a, b: a * b).tolist() == [3, 6]
    assert x.map2_(x, x, lambda a, b, c: a + b + c).tolist() == [9, 18]
    with pytest.raises(TypeError, match="'int' object is not callable"):
        x.apply_(3)
    with pytest.raises(TypeError, match=r"map_\(\): argument 'other' \(position 1\) must be Tensor, not int"):
        x.map_(3, lambda a, b: a)
    with pytest.raises(RuntimeError, match=r"Can't call apply_\(\) on Variable that requires grad"):
        pb.ones(1, requires_grad=True).apply_(lambda v: v)


@pytest.mark.parametrize(
    ("method", "arguments", "median"),
    [("cauchy_", (3.0, 0.5), 3.0), ("log_normal_", (0.0, 1.0), 1.0), ("geometric_", (0.25,), 3.0)],
)
def test_random_numbers_have_their_distribution_and_are_one_stream_on_every_backend(
    method: str, arguments: tuple[float, ...], median: float
) -> None:
    drawn = []
    for backend in ("numpy", "jax"):
        generator = pb.Generator().manual_seed(7)
        x = pb.empty(2001, dtype=pb.float64, backend=backend)
        getattr(x, method)(*arguments, generator=generator)
        drawn.append(x.to("numpy"))
    assert bool(pb.isclose(drawn[0], drawn[1], rtol=1e-9).all())
    assert float(drawn[0].sort().values[1000]) == pytest.approx(median, rel=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pb.empty(1).cauchy_(0, -1), "cauchy_ expects sigma > 0.0, but found sigma=-1"),
        (lambda: pb.empty(1).log_normal_(0, 0), "log_normal_ expects std > 0.0, but found std=0"),
        (lambda: pb.empty(1).geometric_(1.5), r"geometric_ expects p to be in \(0, 1\), but got p=1.5"),
        (lambda: pb.empty(1, dtype=pb.int64).cauchy_(), "must be a floating point but you specified long int"),
    ],
)
def test_distributions_that_are_none_are_refused(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call()


@BACKENDS
@pytest.mark.parametrize("name", ["celu", "elu", "hardtanh", "leaky_relu", "relu", "selu"])
def test_activations_in_place_are_the_activations(name: str, backend: str) -> None:
    functional: Any = pb.nn.functional
    x = pb.tensor([-2.0, -0.5, 0.5, 2.0], backend=backend)
    expected = getattr(functional, name)(x).tolist()
    for write in (getattr(functional, f"{name}_"), lambda t: getattr(functional, name)(t, inplace=True)):
        y = x.clone()
        assert write(y) is y
        assert y.tolist() == expected


def test_a_module_may_write_into_its_input() -> None:
    for module in (
        pb.nn.ReLU(inplace=True),
        pb.nn.ELU(0.5, inplace=True),
        pb.nn.LeakyReLU(0.1, True),
        pb.nn.SiLU(True),
    ):
        x = pb.tensor([-1.0])
        assert module(x) is x
        assert "inplace=True" in repr(module)


@BACKENDS
def test_sums_with_products(backend: str) -> None:
    with pb.use_backend(backend):
        assert pb.ones(2).addmv_(pb.ones(2, 3), pb.ones(3), beta=2).tolist() == [5, 5]
        assert pb.zeros(2, 1).addr_(pb.tensor([1.0, 2.0]), pb.tensor([3.0])).tolist() == [[3], [6]]
        assert pb.ones(1, 1).addbmm_(pb.ones(2, 1, 3), pb.ones(2, 3, 1), alpha=0.5).tolist() == [[4]]
        assert pb.ones(1, 1).addmm_(pb.ones(1, 2), pb.ones(2, 1)).tolist() == [[3]]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("addmv", (pb.ones(2), pb.ones(2, 3), pb.ones(3))),
        ("addr", (pb.ones(3), pb.ones(2), pb.ones(3))),
        ("addbmm", (pb.ones(4), pb.ones(2, 2, 3), pb.ones(2, 3, 4))),
    ],
)
def test_derivatives_of_sums_with_products(name: str, arguments: tuple[pb.Tensor, ...]) -> None:
    leaves = tuple((a.double() * 0.5).requires_grad_() for a in arguments)

    def function(*tensors: pb.Tensor) -> pb.Tensor:
        result: pb.Tensor = getattr(pb, name)(*tensors, beta=0.5, alpha=2.0)
        return result

    assert pb.autograd.gradcheck(function, leaves)
    assert pb.autograd.gradgradcheck(function, leaves)


@pytest.mark.parametrize("name", ["sinc", "logit", "deg2rad", "rad2deg"])
def test_derivatives_of_the_shorthands(name: str) -> None:
    x = pb.tensor([0.2, 0.7], dtype=pb.float64, requires_grad=True)
    assert pb.autograd.gradcheck(getattr(pb, name), x)
    assert pb.autograd.gradgradcheck(getattr(pb, name), x)


def test_sinc_at_zero_and_logit_at_the_ends() -> None:
    x = pb.zeros(1, requires_grad=True)
    pb.sinc(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0]
    assert pb.logit(pb.tensor([0.0, 1.0])).tolist() == [-float("inf"), float("inf")]
    assert pb.logit(pb.tensor([0.0]), eps=0.5).tolist() == [0]
    assert pb.ldexp(pb.tensor([3]), pb.tensor([2])).tolist() == [12.0]


def test_functions_of_in_place_methods_are_the_methods() -> None:
    x = pb.tensor([4.0])
    assert pb.sqrt_(x) is x
    assert pb.fill_(x, 3) is x
    assert pb.zero_(x).tolist() == [0]
    assert pb.clamp_ is pb.Tensor.clamp_


def test_integer_powers_in_place_write_what_the_operation_gives():
    with pb.no_grad():
        for _ in range(3):
            x = pb.tensor([2, 3, 5])
            x.pow_(pb.tensor([2, 3, -1]))
            assert x.tolist() == [4, 27, 0]
            x = pb.tensor([2, 3])
            with pytest.raises(RuntimeError, match="Integers to negative integer powers are not allowed"):
                x.pow_(-4)
            assert x.tolist() == [2, 3]


@pytest.mark.parametrize(
    "name", sorted(n for n, r in registry.items() if r.inplace_name and len(r.operands) < 3 and r.broadcasts)
)
@pytest.mark.parametrize("raising", ["warnings", "numpy"])
def test_what_a_library_reports_after_writing_does_not_make_it_write_twice(name, raising):
    operation = registry[name]
    required = [a for a in operation.attributes if a not in operation.defaults]
    if required or pb.float32 not in operation.dtypes:
        pytest.skip("takes arguments, or no floating numbers")
    values = [4.0, -1.0, 0.0, math.inf, -math.inf, math.nan, 3e38, 0.5]
    operands = [pb.tensor(values) for _ in operation.operands[1:]]
    if operands and operation.promotion == "same":
        pytest.skip("its operands are of different kinds")

    def written():
        x = pb.tensor(values)
        with pb.no_grad():
            for _ in range(2):  # the first call takes the general path
                x.copy_(pb.tensor(values))
                getattr(x, operation.inplace_name)(*operands)
        return x.numpy()

    expected = written()
    with warnings.catch_warnings(), np.errstate(all="raise" if raising == "numpy" else "warn"):
        warnings.simplefilter("error")
        np.testing.assert_array_equal(written(), expected)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", ["addmm_", "baddbmm_"])
def test_a_product_written_over_its_own_factor_reads_what_was_there(name, backend):
    with pb.use_backend(backend):
        leaf = pb.arange(1.0, 10.0).reshape(3, 3).requires_grad_()
        for x in (leaf.detach().clone(), leaf * 1):
            x = x[None] if name == "baddbmm_" else x
            expected = getattr(x, name[:-1])(x, x).tolist()
            y = getattr(x, name)(x, x)
            assert y.tolist() == expected
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("write", ["v.put_(pb.tensor([0]), pb.tensor([5.0]))", "v.mul_(2)", "v[pb.tensor([0])] = 5.0"])
def test_recorded_writes_to_windows_that_overlap_are_refused(write, backend):
    with pb.use_backend(backend):
        for requires_grad in (True, False):
            y = pb.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=requires_grad)
            b = y * 1
            for v in (b.unfold(0, 2, 1), b.as_strided((2, 2), (1, 1))):
                if requires_grad:
                    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
                        exec(write, {"pb": pb, "v": v})
                    assert b.tolist() == y.tolist()
                    assert b._version == 0
                else:
                    exec(write, {"pb": pb, "v": v})
            apart = b.unfold(0, 2, 2)
            exec(write, {"pb": pb, "v": apart})
            if requires_grad:
                apart.fill_(3.0)
                b.unfold(0, 2, 1).fill_(4.0)
                b.sum().backward()
                assert y.grad.tolist() == [0, 0, 0, 0]


def test_a_dual_number_that_is_detached_in_place_has_no_tangent():
    with pb.autograd.forward_ad.dual_level():
        x = pb.autograd.forward_ad.make_dual(pb.tensor([1.0]), pb.tensor([3.0])) * 2
        x.detach_()
        assert pb.autograd.forward_ad.unpack_dual(x).tangent is None


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_change_of_shape_that_is_not_recorded_still_has_gradients_of_the_old_shape(backend):
    for change, shape in (
        (lambda t: t.t_(), (3, 2)),
        (lambda t: t.unsqueeze_(0), (1, 2, 3)),
        (lambda t: t.transpose_(0, 1), (3, 2)),
    ):
        x = pb.ones(2, 3, requires_grad=True, backend=backend)
        y = x * 2
        with pb.no_grad():
            change(y)
        assert y.shape == shape
        (y * pb.arange(6.0, backend=backend).reshape(shape)).sum().backward()
        assert x.grad.shape == (2, 3)
        assert x.grad.sum() == 30


@pytest.mark.parametrize("method", ["floor_divide_", "remainder_", "fmod_"])
def test_of_two_mistakes_the_shape_is_told_before_a_division_by_zero(method: str) -> None:
    x = pb.ones(3, dtype=pb.int64)
    with pytest.raises(RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"):
        getattr(x, method)(pb.zeros(2, 3, dtype=pb.int64))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        getattr(x, method)(pb.zeros(3, dtype=pb.int64))
    assert (x.tolist(), x._version) == ([1, 1, 1], 0)


def test_what_an_operation_refuses_by_itself_is_told_before_the_shape() -> None:
    x = pb.tensor([True])
    with pytest.raises(RuntimeError, match="Subtraction, the `-` operator, with two bool tensors"):
        x.sub_(pb.tensor([True, False]))
