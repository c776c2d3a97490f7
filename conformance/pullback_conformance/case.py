"""One operation with one sample of arguments in one dtype, and how to run it on a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from pullback import autograd
from pullback.autograd import forward_ad
from pullback.extend import Backend, Composite, DType, Operation, Tensor, use_backend
from pullback.random import Generator
from pullback_conformance.moving import mapped, moved, tensors_in, to_numpy, widened
from pullback_conformance.samples import Arguments, seed_of

#: The most elements of the operands of a sample that is differentiated.
MOST_DIFFERENTIATED: Final = 64


class Call:
    """A call with its tensors on one backend.

    Attributes
    ----------
    tensors : list of Tensor
        Every tensor among the arguments, in order.
    chosen : list of int
        Which of them are differentiated.
    """

    def __init__(
        self,
        operation: Operation | Composite,
        backend: Backend,
        arguments: Arguments,
        move: Callable[[Tensor], Tensor],
        move_index: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.operation = operation
        self.backend = backend
        self.args: tuple[Any, ...] = mapped(arguments.args, move, move_index)
        self.kwargs: dict[str, Any] = mapped(arguments.kwargs, move, move_index)
        self.tensors = tensors_in((self.args, self.kwargs))
        self.chosen = _differentiated(operation, self.args, self.kwargs)

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that are differentiated."""
        return [self.tensors[i] for i in self.chosen]

    def run(self, replaced: dict[int, Tensor] | None = None) -> list[Any]:
        """The results, several flattened to a list; with some of the tensors replaced, by position."""
        args, kwargs = self.args, self.kwargs
        if replaced:
            position = iter(range(len(self.tensors)))

            def replace(tensor: Tensor) -> Tensor:
                return replaced.get(next(position), tensor)

            args, kwargs = mapped((args, kwargs), replace)
        kwargs = {k: _restarted(v) for k, v in kwargs.items()}
        with use_backend(self.backend):
            result = self.operation.call(*args, **kwargs)
        return flattened(result)

    def require_gradients(self) -> None:
        """Make the differentiated tensors leaves that require gradients."""
        for tensor in self.inputs:
            tensor.requires_grad_(True)

    def vjp(self, cotangents: Sequence[Any], *, create_graph: bool = False) -> tuple[list[Tensor], list[Any]]:
        """The cotangents as tensors, and the gradient for each input (None where there is none)."""
        self.require_gradients()
        with use_backend(self.backend):
            outputs = [o for o in self.run() if is_inexact(o)]
            pairs = [(o, self.like(v, o)) for o, v in zip(outputs, cotangents, strict=True)]
            given = [v.requires_grad_(True) if create_graph else v for _, v in pairs]
            recorded = [(o, v) for o, v in pairs if o.requires_grad]
            if not recorded:
                return given, [None] * len(self.inputs)
            grads = autograd.grad(
                [o for o, _ in recorded],
                self.inputs,
                [v for _, v in recorded],
                allow_unused=True,
                create_graph=create_graph,
            )
        return given, list(grads)

    def jvp(self, tangents: Sequence[Any]) -> list[Any]:
        """The tangent of each inexact result (None where there is none)."""
        with use_backend(self.backend), forward_ad.dual_level():
            duals = {
                i: forward_ad.make_dual(self.tensors[i], self.like(t, self.tensors[i]))
                for i, t in zip(self.chosen, tangents, strict=True)
            }
            outputs = [o for o in self.run(duals) if is_inexact(o)]
            return [forward_ad.unpack_dual(o).tangent for o in outputs]

    def second(self, cotangents: Sequence[Any], directions: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The gradient of ``<directions, vjp(cotangents)>`` with respect to the inputs and to the cotangents."""
        given, first = self.vjp(cotangents, create_graph=True)
        pairs = [
            (g, self.like(w, g)) for g, w in zip(first, directions, strict=True) if g is not None and g.requires_grad
        ]
        if not pairs:
            return [None] * len(self.inputs), [None] * len(given)
        with use_backend(self.backend):
            grads = autograd.grad(
                [g for g, _ in pairs], [*self.inputs, *given], [w for _, w in pairs], allow_unused=True
            )
        return list(grads[: len(self.inputs)]), list(grads[len(self.inputs) :])

    def like(self, values: Any, tensor: Tensor) -> Tensor:
        """A new tensor of those values, in the dtype of another one."""
        native = np.asarray(values) if tensor.dtype.is_complex else np.asarray(values).real
        return Tensor._wrap(self.backend.from_data(native, tensor.dtype, None), self.backend)


def _restarted(value: Any) -> Any:
    """A generator at the beginning of its stream in the place of one that may have been used; others as they are."""
    return Generator().manual_seed(value.initial_seed()) if isinstance(value, Generator) else value


def flattened(result: Any) -> list[Any]:
    """Results as a list: a tuple of tensors (or lists of them) flattened, anything else alone."""
    if isinstance(result, tuple | list):
        return [item for part in result for item in flattened(part)]
    return [result]


def is_inexact(value: Any) -> bool:
    """Whether a result is a floating or complex tensor."""
    return isinstance(value, Tensor) and value.dtype.category >= 2


def _differentiated(operation: Operation | Composite, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int]:
    names: list[str] = []
    if isinstance(operation, Operation):
        parameters = (*operation.operands, *operation.attributes)
        named = [*zip(parameters, args, strict=False), *kwargs.items()]
        for name, value in named:
            names += [name] * len(tensors_in(value))
        wanted = set(operation.differentiable)
        flags = [n in wanted for n in names]
    else:
        flags = [True] * len(tensors_in((args, kwargs)))
    tensors = tensors_in((args, kwargs))
    return [i for i, (t, f) in enumerate(zip(tensors, flags, strict=True)) if f and t.dtype.category >= 2]


class Case:
    """An operation, a sample of its arguments and a dtype.

    Attributes
    ----------
    subject : Backend
        The backend under test.
    reference : Backend
        The one it is held against.
    differentiate : bool
        Whether derivatives are wanted on the backend under test.
    others : sequence of Backend
        Further ones it is held against, by the check ``others`` alone.
    """

    def __init__(
        self,
        operation: Operation | Composite,
        dtype: DType,
        arguments: Arguments,
        subject: Backend,
        reference: Backend,
        seed: int = 0,
        *,
        differentiate: bool = True,
        others: Sequence[Backend] = (),
    ) -> None:
        self.others = others
        self.differentiate = differentiate
        self.operation = operation
        self.dtype = dtype
        self.arguments = arguments
        self.label = arguments.label
        self.subject = subject
        self.reference = reference
        self.seed = seed

    def on(self, backend: Backend) -> Call:
        """A new call with the arguments moved to that backend."""
        return Call(self.operation, backend, self.arguments, lambda tensor: moved(tensor, backend))

    @cached_property
    def is_self_comparison(self) -> bool:
        """Whether the reference is the backend under test, and so no oracle."""
        return self.subject is self.reference or (
            type(self.subject) is type(self.reference) and self.subject.name == self.reference.name
        )

    @property
    def divides_by_zero(self) -> bool:
        """Whether an operand that the declaration calls a divisor of integers has a zero."""
        operation = self.operation
        if not isinstance(operation, Operation) or self.dtype.category > 1 or operation.integers.divisor is None:
            return False
        given = dict(zip(operation.operands, self.arguments.args, strict=False)) | self.arguments.kwargs
        divisor = given.get(operation.integers.divisor)
        return bool(np.any(np.asarray(divisor.array if isinstance(divisor, Tensor) else divisor) == 0))

    @cached_property
    def oracle(self) -> Any:
        """Where the right answers to this case come from."""
        from pullback_conformance.oracles.exact import Oracle

        return Oracle(self)

    @cached_property
    def has_gradients(self) -> bool:
        """Whether the sample is to be differentiated: it has operands for that, and is small enough."""
        if not self.differentiate:
            return False
        return self.could_have_gradients

    @cached_property
    def could_have_gradients(self) -> bool:
        """Whether there is anything to differentiate."""
        if self.dtype.category < 2 or self.operation.nondifferentiable is not None or self.arguments.values_only:
            return False
        tensors = tensors_in((self.arguments.args, self.arguments.kwargs))
        chosen = _differentiated(self.operation, self.arguments.args, self.arguments.kwargs)
        return bool(chosen) and sum(tensors[i].numel() for i in chosen) <= MOST_DIFFERENTIATED

    def directions(self, shapes: Sequence[tuple[int, ...]], purpose: int, *, is_complex: bool = False) -> list[Any]:
        """Vectors to differentiate along: multiples of 1/16 from a half to one and a half, which every dtype holds."""
        random = np.random.default_rng(
            seed_of(f"{self.operation.name}/{purpose}", self.arguments.number, self.dtype, self.seed)
        )

        def draw(shape: tuple[int, ...]) -> Any:
            return random.integers(8, 25, shape) / 16.0 * random.choice([-1.0, 1.0], shape)

        return [draw(s) + 1j * draw(s) if is_complex else draw(s) for s in shapes]


def wide_array(value: Any) -> Any:
    """A result, tensor or None, as a NumPy array in the longest type; None stays."""
    return None if value is None else widened(to_numpy(value))
