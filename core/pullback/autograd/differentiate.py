"""``backward`` and ``grad``: what to differentiate, checked, and handed to the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from pullback.autograd.engine import ones_of, run_backward
from pullback.autograd.gradient_ownership import unshared_wrap
from pullback.autograd.graph import GradientEdge, Node, OwnershipToken, edge_behind
from pullback.dispatch.overridable import make_module_overridable
from pullback.meta.shapes import Size
from pullback.tensor import LEAF, Tensor
from pullback.tensor.history import edge_of
from pullback.tensor.levels import transforming
from pullback.tensor.node import OutputSlot
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from typing import TypeAlias

    from pullback.meta.dtypes import DType
    from pullback.tensor.node import Edge

    #: What can be differentiated, and with respect to what.
    Place: TypeAlias = Tensor | GradientEdge | Node


def backward(
    tensors: Place | Sequence[Place],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Tensor | Sequence[Tensor | None] | None = None,
    inputs: Place | Sequence[Place] | dict[str, Tensor] | None = None,
) -> None:
    """Accumulate the gradients of ``tensors`` into the leaves they were computed from.

    Parameters
    ----------
    tensors : Tensor, GradientEdge or a sequence of them
        What to differentiate.
    grad_tensors : Tensor or sequence, optional
        The gradient with respect to each, of its shape; may be None for tensors of a single element.
    retain_graph : bool, optional
        Keep what the graph saved; by default as ``create_graph``.
    create_graph : bool
        Record the backward pass too, for higher derivatives.
    grad_variables
        The former name of ``grad_tensors``.
    inputs : Tensor, GradientEdge, a sequence of them or a dict, optional
        Accumulate into these only.

    Raises
    ------
    RuntimeError
        If there is no graph, it has been freed, or a gradient is missing or of another shape.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor([1., 2.], requires_grad=True)
    >>> pb.autograd.backward(x * x, pb.tensor([1., 10.]))
    >>> x.grad
    tensor([ 2., 40.])
    """
    if transforming():
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or"
            " functorch.vjp instead or call backward() outside of functorch transforms."
        )
    if create_graph:
        import warnings

        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its"
            " gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid"
            " this. If you have to use this function, make sure to reset the .grad fields of your parameters to None"
            " after use to break the cycle and avoid the leak.",
            UserWarning,
            stacklevel=2,
        )
    if grad_variables is not None:
        import warnings

        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only"
                " use `grad_tensors`."
            )
        grad_tensors = grad_variables
    outputs = _as_sequence(tensors)
    chosen = None if inputs is None else _as_inputs(inputs, "backward")
    if chosen is not None and not chosen:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    roots = _roots(outputs, _as_gradients(grad_tensors, len(outputs)))
    keep = create_graph if retain_graph is None else retain_graph
    targets: list[Edge] | None = None
    if chosen is not None:
        targets = []
        for place in chosen:
            if isinstance(place, Tensor) and place.edge is not LEAF:
                place.retain_grad()
            edge = edge_behind(place, [e for e, _ in roots])
            if edge is not None:  # the node of an output runs, and with it the hook that retains the gradient
                targets.append(edge.node if isinstance(edge, OutputSlot) else edge)
    run_backward(roots, keep_graph=keep, create_graph=create_graph, accumulate_into=targets)


@overload
def grad(
    outputs: Place | Sequence[Place],
    inputs: dict[str, Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: Literal[False] | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> dict[str, Tensor]: ...


@overload
def grad(
    outputs: Place | Sequence[Place],
    inputs: dict[str, Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    *,
    materialize_grads: Literal[True],
) -> dict[str, Tensor]: ...


@overload
def grad(
    outputs: Place | Sequence[Place],
    inputs: dict[str, Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> dict[str, Tensor | None]: ...


@overload
def grad(
    outputs: Place | Sequence[Place],
    inputs: Place | Sequence[Place],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: Literal[False] | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]: ...


@overload
def grad(
    outputs: Place | Sequence[Place],
    inputs: Place | Sequence[Place],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    *,
    materialize_grads: Literal[True],
) -> tuple[Tensor, ...]: ...


@overload
def grad(
    outputs: Place | Sequence[Place],
    inputs: Place | Sequence[Place],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]: ...


def grad(
    outputs: Place | Sequence[Place],
    inputs: Place | Sequence[Place] | dict[str, Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of ``outputs`` with respect to ``inputs``; no tensor's ``grad`` changes.

    Parameters
    ----------
    outputs : Tensor, GradientEdge or a sequence of them
    inputs : Tensor, GradientEdge, a sequence of them, or a dict
    grad_outputs : Tensor or sequence, optional
        The gradient with respect to each output; may be None for outputs of a single element.
    retain_graph : bool, optional
        Keep what the graph saved; by default as ``create_graph``.
    create_graph : bool
        Record the pass, so that the results can be differentiated again.
    only_inputs : bool
        Ignored: no other gradients are computed.
    allow_unused : bool, optional
        Give None for an input that no output depends on; otherwise that is an error.
    is_grads_batched : bool
        Each of ``grad_outputs`` has one more dimension, the first: all its gradients are propagated at once.
    materialize_grads : bool
        Give zeros instead of None for unused inputs.

    Returns
    -------
    tuple of Tensor
        For a dict of inputs a dict with its keys.

    Raises
    ------
    RuntimeError
        If an input requires no gradient or is unused, or the graph is missing or freed.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.tensor(2., requires_grad=True)
    >>> (dy,) = pb.autograd.grad(x ** 3, x, create_graph=True)
    >>> pb.autograd.grad(dy, x)
    (tensor(12.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if type(inputs) is dict:
        found = grad(
            outputs,
            list(inputs.values()),
            grad_outputs,
            retain_graph,
            create_graph,
            only_inputs,
            allow_unused,
            is_grads_batched,
            materialize_grads,
        )
        return dict(zip(inputs, found, strict=True))
    results, sources = _as_sequence(outputs), _as_inputs(inputs, "grad")
    if not sources:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if not only_inputs:
        import warnings

        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other"
            " parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    given = _as_gradients(grad_outputs, len(results))
    if is_grads_batched:
        from pullback.batching.gradients import grad_of_each

        found = grad_of_each(results, sources, given, retain_graph, create_graph, allow_unused or materialize_grads)
        return tuple(
            _materialized(f, place, create_graph) if materialize_grads else f
            for f, place in zip(found, sources, strict=True)
        )
    roots = _roots(results, given)
    edges = []
    for place in sources:
        if isinstance(place, Tensor) and place.edge is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
        edges.append(edge_behind(place, [e for e, _ in roots]))
    keep = create_graph if retain_graph is None else retain_graph
    captured = run_backward(
        roots, keep_graph=keep, create_graph=create_graph, capture=[e for e in edges if e is not None]
    )
    gradients: list[Tensor | None] = []
    for number, (place, edge) in enumerate(zip(sources, edges, strict=True)):
        gradient = captured.get(edge) if edge is not None else None
        if materialize_grads:
            gradient = _materialized(gradient, place, create_graph)
        elif gradient is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {number} appears to not have been used in the graph. Set"
                " allow_unused=True if this is the desired behavior."
            )
        gradients.append(gradient)
    return tuple(gradients)


def _materialized(gradient: Tensor | None, place: Place, create_graph: bool) -> Tensor:
    """The gradient of an input, or zeros where it has none."""
    if gradient is not None:
        return gradient
    if not isinstance(place, Tensor):
        raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")

    return registry["zeros_like"].call(place, requires_grad=create_graph)  # type: ignore[no-any-return]


def _as_inputs(inputs: Any, function: str) -> list[Any]:
    """What to differentiate with respect to, in order."""
    if type(inputs) is dict:
        return _as_sequence(list(inputs.values()))
    if not isinstance(inputs, Tensor | list | tuple) and isinstance(inputs, Mapping):
        raise TypeError(
            f"`inputs` argument to `{function}()` must be a dict, not {type(inputs).__name__}. Other Mapping types are"
            " not supported."
        )
    return _as_sequence(inputs)


def _as_sequence(places: Any) -> list[Any]:
    if isinstance(places, Tensor):
        return [places]

    if isinstance(places, GradientEdge | Node):
        return [places]
    found = list(places)
    for place in found:
        if not isinstance(place, Tensor | GradientEdge | Node):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(place).__name__}")
    return found


def _as_gradients(gradients: Any, count: int) -> list[Tensor | None]:
    if gradients is None:
        return [None] * count
    given = [gradients] if isinstance(gradients, Tensor) else list(gradients)
    for gradient in given:
        if gradient is not None and not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
    if len(given) != count:
        raise RuntimeError(f"got {count} tensors and {len(given)} gradients")
    return given


def _roots(outputs: list[Any], gradients: list[Tensor | None]) -> list[tuple[Edge, Tensor]]:
    roots: list[tuple[Edge, Tensor]] = []
    for number, output in enumerate(outputs):
        gradient = gradients[number]
        if isinstance(output, Tensor):
            root = _root(number, output, gradient)
        elif gradient is not None:
            if isinstance(output, GradientEdge) and output.ownership_token is not None:
                _check_shape(number, gradient, output.ownership_token.shape)
            root = edge_behind(output), unshared_wrap(gradient)
        elif isinstance(output, GradientEdge) and output.ownership_token is not None:
            root = edge_behind(output), _implicit_gradient(output.ownership_token)
        else:
            raise RuntimeError(
                f"element {number} is a node of the graph, which does not know its output's shape: give its gradient"
            )
        roots.append(root)
    return roots


def _root(number: int, output: Tensor, gradient: Tensor | None) -> tuple[Edge, Tensor]:
    """Where a pass starts for one tensor, and with which gradient."""
    if gradient is None:
        if output.edge is not None and output.array.shape and output.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
    elif tuple(gradient.array.shape) != tuple(output.array.shape):
        raise _mismatch(number, gradient, output.shape)
    elif gradient.backend is not output.backend and not gradient.backend.level:
        raise RuntimeError(
            f"grad_output[{number}] is on backend {gradient.backend.name!r} and output[{number}] on"
            f" {output.backend.name!r}: move it with .to({output.backend.name!r})"
        )
    elif gradient.dtype.is_complex != output.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in"
            f" dtype: grad_output[{number}] has a dtype of {gradient.dtype} and output[{number}] has a dtype of"
            f" {output.dtype}."
        )
    edge = edge_of(output)
    if edge is None:
        raise RuntimeError(f"element {number} of tensors does not require grad and does not have a grad_fn")
    if gradient is None:
        if output.dtype.is_complex:
            raise _not_real(output.dtype)
        return edge, ones_of(output)
    return edge, gradient.to(output.dtype) if gradient.dtype is not output.dtype else unshared_wrap(gradient)


def _check_shape(number: int, gradient: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(gradient.array.shape) != shape:
        raise _mismatch(number, gradient, Size(shape))


def _mismatch(number: int, gradient: Tensor, shape: Size) -> RuntimeError:
    return RuntimeError(
        f"Mismatch in shape: grad_output[{number}] has a shape of {gradient.shape} and output[{number}] has a"
        f" shape of {shape}."
    )


def _not_real(dtype: DType) -> RuntimeError:
    return RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {dtype}")


def _implicit_gradient(output: OwnershipToken) -> Tensor:
    """The gradient of a real number with respect to itself."""
    if any(size != 1 for size in output.shape):
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if output.dtype.is_complex:
        raise _not_real(output.dtype)
    backend = output.backend
    native = backend.native_dtype(output.dtype)
    return Tensor._wrap(backend.ones(output.shape, dtype=native, device=output.device), backend)


make_module_overridable(__name__)
