"""A user's :class:`~pullback.autograd.Function` under function transforms: applied to tensors of a level.

On the level it is a node like any other, whose ``backward`` runs on the level's tensors. What it computes of the
tensors that those wrap is recorded beneath by itself: by the Function's own ``vmap``, or by one generated from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pullback.autograd.function import Function, FunctionCtx
from pullback.autograd.function_forward import arguments_by_position, finish
from pullback.autograd.function_tangents import propagate_tangents
from pullback.batching.levels import Level, LevelArray
from pullback.batching.rules import repeated_front
from pullback.process.blocks import Block, Setting
from pullback.tensor import Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.levels import LEVELS, innermost, levels, lift_to_innermost
from pullback.tensor.modes import FORWARD, MODE, NO_GRAD, entered, left, mode
from pullback.tensor.seams import NO_LEVEL, seams
from pullback.tensor.trees import described

_MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"


class VmapInfo(NamedTuple):
    """What a Function's ``vmap`` is told: how many examples there are, and how random numbers are drawn."""

    batch_size: int
    randomness: str


def level_of_arguments(args: Sequence[Any]) -> Level | None:
    """The highest level among the arguments; None where all are plain."""
    number = max((a.backend.level for a in args if isinstance(a, Tensor)), default=0)
    return levels()[number - 1] if number else None


class _beneath(Block):
    """Inside, the level and those in it are not active."""

    def __init__(self, level: Level) -> None:
        self.level = level

    def _settings_inside(self) -> Sequence[Setting]:
        return ((LEVELS, levels()[: self.level.number - 1]),)


def apply_at_level(function: type[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``function.apply`` does at the level of its arguments; ``NO_LEVEL`` where they are of none.

    Raises
    ------
    RuntimeError
        For a Function that cannot be transformed: without ``setup_context``, or, where its arguments are mapped,
        without a ``vmap`` of its own or ``generate_vmap_rule = True``.
    """
    level = level_of_arguments(args)
    if level is None:
        return NO_LEVEL
    if function.setup_context is Function.setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must"
            f" override the setup_context staticmethod. {_MORE}"
        )
    args = arguments_by_position(function.forward, True, args, kwargs)
    args = tuple(level.lift(a) if isinstance(a, Tensor) else a for a in args)
    values = [a.array.value if isinstance(a, Tensor) else a for a in args]
    dims = tuple(a.array.batch_dim if isinstance(a, Tensor) else None for a in args)
    if all(d is None for d in dims):
        with _beneath(level):
            output = function.apply(*values)
        places: Any = None
    else:
        output, places = _mapped(function, level, values, dims)
    several = isinstance(output, tuple | list)
    given = list(output) if several else [output]
    spread = places if isinstance(places, list | tuple) else [places] * len(given)
    wrapped = [level.wrap(o, d) if isinstance(o, Tensor) else o for o, d in zip(given, spread, strict=True)]
    active = mode()
    context = function._own_classes()[1]()
    edges = [edge_of(a) if isinstance(a, Tensor) and not active & NO_GRAD else None for a in args]
    context.needs_input_grad = tuple(e is not None for e in edges)
    mode_before = mode()
    try:
        MODE.set(left(entered(active, NO_GRAD), FORWARD))
        function.setup_context(context, args, tuple(wrapped) if several else wrapped[0])
    finally:
        MODE.set(mode_before)
    dirty, non_differentiable = context.dirty_tensors or (), context.non_differentiable or ()
    outputs = finish(function, context, args, edges, wrapped, dirty, non_differentiable)
    if active & FORWARD:
        propagate_tangents(function, context, args, outputs, outputs)
    context.saved_for_forward = None
    return tuple(outputs) if several else outputs[0]


def _mapped(function: type[Any], level: Level, values: list[Any], dims: tuple[int | None, ...]) -> tuple[Any, Any]:
    """The outputs on the wrapped tensors, and where their mapped dimensions are."""
    own = function.vmap is not Function.vmap
    name = function.__name__
    if function.generate_vmap_rule and own:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it has both generate_vmap_rule=True and an overridden vmap"
            " staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid"
            f" ambiguity. {_MORE}"
        )
    if not own and not function.generate_vmap_rule:
        raise RuntimeError(
            f"You tried to vmap over {name}, but it does not have vmap support. Please override and implement the vmap"
            f" staticmethod or set generate_vmap_rule=True. {_MORE}"
        )
    assert level.batch_size is not None
    info = VmapInfo(level.batch_size, level.randomness)
    with _beneath(level):
        if not own:
            return _generated(function, info, dims).apply(*values), 0
        result = function.vmap(info, dims, *values)
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure"
            f" compatible with the output. Got a {type(result)} instead"
        )
    output, places = result
    several = isinstance(output, tuple | list)
    if isinstance(places, tuple | list) and (not several or len(places) != len(output)):
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected"
            f" out_dims={places} to be compatible with the structure of `output`. out_dims has structure"
            f" {described(places)} but output has structure {described(output)}. {_MORE}"
        )
    return output, places


def _generated(function: type[Any], info: VmapInfo, dims: tuple[int | None, ...]) -> type[Function]:
    """The Function of all examples at once whose methods run those of ``function`` on tensors of a level."""

    def mapped(call: Callable[..., Any], given: Sequence[Any], places: Sequence[int | None]) -> list[Any]:
        """The results of ``call``, each with the examples first; None stays None."""
        with Level(*info) as level:
            inside = [level.wrap(v, d) if isinstance(v, Tensor) else v for v, d in zip(given, places, strict=True)]
            result = call(*inside)
            results = list(result) if isinstance(result, tuple | list) else [result]
            return [_examples_first(level, r) for r in results]

    class Vmapped(Function):
        several = False
        generate_vmap_rule = True

        @staticmethod
        def forward(*values: Any) -> Any:
            def call(*inside: Any) -> Any:
                result = function.forward(*inside)
                Vmapped.several = isinstance(result, tuple | list)
                return result

            results = mapped(call, values, dims)
            return tuple(results) if Vmapped.several else results[0]

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            inner = FunctionCtx()
            inner.needs_input_grad = ctx.needs_input_grad
            outputs = output if isinstance(output, tuple) else (output,)

            def call(*inside: Any) -> Any:
                own = inside[: len(inputs)]
                made = inside[len(inputs) :]
                function.setup_context(inner, own, made if isinstance(output, tuple) else made[0])
                same = {id(w): o for w, o in zip(inside, (*inputs, *outputs), strict=True)}
                for kept, saved in ((ctx.kept, inner.to_save), (ctx.kept_for_forward, inner.saved_for_forward)):
                    kept += [(same.get(id(t), v), d) for t in saved or () for v, d in (_unwrapped(t),)]
                inner.to_save = inner.saved_for_forward = None  # results among them would keep their own node
                ctx.attributes = {n: _unwrapped(v) for n, v in vars(inner).items() if isinstance(v, Tensor)}
                return ()

            ctx.kept, ctx.kept_for_forward = [], []
            mapped(call, (*inputs, *outputs), (*dims, *(0 for _ in outputs)))
            ctx.save_for_backward(*(value for value, _ in ctx.kept))
            ctx.save_for_forward(*(value for value, _ in ctx.kept_for_forward))
            ctx.places, ctx.places_for_forward = [d for _, d in ctx.kept], [d for _, d in ctx.kept_for_forward]
            ctx.inner = inner
            ctx.set_materialize_grads(inner.materialize_grads)
            del ctx.kept, ctx.kept_for_forward

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            saved = ctx.saved_tensors

            def call(*inside: Any) -> Any:
                _restore_attributes(ctx)
                ctx.inner.saved_for_forward = inside[: len(saved)]
                try:
                    return function._backward_or_vjp()(ctx.inner, *inside[len(saved) :])
                finally:
                    ctx.inner.saved_for_forward = None

            given = mapped(call, (*saved, *grads), (*ctx.places, *(0 for _ in grads)))
            return tuple(_as_input(g, d) for g, d in zip(given, dims, strict=False))

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            saved = ctx.saved_for_forward or ()

            def call(*inside: Any) -> Any:
                _restore_attributes(ctx)
                ctx.inner.saved_for_forward = inside[: len(saved)]
                try:
                    return function.jvp(ctx.inner, *inside[len(saved) :])
                finally:
                    ctx.inner.saved_for_forward = None

            results = mapped(call, (*saved, *tangents), (*ctx.places_for_forward, *dims))
            return tuple(results) if Vmapped.several else results[0]

    Vmapped.__name__ = f"Vmapped{function.__name__}"
    return Vmapped


def _restore_attributes(ctx: Any) -> None:
    """Let the tensors that a Function has set as attributes of its context be those of the level entered last."""
    level = innermost()
    assert level is not None
    for name, (value, dim) in ctx.attributes.items():
        setattr(ctx.inner, name, level.wrap(value, dim))


def _unwrapped(tensor: Any) -> tuple[Any, int | None]:
    """What a tensor of the level entered last wraps, and which dimension of that is mapped; None stays None."""
    if not isinstance(tensor, Tensor):
        return tensor, None
    array: LevelArray = lift_to_innermost(tensor).array
    return array.value, array.batch_dim


def _examples_first(level: Level, result: Any) -> Any:
    """A result with the mapped dimension first."""
    if not isinstance(result, Tensor):
        return result
    assert level.batch_size is not None
    lifted = level.lift(result)
    return repeated_front(lifted.array.value, lifted.array.batch_dim, level.batch_size)


def _as_input(gradient: Any, dim: int | None) -> Any:
    """A gradient with the examples first, as the argument has them: there, or summed where they share it."""
    if not isinstance(gradient, Tensor):
        return gradient
    return gradient.sum(0) if dim is None else gradient.movedim(0, dim)


seams.apply_at_level = apply_at_level
