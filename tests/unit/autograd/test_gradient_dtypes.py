"""Gradients have the dtype of what they belong to, whatever an operation promoted its operands to."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pullback as pb
from pullback.autograd import forward_ad
from pullback.dispatch.declaration import Operation
from pullback.tensor.registry import registry
from pullback.tensor.tensor import tensors_of
from pullback_conformance.samples import samples_of

DTYPES = [pb.float16, pb.bfloat16, pb.float32, pb.float64, pb.complex64, pb.complex128]
#: Parts of derivatives, which take operands of one dtype.
INTERNAL = {
    "hardtanh_backward",
    "leaky_relu_backward",
    "log_softmax_backward",
    "mse_loss_backward",
    "nll_loss_backward",
    "threshold_backward",
}
#: How many samples of each operation, and how often dtypes are drawn for each. The rules are the core's, and JAX
#: compiles every call.
SAMPLES = {"numpy": (8, 5), "jax": (2, 1)}


def _with_tensors(value: Any, tensors: Iterator[Any]) -> Any:
    if isinstance(value, pb.Tensor):
        return next(tensors)
    return type(value)(_with_tensors(v, tensors) for v in value) if isinstance(value, list | tuple) else value


def _mixed_operations() -> list[str]:
    found = []
    for name, operation in registry.items():
        if not isinstance(operation, Operation) or operation.nondifferentiable or name in INTERNAL:
            continue
        if "adjoint" not in name and (operation.sequence or len(operation.operands) > 1):
            found.append(name)
    return sorted(found)


def _calls(name: str, samples: int, draws: int) -> Iterator[tuple[Any, dict[str, Any], list[Any], list[int]]]:
    """Arguments, the tensors among them, and which of those are floating: each of a dtype drawn for it, some 0-d."""
    operation, backend = registry[name], pb.ones(1, backend="numpy").backend
    draw = random.Random(name)
    for sample in itertools.islice(samples_of(operation, backend, pb.float64), samples):
        given = tensors_of([*sample.args, *sample.kwargs.values()])
        floating = [i for i, tensor in enumerate(given) if tensor.dtype is pb.float64]
        if sample.values_only or not 1 < len(floating) <= 4:
            continue
        for _ in range(draws):
            tensors = []
            single = draw.choice([None, None, *floating]) if getattr(operation, "broadcasts", False) else None
            for i, tensor in enumerate(given):
                if i in floating:
                    tensor = tensor.to(draw.choice(DTYPES))
                if i == single and tensor.numel():
                    tensor = tensor.reshape(-1)[0]
                tensors.append(pb.tensor(tensor.tolist(), dtype=tensor.dtype).reshape(tensor.shape))
            yield sample.args, sample.kwargs, tensors, floating


def _run(name: str, args: Any, kwargs: dict[str, Any], tensors: list[Any]) -> list[Any]:
    taken = iter(tensors)
    arguments = _with_tensors(list(args), taken)
    result = registry[name].call(*arguments, **{k: _with_tensors(v, taken) for k, v in kwargs.items()})
    return tensors_of([result])


@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_gradients_and_tangents_of_mixed_dtypes(backend: str, bounded_memory: Callable[[], None]) -> None:
    ran = 0
    with pb.use_backend(backend):
        for name in _mixed_operations():
            bounded_memory()
            for args, kwargs, tensors, floating in _calls(name, *SAMPLES[backend]):
                leaves = [tensors[i].requires_grad_() for i in floating]
                try:
                    results = [result for result in _run(name, args, kwargs, tensors) if result.requires_grad]
                except (RuntimeError, NotImplementedError, TypeError):
                    continue  # it refuses these dtypes together, as PyTorch does
                if not results:
                    continue
                ran += 1
                grads = pb.autograd.grad(results, leaves, [pb.ones_like(r) for r in results], allow_unused=True)
                for leaf, grad in zip(leaves, grads, strict=True):
                    assert grad is None or grad.dtype is leaf.dtype, (name, [t.dtype for t in tensors])
                    assert grad is None or grad.shape == leaf.shape, (name, [t.dtype for t in tensors])
                constants = [tensor.detach() for tensor in tensors]
                for i in floating:
                    with forward_ad.dual_level():
                        dual = forward_ad.make_dual(constants[i], pb.ones_like(constants[i]))
                        for result in _run(name, args, kwargs, [*constants[:i], dual, *constants[i + 1 :]]):
                            primal, tangent = forward_ad.unpack_dual(result)
                            assert tangent is None or tangent.dtype is primal.dtype, name
    assert ran > len(_mixed_operations()) // 2  # the others refuse what was drawn, or record nothing


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_weight_of_another_dtype_leaves_the_gradients_dtype_alone(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.tensor([0.5, -1.0], dtype=pb.float16, requires_grad=True)
        weight = pb.tensor([2.0, 3.0], dtype=pb.bfloat16)
        target = pb.tensor([0.0, 1.0], dtype=pb.float16)
        pb.nn.functional.binary_cross_entropy_with_logits(x, target, weight, reduction="sum").backward()
        assert x.grad.dtype is pb.float16
