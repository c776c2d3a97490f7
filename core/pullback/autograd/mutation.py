"""``allow_mutation_on_saved_tensors``: a saved tensor is cloned before an in-place operation modifies it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import TYPE_CHECKING

from pullback.process.blocks import Setting
from pullback.tensor.memory import alias_of
from pullback.tensor.modes import MODE, MUTATION, SAVING, left, mode
from pullback.tensor.saved_tensors import saved_tensors_hooks
from pullback.tensor.seams import seams

if TYPE_CHECKING:
    from pullback.tensor import Tensor


class _Kept:
    """A tensor saved inside the block, or the copy that took its place."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Tensor | None = tensor


class SavedForMutation:
    """What has been saved inside the block; :meth:`clear` lets go of it early."""

    def __init__(self) -> None:
        self._kept: list[weakref.ref[_Kept]] = []

    def clear(self) -> None:
        """Let go of everything saved so far: backward through it is an error from then on."""
        for reference in self._kept:
            kept = reference()
            if kept is not None:
                kept.tensor = None
        self._kept.clear()

    def _pack(self, tensor: Tensor) -> _Kept:
        kept = _Kept(tensor)
        self._kept.append(weakref.ref(kept))
        return kept

    def _unpack(self, kept: _Kept) -> Tensor:
        if kept.tensor is None or _block.get() is not self:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' contextin which the graph was"
                " originally recorded."
            )
        return kept.tensor

    def _keep_apart(self, tensor: Tensor) -> None:
        """Copy what has been saved of the memory that is about to be written."""
        storage = alias_of(tensor).storage
        active = mode()
        try:
            MODE.set(left(active, MUTATION | SAVING))
            for reference in self._kept:
                kept = reference()
                if kept is None or kept.tensor is None or alias_of(kept.tensor).storage is not storage:
                    continue
                kept.tensor = kept.tensor.detach().clone()
        finally:
            MODE.set(active)


_block: ContextVar[SavedForMutation | None] = ContextVar("pullback saved for mutation", default=None)


class allow_mutation_on_saved_tensors(saved_tensors_hooks, ContextDecorator):
    """Let tensors that have been saved for backward be written in place: what was saved is copied before.

    Backward must run inside the block too.

    Raises
    ------
    RuntimeError
        If such blocks are nested.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.autograd.graph.allow_mutation_on_saved_tensors():
    ...     a = pb.ones(2, requires_grad=True)
    ...     b = a.clone()
    ...     out = (b ** 2).sum()
    ...     _ = b.sin_()
    ...     out.backward()
    >>> a.grad
    tensor([2., 2.])
    """

    _bits = SAVING | MUTATION

    def __init__(self) -> None:
        pass

    def _value_inside(self) -> SavedForMutation:
        return self._saved

    def _other_settings(self) -> Sequence[Setting]:
        if _block.get() is not None:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        saved = self._saved = SavedForMutation()
        self.pack_hook, self.unpack_hook = saved._pack, saved._unpack
        return (*super()._other_settings(), (_block, saved))

    def _end_block(self, before: Sequence[Setting]) -> None:
        super()._end_block(before)
        MODE.set(left(mode(), MUTATION))
        _block.set(None)
        self._saved.clear()

    def _put_back(self, before: Sequence[Setting]) -> None:
        super()._put_back(before)
        self._saved.clear()


def before_write(tensor: Tensor) -> None:
    """Copy what the block has saved of a tensor's memory, which is about to be written."""
    saved = _block.get()
    if saved is not None:
        saved._keep_apart(tensor)


seams.before_write = before_write
