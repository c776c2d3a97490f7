"""``gradcheck`` and ``gradgradcheck``: what they find, what they refuse, and what they say."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import pullback as pb
from pullback.autograd import gradcheck, gradgradcheck
from pullback.autograd_tools.numerical import GradcheckError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "jax"])
FAST = pytest.mark.parametrize("fast_mode", [False, True])


def leaf(*values, dtype=pb.float64):
    return pb.tensor(values or (0.5, 1.5), dtype=dtype, requires_grad=True)


class WrongSquare(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * x * pb.tensor([2.0, 2.5], dtype=x.dtype)


@BACKENDS
@FAST
def test_right_derivatives_pass_in_both_modes_and_orders(backend, fast_mode) -> None:
    with pb.use_backend(backend):
        x = leaf()
        assert gradcheck(lambda x: (x * x.exp(), x.sum()), x, check_forward_ad=True, fast_mode=fast_mode)
        assert gradgradcheck(lambda x: x * x.exp(), x, check_fwd_over_rev=True, fast_mode=fast_mode)


def test_the_error_shows_the_jacobians_and_names_the_worst_element() -> None:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(WrongSquare.apply, leaf())
    first, *rest = str(caught.value).split("\n")
    assert first == "Jacobian mismatch for output 0 with respect to input 0,"
    assert rest[0].startswith("numerical:tensor([[1.0000, 0.0000],")
    assert rest[2].startswith("analytical:tensor([[1.0000, 0.0000],")
    assert rest[4] == (
        "worst: element 1 of the input and 1 of the output: numerical 3, analytical 3.75; absolute difference 0.75"
        " (allowed: 1e-05), relative 0.25 (allowed: 0.001)"
    )


def test_the_error_of_the_fast_mode_shows_the_whole_jacobians_too() -> None:
    with pytest.raises(GradcheckError, match=r"(?s)as fast_mode=True compares. The Jacobians:.*worst: element 1 of"):
        gradcheck(WrongSquare.apply, leaf(), fast_mode=True)


def test_the_fast_mode_needs_few_evaluations() -> None:
    counts = {}
    for fast_mode in (False, True):
        calls = []
        gradcheck(lambda x, calls=calls: calls.append(1) or x * 2, leaf(*range(20)), fast_mode=fast_mode)
        counts[fast_mode] = len(calls)
    assert counts[False] > 40
    assert counts[True] < 10


def test_random_directions_are_the_same_in_each_call_and_leave_the_generator_alone() -> None:
    before = pb.get_rng_state().tolist()
    texts = set()
    for _ in range(2):
        with pytest.raises(GradcheckError) as caught:
            gradcheck(WrongSquare.apply, leaf(), fast_mode=True)
        texts.add(str(caught.value))
    gradgradcheck(pb.exp, leaf(), fast_mode=True)
    assert len(texts) == 1
    assert pb.get_rng_state().tolist() == before


@pytest.mark.parametrize("dtype", [pb.float32, pb.float16, pb.complex64])
def test_less_than_double_precision_is_refused_unless_asked_for(dtype) -> None:
    x = leaf(dtype=dtype)
    with pytest.raises(ValueError, match=f"input 0 has dtype {dtype}.*allow_low_precision=True"):
        gradcheck(lambda x: x * 2, x)
    assert gradcheck(lambda x: x * 2, x, allow_low_precision=True, eps=0.25)


def test_overlapping_memory_is_refused() -> None:
    with pytest.raises(RuntimeError, match="The 0th input has a dimension with stride 0"):
        gradcheck(pb.exp, leaf(1.0).expand(3))
    with pytest.raises(RuntimeError, match="several elements in one place of memory"):
        gradcheck(pb.exp, leaf(1.0, 2.0, 3.0).as_strided((2, 2), (1, 1)))


@BACKENDS
def test_inputs_are_restored_also_after_an_exception(backend) -> None:
    def fails(x):
        if x[0] != 0.5:
            raise ValueError("away from the point")
        return x * 2

    with pb.use_backend(backend):
        x = leaf()
        with pytest.raises(ValueError, match="away from the point"):
            gradcheck(fails, x)
        assert x.tolist() == [0.5, 1.5]
        assert x._version == 0
        assert pb.autograd.forward_ad.enter_dual_level() == 0  # no level has stayed open
        pb.autograd.forward_ad.exit_dual_level()


@FAST
@pytest.mark.parametrize("modes", [{}, {"check_forward_ad": True, "check_backward_ad": False}])
def test_a_result_cut_off_from_inputs_it_depends_on_is_found(fast_mode, modes) -> None:
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, leaf(), fast_mode=fast_mode, **modes)


def test_elements_of_no_dimension_and_no_elements() -> None:
    assert gradcheck(lambda x: x * x, pb.tensor(2.0, dtype=pb.float64, requires_grad=True), check_forward_ad=True)
    assert gradcheck(lambda x: x * x, pb.zeros(0, 3, dtype=pb.float64, requires_grad=True), check_forward_ad=True)


def test_batched_passes() -> None:
    x = leaf()
    assert gradcheck(
        lambda x: (x * x.exp(), x.sum()),
        x,
        check_batched_grad=True,
        check_forward_ad=True,
        check_batched_forward_grad=True,
    )
    assert gradgradcheck(lambda x: x * x.exp(), x, check_batched_grad=True)


def test_batched_passes_that_vmap_refuses() -> None:
    class ReadsElements(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * (2 if grad.sum().item() == 0 else 2.0)

    assert gradcheck(ReadsElements.apply, leaf())
    with pytest.raises(GradcheckError, match=r"(?s)While computing batched gradients, got: .*check_batched_grad=False"):
        gradcheck(ReadsElements.apply, leaf(), check_batched_grad=True)


def test_given_gradients_of_outputs_may_be_none() -> None:
    assert gradgradcheck(lambda x: (x * x).sum(), leaf(), [None])


def test_the_error_has_the_place_that_pytorch_gives_it() -> None:
    from pullback.autograd.gradcheck import GradcheckError as Named
    from pullback.autograd.gradcheck import gradcheck, gradgradcheck

    assert Named is GradcheckError
    assert pb.autograd.gradcheck is gradcheck
    assert pb.autograd.gradgradcheck is gradgradcheck
    assert pickle.loads(pickle.dumps(Named("text"))).args == ("text",)


def test_undefined_gradients_are_warned_of() -> None:
    class Shifted(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.set_materialize_grads(False)
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            if grad is None:
                raise RuntimeError("no gradient")
            return grad * 2

    x = pb.ones(2, dtype=pb.float64, requires_grad=True)
    with (
        pytest.warns(UserWarning, match="New undefined gradient support checking feature is enabled by default"),
        pytest.raises(GradcheckError, match="Expected backward function to handle undefined output grads"),
    ):
        pb.autograd.gradcheck(Shifted.apply, x)
