"""Derivatives of functions: ``grad``, ``vjp`` and ``jvp``, which nest, and work inside and outside of ``vmap``."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from pullback.autograd.engine import ones_of, run_backward
from pullback.autograd.forward_ad import forward_level, is_active_at, make_dual, set_tangent, unpack_dual
from pullback.backend.selection import current_backend, use_backend
from pullback.batching.levels import Level
from pullback.process.blocks import Block, Setting
from pullback.tensor import LEAF, Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.levels import (
    RECORDED_BENEATH,
    WRITTEN,
    in_transform,
    innermost,
    lift_to_innermost,
    requires_grad_beneath,
)
from pullback.tensor.modes import INFERENCE, MODE, NO_GRAD, left, mode
from pullback.tensor.node import Node, start_node
from pullback.tensor.rebasing import forget_history
from pullback.tensor.trees import described, flatten, outlined, tensors_or_raise, unflatten
from pullback.tensor.views import attach_detached

# -- inputs and outputs of a function being differentiated -------------------------------------------------------------


class TransformedInput(Node):
    """Where the graph of a transformed function begins, at a tensor that has a history outside of it."""

    __slots__ = ()
    begins = True

    def apply(self, grad: Tensor) -> tuple[Tensor | None, ...]:
        return (grad,)


def _begin(tensor: Any, recording: bool) -> Tensor:
    """A tensor as the beginning of a graph of its own; ``recording`` says that it keeps the history it has."""
    if not isinstance(tensor, Tensor):
        raise ValueError(f"Thing passed to transform API must be Tensor, got {type(tensor)}")
    if tensor.dtype.category < 2:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    tensor = lift_to_innermost(tensor)
    fresh = _another(tensor)
    edge = edge_of(tensor) if recording else None
    if edge is None:
        fresh.edge = LEAF
    else:
        fresh.edge = start_node(TransformedInput(), (edge,))
    return fresh


def _another(tensor: Tensor) -> Tensor:
    """The same elements in the same memory with the same tangent, without a history."""
    out = Tensor._wrap(tensor.array, tensor.backend)
    attach_detached(out, tensor, shares_version=True)
    if tensor._tangent is not None:
        set_tangent(out, tensor._tangent)
    return out


def _has_outer_history(edges: Sequence[Any], begun: frozenset[Any]) -> bool:
    """Whether a graph leads to anything but the inputs in ``begun``, or beyond one of those."""
    stack = [e for e in edges if e is not None]
    seen = set(stack)
    while stack:
        edge: Any = stack.pop()
        if edge in begun:
            if not edge.accumulates and edge.edges[0] is not None:
                return True
            continue
        if edge.accumulates:
            return True
        for target in edge.edges:
            if target is not None and target not in seen:
                seen.add(target)
                stack.append(target)
    return False


def end(tensor: Tensor, begun: frozenset[Any], recording: bool) -> Tensor:
    """A result as those outside should see it: with a history only if that leads outside."""
    edge = edge_of(tensor)
    if edge is None or (recording and _has_outer_history([edge], begun)):
        return tensor
    return _another(tensor)


class recorded(Block):
    """Record a graph inside, in whatever mode the transform is called: nobody outside sees it."""

    def _settings_inside(self) -> Sequence[Setting]:
        return ((MODE, left(mode(), NO_GRAD | INFERENCE)),)


class _no_history_left(Block):
    """Take the history that ends here from the tensors that the function has written in place and that live on.

    So what it writes into a tensor from outside is, outside, elements alone.
    """

    def __init__(self, begun: Sequence[Tensor], recording: bool) -> None:
        self.begun = begun
        self.recording = recording
        self.noted: list[Any] = []

    def _settings_inside(self) -> Sequence[Setting]:
        return ((WRITTEN, self.noted),)

    def _put_back(self, before: Sequence[Setting]) -> None:
        super()._put_back(before)
        outer = WRITTEN.get()
        inputs = frozenset(edge_of(t) for t in self.begun)
        for reference in self.noted:
            tensor = reference()
            if tensor is None or tensor.edge is None:
                continue
            if not (self.recording and _has_outer_history([edge_of(tensor)], inputs)):
                forget_history(tensor)
            elif outer is not None:
                outer.append(reference)


class recorded_as_outside(Block):
    """Leave inference mode, in which tensors have no tangents, and record no more than it does."""

    def _settings_inside(self) -> Sequence[Setting]:
        return ((MODE, left(mode(), INFERENCE)),)


def pull_back(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    inputs: Sequence[Tensor],
    *,
    recording: bool,
    keep_graph: bool,
    also_begun: frozenset[Any] = frozenset(),
) -> list[Tensor]:
    """The gradients of the inputs, zeros where no output depends on one; differentiable as far as that is of use.

    ``also_begun`` is where else the graph begins.
    """
    edges: list[Any] = [edge_of(t) for t in inputs]
    begun = also_begun.union(edges)
    roots = [(e, c) for o, c in zip(outputs, cotangents, strict=True) if (e := edge_of(o)) is not None]
    outer = recording and (
        any(requires_grad_beneath(c) for _, c in roots) or _has_outer_history([e for e, _ in roots], begun)
    )
    # What the tensors of a level wrap may have a history outside, so there the pass is recorded in any case.
    level = max((o.backend.level for o in outputs), default=0)
    before = RECORDED_BENEATH.get()
    try:
        if recording and level:
            RECORDED_BENEATH.set(before | {level})
        found = run_backward(roots, keep_graph=keep_graph or outer, create_graph=outer, capture=edges)
    finally:
        RECORDED_BENEATH.set(before)
    return [found[e] if e in found else _zeros(t) for e, t in zip(edges, inputs, strict=True)]


def _zeros(tensor: Tensor) -> Tensor:
    made: Tensor = tensor.new_zeros(tensor.shape)
    return made


# -- which arguments --------------------------------------------------------------------------------------------------


def checked_argnums(argnums: Any, count: int) -> tuple[int, ...]:
    """The positions of the arguments to differentiate by, counted from the front."""
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    given = argnums if isinstance(argnums, tuple) else (argnums,)
    if isinstance(argnums, tuple) and not argnums:
        raise RuntimeError("argnums must be non-empty")
    positions = []
    for number in given:
        if not isinstance(number, int):
            raise RuntimeError(f"argnum must be int, got: {type(number)}")
        if not -count <= number < count:
            raise RuntimeError(f"Got argnum={number}, but only {count} positional inputs")
        positions.append(number % count)
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(positions)}")
    return tuple(positions)


def _replaced(args: Sequence[Any], positions: Sequence[int], values: Sequence[Any]) -> list[Any]:
    replaced = list(args)
    for position, value in zip(positions, values, strict=True):
        replaced[position] = value
    return replaced


# -- grad -------------------------------------------------------------------------------------------------------------


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of ``func``, which returns a tensor of one element without dimensions.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int
        The positional arguments to differentiate by.
    has_aux : bool
        Whether ``func`` returns a second thing, not to be differentiated, which then comes back with the gradient.

    Returns
    -------
    callable
        Takes what ``func`` takes. Its result has the structure of the argument, or is a tuple for several arguments.

    Raises
    ------
    RuntimeError
        When it is called, if ``func`` returns something else, or an argument's dtype has no gradient.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.func.grad(lambda x: x ** 3)(pb.tensor(2.))
    tensor(12.)
    >>> pb.func.grad(pb.func.grad(lambda x: x ** 3))(pb.tensor(2.))
    tensor(12.)
    >>> pb.vmap(pb.func.grad(lambda x: (x ** 2).sum()))(pb.tensor([[1., 2.], [3., 4.]]))
    tensor([[2., 4.],
            [6., 8.]])
    """

    @functools.wraps(func, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = _grad_and_value(func, argnums, has_aux, args, kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """As :func:`grad`, but the function's value comes back too, after the gradient.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.func.grad_and_value(lambda x: x ** 3)(pb.tensor(2.))
    (tensor(12.), tensor(8.))
    """

    @functools.wraps(func, updated=())
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        return _grad_and_value(func, argnums, has_aux, args, kwargs)

    return gradient_and_value


def _grad_and_value(
    func: Callable[..., Any], argnums: Any, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    positions = checked_argnums(argnums, len(args))
    recording = not mode() & NO_GRAD
    chosen: Any = args[positions[0]] if isinstance(argnums, int) else tuple(args[p] for p in positions)
    leaves, structure = flatten(chosen)
    begun: list[Tensor] = []
    with recorded(), _no_history_left(begun, recording):
        begun += [_begin(leaf, recording) for leaf in leaves]
        fresh = unflatten(structure, begun)
        inside = _replaced(args, positions, (fresh,) if isinstance(argnums, int) else fresh)
        output = in_transform(func, *inside, **kwargs)
        aux = None
        if has_aux:
            if not isinstance(output, tuple) or len(output) != 2:
                raise RuntimeError(
                    "grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            output, aux = output
        if not isinstance(output, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
        if output.ndim:
            raise RuntimeError(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with"
                f" {output.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        output = lift_to_innermost(output)
        if output.edge is not None:
            _check_real(output)
        inputs = frozenset(edge_of(t) for t in begun)
        ended_aux = _ended_tree(aux, inputs, recording) if has_aux else None
        value = end(output, inputs, recording)
        gradients = pull_back([output], [ones_of(output)], begun, recording=recording, keep_graph=has_aux)
    found = unflatten(structure, gradients)
    return found, ((value, ended_aux) if has_aux else value)


_UNSUPPORTED = "Expected tensors, got unsupported type"


def _check_results(leaves: Sequence[Any], called: str) -> None:
    """Refuse what a function returns that is to be differentiated, where it is nothing or not tensors alone."""
    if not leaves or list(map(type, leaves)) == [type(None)]:
        raise RuntimeError(f"{called}: Expected f to be a function that has non-empty output (got output = {leaves})")
    tensors_or_raise(leaves, f"{called}: expected f(*primals) to return only tensors, got unsupported type")


def _ended_tree(tree: Any, begun: frozenset[Any], recording: bool) -> Any:
    leaves, structure = flatten(tree)
    tensors_or_raise(leaves, _UNSUPPORTED)
    return unflatten(structure, [end(leaf, begun, recording) for leaf in leaves])


# -- vjp --------------------------------------------------------------------------------------------------------------


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of ``func``, and a function that multiplies cotangents with its Jacobian.

    Parameters
    ----------
    func : callable
        Takes the primals, and returns tensors in any structure.
    *primals
        Tensors, or structures of them.
    has_aux : bool
        Whether ``func`` returns a second thing that is not to be differentiated, which then comes back last.

    Returns
    -------
    (output, vjp_fn) or (output, vjp_fn, aux)
        ``vjp_fn`` takes cotangents in the structure of the output and returns a tuple, one for each primal.

    Raises
    ------
    RuntimeError
        If the function returns something else than tensors, or the cotangents do not fit them.

    Examples
    --------
    >>> import pullback as pb
    >>> output, vjp_fn = pb.func.vjp(lambda x: x * x, pb.tensor([1., 2.]))
    >>> vjp_fn(pb.tensor([1., 10.]))
    (tensor([ 2., 40.]),)
    """
    output, pull, aux, _ = vjp_with(func, primals, has_aux)
    return (output, pull, aux) if has_aux else (output, pull)


def vjp_with(
    func: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool, argnums: Any = None
) -> tuple[Any, Callable[..., Any], Any, frozenset[Any]]:
    """As :func:`vjp`, by some of the arguments; the third result is None without ``has_aux``.

    The last is where the graph of the function begins.
    """
    recording = not mode() & NO_GRAD
    if argnums is None:
        chosen: Any = primals
    else:
        positions = checked_argnums(argnums, len(primals))
        chosen = primals[positions[0]] if isinstance(argnums, int) else tuple(primals[p] for p in positions)
    leaves, structure = flatten(chosen)
    with recorded():
        begun = [_begin(leaf, recording) for leaf in leaves]
        fresh = unflatten(structure, begun)
        if argnums is None:
            inside = list(fresh)
        else:
            inside = _replaced(primals, positions, (fresh,) if isinstance(argnums, int) else fresh)
        output = in_transform(func, *inside)
        aux = None
        if has_aux:
            if not isinstance(output, tuple) or len(output) != 2:
                raise RuntimeError(
                    "vjp(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            output, aux = output
        made, output_structure = flatten(output)
        _check_results(made, "vjp(f, *primals)")
        for leaf in made:
            if leaf.dtype.category < 2:
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype"
                    f" {leaf.dtype}"
                )
        results = [lift_to_innermost(leaf) for leaf in made]
        inputs = frozenset(edge_of(t) for t in begun)
        ended = [end(leaf, inputs, recording) for leaf in results]
        ended_aux = _ended_tree(aux, inputs, recording) if has_aux else None

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, given_structure = flatten(cotangents)
        if given_structure != output_structure:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function."
                f" cotangents: {outlined(cotangents)}, primal output: {outlined(output)}"
            )
        again = not mode() & NO_GRAD if create_graph is None else create_graph
        roots = [_cotangent(number, g, r) for number, (g, r) in enumerate(zip(given, results, strict=True))]
        with recorded():
            gradients = pull_back(results, roots, begun, recording=again, keep_graph=retain_graph)
        return unflatten(structure, gradients)

    return unflatten(output_structure, ended), pull, ended_aux, inputs


def _check_real(output: Tensor) -> None:
    if output.dtype.is_complex:
        raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {output.dtype}")


def _cotangent(number: int, cotangent: Any, output: Tensor) -> Tensor:
    """A cotangent, checked, as the gradient a pass begins with; None stands for the number one."""
    if cotangent is None:
        if math.prod(output.array.shape) != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        _check_real(output)
        return ones_of(output)
    if not isinstance(cotangent, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(cotangent).__name__}")
    if tuple(cotangent.array.shape) != tuple(output.array.shape):
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{number}] has a shape of {cotangent.shape} and output[{number}] has a"
            f" shape of {output.shape}."
        )
    if cotangent.dtype.is_complex is not output.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype:"
            f" grad_output[{number}] has a dtype of {cotangent.dtype} and output[{number}] has a dtype of"
            f" {output.dtype}."
        )
    given: Tensor = cotangent
    if given.backend.level < output.backend.level:
        given = lift_to_innermost(given)
    return given if given.dtype is output.dtype else given.to(output.dtype)


# -- jvp --------------------------------------------------------------------------------------------------------------


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of ``func``, and the product of its Jacobian with tangents, in one forward pass.

    Parameters
    ----------
    func : callable
        Takes the primals, and returns tensors in any structure.
    primals : tuple
        Tensors, or structures of them.
    tangents : tuple
        Of the structure and shapes of the primals.
    strict : bool
        Raise where a result does not depend on the primals, instead of giving zeros.
    has_aux : bool
        Whether ``func`` returns a second thing that is not to be differentiated, which then comes back last.

    Returns
    -------
    (output, tangents) or (output, tangents, aux)

    Raises
    ------
    RuntimeError
        If primals and tangents do not fit, or the function returns something else than tensors.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.func.jvp(lambda x: x * x, (pb.tensor([1., 2.]),), (pb.tensor([1., 10.]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    return jvp_with(func, primals, tangents, strict, has_aux)


def jvp_with(
    func: Callable[..., Any], primals: Any, tangents: Any, strict: bool, has_aux: bool, argnums: Any = None
) -> tuple[Any, ...]:
    """As :func:`jvp`, by some of the arguments."""
    called = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{called}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    positions = None if argnums is None else checked_argnums(argnums, len(primals))
    chosen: Any = primals
    if positions is not None:
        chosen = (primals[positions[0]],) if isinstance(argnums, int) else tuple(primals[p] for p in positions)
    values, structure = flatten(chosen)
    directions, given_structure = flatten(tangents)
    if structure != given_structure:
        raise RuntimeError(
            f"{called}: Expected primals and tangents to have the same python structure. For example, if primals is a"
            f" tuple of 3 tensors, tangents also must be. Got primals with structure {described(chosen)} and tangents"
            f" with structure {described(tangents)}"
        )
    if not values:
        raise RuntimeError(f"{called}: Expected primals to contain at least one Tensor.")
    for what, leaves in (("primals", values), ("tangents", directions)):
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise RuntimeError(f"{called}: Expected {what} to only contain Tensors, got {type(leaf)}")

    current = innermost()
    number = 0 if current is None else current.number
    if is_active_at(number):  # the tensors of this level carry tangents of another pass already
        with Level() as own, use_backend(own.backend_over(current_backend())):  # what is made inside is of the level
            return _unwrapped_all(
                own,
                _jvp(
                    func, primals, values, directions, structure, positions, strict, has_aux, forward_level, make_dual
                ),
            )
    return _jvp(func, primals, values, directions, structure, positions, strict, has_aux, forward_level, make_dual)


def _jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    values: list[Tensor],
    directions: list[Tensor],
    structure: Any,
    positions: tuple[int, ...] | None,
    strict: bool,
    has_aux: bool,
    forward_level: Any,
    make_dual: Any,
) -> tuple[Any, ...]:
    with recorded_as_outside(), forward_level():
        duals = []
        for value, direction in zip(values, directions, strict=True):
            value, direction = lift_to_innermost(value), lift_to_innermost(direction)
            for what, one in (("primal", value), ("tangent", direction)):
                if one.dtype.category < 2:
                    raise ValueError(f"Expected {what} to be floating point or complex, but got: {one.dtype}")
            if value.array.shape != direction.array.shape:
                raise RuntimeError(
                    "Trying to set a forward gradient that has a different size than that of the original Tensor, this"
                    f" is not supported. Tensor is of size {list(value.shape)} while the given forward gradient is of"
                    f" size {list(direction.shape)}."
                )
            if direction.dtype is not value.dtype:
                direction = direction.to(value.dtype)
            duals.append(make_dual(value, direction))
        fresh = unflatten(structure, duals)
        inside = list(fresh) if positions is None else _replaced(primals, positions, fresh)
        output = in_transform(func, *inside)
        aux: Any = None
        if has_aux:
            if not isinstance(output, tuple) or len(output) != 2:
                raise RuntimeError(
                    "jvp(f, primals, tangents): output of function f should be a tuple: (output, aux) if has_aux is"
                    " True"
                )
            output, aux = output
            kept, aux_structure = flatten(aux)
            tensors_or_raise(kept, _UNSUPPORTED)
            aux = unflatten(aux_structure, [unpack_dual(a).primal for a in kept])
        leaves, output_structure = flatten(output)
        _check_results(leaves, "jvp(f, primals, tangents)")
        outputs, tangents = [], []
        for leaf in leaves:
            primal, tangent = unpack_dual(leaf) if leaf.backend.level == duals[0].backend.level else (leaf, None)
            if tangent is None:
                if strict:
                    raise RuntimeError(
                        "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is"
                        " not allowed with strict=True."
                    )
                tangent = _zeros(leaf)
            outputs.append(primal)
            tangents.append(tangent)
    results = (unflatten(output_structure, outputs), unflatten(output_structure, tangents))
    return (*results, aux) if has_aux else results


def _unwrapped_all(level: Level, results: tuple[Any, ...]) -> tuple[Any, ...]:
    """The results without the level, over which nothing was mapped."""
    leaves, structure = flatten(results)
    outside = [
        leaf.array.value if isinstance(leaf, Tensor) and leaf.backend.level == level.number else leaf for leaf in leaves
    ]
    unwrapped: tuple[Any, ...] = unflatten(structure, outside)
    return unwrapped
