"""Arithmetic of two tensors, element by element."""

from __future__ import annotations

import math

import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize("dtype", [pb.float16, pb.bfloat16, pb.float32, pb.float64])
@pytest.mark.parametrize(("input", "other"), [(4096.0, 3.0), (-4096.0, 0.625), (1.5, -0.375), (16384.0, 7.0)])
def test_fmod_is_exact(input, other, dtype):
    out = pb.fmod(pb.tensor([input], dtype=dtype), pb.tensor([other], dtype=dtype))
    assert out.dtype is dtype
    assert out.item() == math.fmod(input, other)
    assert pb.fmod(pb.tensor([input], dtype=dtype), other).item() == math.fmod(input, other)


def test_fmod_is_exact_where_the_quotient_is_not():
    assert pb.fmod(pb.tensor([1e30]), pb.tensor([3.0])).item() == math.fmod(pb.tensor(1e30).item(), 3)


def test_fmod_of_zeros_and_infinities():
    out = pb.fmod(pb.tensor([-0.0, -4.0, 5.0, -5.0]), pb.tensor([2.0, 2.0, -math.inf, math.inf])).tolist()
    assert out == [0.0, 0.0, 5.0, -5.0]
    assert [math.copysign(1, v) for v in out] == [-1, -1, 1, -1]
    undefined = pb.fmod(pb.tensor([math.inf, 1.0, math.nan]), pb.tensor([2.0, 0.0, 2.0]))
    assert undefined.isnan().all().item()


def test_fmod_of_integers():
    assert pb.fmod(pb.tensor([-7, 7, -128], dtype=pb.int8), pb.tensor([3, -3, 3], dtype=pb.int8)).tolist() == [
        -1,
        1,
        -2,
    ]


def test_gradients_of_a_complex_power():
    z = pb.tensor([1 + 1j, -2 + 0.5j], dtype=pb.complex128, requires_grad=True)
    w = pb.tensor([2 - 1j, 0.5 + 1j], dtype=pb.complex128, requires_grad=True)
    out = z**w
    dz, dw = pb.autograd.grad(out, [z, w], pb.ones_like(out))
    assert dz.tolist() == pytest.approx((w * z ** (w - 1)).conj().tolist())
    assert dw.tolist() == pytest.approx((out * z.log()).conj().tolist())


def test_gradient_of_a_complex_power_of_zero():
    base = pb.tensor([0j, 0j, 2 + 0j], dtype=pb.complex128)
    exponent = pb.tensor([2.0, 0.0, 1.0], dtype=pb.float64, requires_grad=True)
    (grad,) = pb.autograd.grad((base**exponent).real.sum(), exponent)
    assert grad.tolist() == pytest.approx([0.0, 0.0, 2 * math.log(2)])
