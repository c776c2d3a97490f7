"""Dimensions in another order: permute, transpose, movedim and the attributes T, mT, H and mH."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pullback import ops
from pullback.dispatch import sampling
from pullback.dispatch.declaration import Array, Sample, attach, composite, op
from pullback.meta.shapes import normalize_dim
from pullback.ops.shape.reshaping import variadic_method
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend


def _permute_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, 4), (2, 0, 1))
    yield Sample(make(2, 3), (-1, 0))
    yield Sample(make(3), (0,))
    yield Sample(make(), ())
    yield Sample(make(2, 0), (1, 0))
    yield Sample(make(2, 3, 4), (1, 2, 0))
    yield Sample(make(2, 2, 2), (1, 2, 0))
    yield Sample(make(2, 2, 2, 2, 2), (4, 3, 2, 1, 0))
    yield Sample(make(2, 1, 3, 2, 2), (0, -2, 2, 1, -1))
    yield sampling.values_only(make.values(3, 33, 5), (0, 2, 1))


def inverse_permutation(dims: Sequence[int]) -> tuple[int, ...]:
    """The order of dimensions that undoes ``dims``."""
    count = len(dims)
    inverse = [0] * count
    for position, dim in enumerate(dims):
        inverse[dim % count] = position
    return tuple(inverse)


@op(
    batching="permute",
    linear=True,
    vjp=lambda grad, dims: permute(grad, inverse_permutation(dims)),
    view=True,
    method=False,
    samples=_permute_samples,
)
def permute(backend: Backend, input: Array, dims: Sequence[int]) -> Array:
    """The tensor with its dimensions in the order ``dims``.

    Raises
    ------
    RuntimeError
        If ``dims`` does not name each dimension once.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 3, 4).permute(2, 0, 1).shape
    torch.Size([4, 2, 3])
    """
    ndim = len(input.shape)
    if len(dims) != ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired"
            f" ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(dims)}"
        )
    axes = tuple(normalize_dim(d, ndim) for d in dims)
    if len(set(axes)) != ndim:
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return backend.permute_dims(input, axes)


variadic_method("permute", "dims")


def _transpose_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3, 4), 0, 2)
    yield Sample(make(2, 3), -1, 0)
    yield Sample(make(3), 0, 0)
    yield Sample(make(), 0, -1)
    yield Sample(make(2, 3, 2), 1, -1)
    yield Sample(make(2, 1, 3, 2, 2), 1, 3)
    yield Sample(make(0, 3), 0, 1)
    yield sampling.values_only(make.values(33, 65), 0, 1)


@op(
    batching="transpose",
    linear=True,
    vjp=lambda grad, dim0, dim1: transpose(grad, dim0, dim1),
    view=True,
    aliases=("swapaxes", "swapdims"),
    samples=_transpose_samples,
)
def transpose(backend: Backend, input: Array, dim0: int, dim1: int) -> Array:
    """The tensor with two dimensions exchanged.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 3, 4).transpose(0, 2).shape
    torch.Size([4, 3, 2])
    """
    ndim = len(input.shape)
    first, second = normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)
    axes = list(range(ndim))
    if ndim:
        axes[first], axes[second] = second, first
    return backend.permute_dims(input, tuple(axes))


def _t_samples(make: Any) -> Iterator[Sample]:
    yield Sample(make(2, 3))
    yield Sample(make(3))
    yield Sample(make())
    yield Sample(make(0, 3))
    yield sampling.values_only(make.values(65, 33))


@op(batching="matrix transpose", linear=True, vjp=lambda grad: t(grad), view=True, samples=_t_samples)
def t(backend: Backend, input: Array) -> Array:
    """The transpose of a matrix; a vector or a 0-d tensor as it is.

    Raises
    ------
    RuntimeError
        For more than two dimensions.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([[1, 2], [3, 4]]).t()
    tensor([[1, 3],
            [2, 4]])
    """
    ndim = len(input.shape)
    if ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D")
    return backend.permute_dims(input, tuple(range(ndim))[::-1])


def _transposes_nothing(name: str, instead: str = "") -> None:
    """What PyTorch says of the transposes of a tensor without dimensions."""
    import warnings

    known = instead or " This function is the identity in these cases."
    warnings.warn(f"Tensor.{name} is deprecated on 0-D tensors.{known}", UserWarning, stacklevel=3)


def _get_T(self: Tensor) -> Tensor:
    """The tensor with its dimensions in reverse order."""
    if not self.ndim:
        _transposes_nothing("T")
    elif self.ndim != 2:
        import warnings

        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will"
            " throw an error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute("
            "*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
            UserWarning,
            stacklevel=2,
        )
    return permute(self, tuple(range(self.ndim))[::-1])


def _get_mT(self: Tensor) -> Tensor:
    """The tensor with its last two dimensions exchanged."""
    if not self.ndim:
        _transposes_nothing("mT")
        return self
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return transpose(self, -2, -1)


def _get_H(self: Tensor) -> Tensor:
    """The conjugate transpose of a matrix."""
    if not self.ndim:
        _transposes_nothing("H", " Consider using x.conj().")
        return self
    if self.ndim != 2:
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if self.ndim > 2 else "")
        )
    return adjoint(self)


def _get_mH(self: Tensor) -> Tensor:
    """The conjugate transpose of each matrix in the last two dimensions."""
    if not self.ndim:
        _transposes_nothing("mH", " Consider using x.conj().")
        return self
    if self.ndim < 2:
        raise RuntimeError(f"tensor.mH is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
    return adjoint(self)


attach("T", property(_get_T))


attach("mT", property(_get_mT))


attach("H", property(_get_H))


attach("mH", property(_get_mH))


@composite(samples=sampling.of_shapes((2, 3), (2, 2, 3)), accuracy="exact")
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions exchanged and each element conjugated.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.adjoint(pb.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    if input.ndim < 2:
        raise RuntimeError(
            f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {input.ndim}-D tensor."
        )
    return ops.conj(transpose(input, -2, -1))


@composite(
    aliases=("moveaxis",),
    samples=sampling.with_arguments(((2, 3, 4), 0, -1), ((2, 3, 4), (0, 1), (2, 0))),
    accuracy="exact",
)
def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The tensor with the dimensions ``source`` at the places ``destination``, the others in their order.

    Raises
    ------
    RuntimeError
        If the two differ in length, or name a dimension twice.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2, 3, 4).movedim(0, -1).shape
    torch.Size([3, 4, 2])
    """
    sources = tuple(source) if isinstance(source, list | tuple) else (source,)
    targets = tuple(destination) if isinstance(destination, list | tuple) else (destination,)
    if len(sources) != len(targets):
        if not isinstance(source, list | tuple) or not isinstance(destination, list | tuple):
            raise TypeError("movedim() received an invalid combination of arguments: an int and a tuple of ints")
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(sources)} dims) should contain the same number"
            f" of dims as destination ({list(targets)} dims)"
        )
    ndim = input.ndim
    sources = tuple(normalize_dim(d, ndim) for d in sources)
    targets = tuple(normalize_dim(d, ndim) for d in targets)
    for what, dims, given in (("source", sources, source), ("destination", targets, destination)):
        if len(set(dims)) != len(dims):
            shown = list(given) if isinstance(given, list | tuple) else [given]
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({shown})")
    if not ndim:
        return registry["alias"].call(input)  # type: ignore[no-any-return]
    order: list[int] = [d for d in range(ndim) if d not in sources]
    for target, moved in sorted(zip(targets, sources, strict=True)):
        order.insert(target, moved)
    return permute(input, tuple(order))
