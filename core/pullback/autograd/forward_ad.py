"""Forward mode: dual tensors carry a tangent, and every operation propagates it by its JVP.

Follows https://pytorch.org/docs/stable/autograd.html#forward-mode-automatic-differentiation.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.autograd.grad_mode import DecoratingManager
from pullback.backend.geometry import Geometry
from pullback.dispatch.finishing import saved_value as _saved_value
from pullback.dispatch.formulas import formula_arguments
from pullback.dispatch.inplace import overlaps_itself
from pullback.dispatch.overridable import make_module_overridable
from pullback.process.blocks import Block, Setting, begins_at_once, put, surely
from pullback.process.locks import made_once
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.levels import derived_levels, layers, levels, lift_to_innermost, mapped_levels, plain
from pullback.tensor.modes import FORWARD, INFERENCE, MODE, entered, left, mode
from pullback.tensor.node import Node, OutputSlot
from pullback.tensor.seams import seams
from pullback.tensor.user_context import END_LEFT_OPEN
from pullback.tensor.views import strided_view

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation
    from pullback.tensor.saved_tensors import SavedTensor


class _Pass:
    """One forward pass: the tensors that carry tangents of it, and the tangents of what nodes have saved."""

    __slots__ = ("_tensors", "ended", "results")

    def __init__(self) -> None:
        self.ended = False
        self._tensors: list[weakref.ref[Tensor]] = []  # weakly: what is no longer used need not wait for the end
        self.results: weakref.WeakKeyDictionary[Node | SavedTensor, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    def carry(self, tensor: Tensor, tangent: Tensor) -> None:
        """Let a tensor carry a tangent until the pass ends."""
        tensors = self._tensors
        if len(tensors) >= 64 and len(tensors) & (len(tensors) - 1) == 0:
            tensors[:] = [t for t in tensors if t() is not None]
        tensors.append(weakref.ref(tensor))
        tensor._tangent = tangent

    def end(self) -> None:
        """Take the tangents from the tensors."""
        self.ended = True
        for reference in self._tensors:
            tensor = reference()
            if tensor is not None:
                tensor._tangent = None
        self.results.clear()


#: The active passes, by the level of the tensors that carry their tangents; of plain tensors that is 0. The dictionary
#: is never written to.
_passes: ContextVar[dict[int, _Pass]] = ContextVar("pullback forward passes", default={})  # noqa: B039


def is_active_at(level: int) -> bool:
    """Whether tensors of that level carry tangents now."""
    return level in _passes.get()


class _beneath:
    """Inside, tensors of a level and those above it have no tangents; those of lower levels still have."""

    __slots__ = ("_before", "_level")

    def __init__(self, level: int) -> None:
        self._level = level

    def __enter__(self) -> None:
        passes, active = _passes.get(), mode()
        lower = {number: found for number, found in passes.items() if number < self._level}
        self._before = (_passes, passes), (MODE, active)
        try:
            _passes.set(lower)
            MODE.set(active if lower else left(active, FORWARD))
        except BaseException:
            surely(put, self._before)
            raise

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        surely(put, self._before)


class UnpackedDualTensor(NamedTuple):
    """The parts of a dual tensor."""

    primal: Tensor
    tangent: Tensor | None


class dual_level(Block, DecoratingManager):
    """The block in which dual tensors exist; at its end their tangents are gone.

    Examples
    --------
    >>> import pullback as pb
    >>> import pullback.autograd.forward_ad as fwd
    >>> with fwd.dual_level():
    ...     x = fwd.make_dual(pb.tensor(2.), pb.tensor(1.))
    ...     fwd.unpack_dual(x ** 3).tangent
    tensor(12.)
    """

    _pass: _Pass

    def _settings_inside(self) -> Sequence[Setting]:
        self._pass = _Pass()
        return _with_pass(self._pass)

    def _value_inside(self) -> int:
        return 0

    def _end_block(self, before: Sequence[Setting]) -> None:
        if self._pass.ended:
            raise RuntimeError("Dual level must be a positive number.")
        super()._end_block(before)

    def _put_back(self, before: Sequence[Setting]) -> None:
        _end(self._pass)


def _with_pass(made: _Pass) -> Sequence[Setting]:
    """The settings in a new level."""
    level, passes, now = len(levels()), _passes.get(), mode()
    if level in passes:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    propagates = _is_fwd_grad_enabled() and not now & INFERENCE
    return (_passes, {**passes, level: made}), (MODE, entered(now, FORWARD) if propagates else now)


def _end(ending: _Pass) -> None:
    """Take the tangents of a pass from all tensors; once more does no harm."""
    ending.end()
    passes = {level: found for level, found in _passes.get().items() if found is not ending}
    _passes.set(passes)
    if not passes:
        MODE.set(left(mode(), FORWARD))


def enter_dual_level() -> int:
    """Begin a level, in which tensors can carry tangents; returns its number.

    Prefer :class:`dual_level`, which ends it too.

    Raises
    ------
    RuntimeError
        Inside another level.

    Examples
    --------
    >>> import pullback.autograd.forward_ad as fwd
    >>> fwd.enter_dual_level()
    0
    >>> fwd.exit_dual_level()
    """
    settings = _with_pass(_Pass())
    before = [(variable, variable.get()) for variable, _ in settings]
    try:
        put(settings)
    except BaseException:
        surely(put, before)
        raise
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level entered last: no tensor has a tangent of it any more.

    Raises
    ------
    RuntimeError
        If there is none, or ``level`` is not its number.

    Examples
    --------
    >>> import pullback as pb
    >>> import pullback.autograd.forward_ad as fwd
    >>> _ = fwd.enter_dual_level()
    >>> x = fwd.make_dual(pb.ones(2), pb.ones(2))
    >>> fwd.exit_dual_level()
    >>> fwd.unpack_dual(x).tangent is None
    True
    """
    current = _current_level()
    if level is not None and level != current:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    if current < 0:
        raise RuntimeError("Dual level must be a positive number.")
    surely(_end, _passes.get()[len(levels())])


def _current_level() -> int:
    """The number of the active level; -1 outside."""
    return 0 if len(levels()) in _passes.get() else -1


_enabled: ContextVar[bool] = ContextVar("pullback forward mode enabled", default=True)


def _is_fwd_grad_enabled() -> bool:
    """Whether operations in a level propagate tangents, as PyTorch's private function of this name."""
    return _enabled.get()


class _set_fwd_grad_enabled:
    """Have operations in a level propagate tangents or not, from here on or for a ``with`` block, as PyTorch's."""

    def __init__(self, mode: bool) -> None:
        self._before = _is_fwd_grad_enabled()
        try:
            self._set(mode)
        except BaseException:
            surely(self._set, self._before)
            raise

    def __enter__(self) -> None:
        return

    @begins_at_once
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        surely(self._set, self._before)

    @staticmethod
    def _set(enabled: bool) -> None:
        _enabled.set(enabled)
        now = mode()
        MODE.set(entered(now, FORWARD) if enabled and _passes.get() and not now & INFERENCE else left(now, FORWARD))


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of ``tensor`` that carries ``tangent``.

    Parameters
    ----------
    tensor : Tensor
        Of a floating or complex dtype.
    tangent : Tensor
        Of the same shape and dtype. It is kept as it is where its elements lie in its storage as those of ``tensor`` in
        theirs; otherwise it is copied.
    level : int, optional
        The number of the level; there is one only.

    Raises
    ------
    RuntimeError
        Outside a dual level, when shape or dtype of the two differ, or one of them is dual already.
    ValueError
        For tensors of integers.

    Examples
    --------
    >>> import pullback as pb
    >>> import pullback.autograd.forward_ad as fwd
    >>> with fwd.dual_level():
    ...     fwd.make_dual(pb.tensor([1., 2.]), pb.tensor([1., 0.])).exp()
    tensor([2.7183, 7.3891], tangent=tensor([2.7183, 0.0000]))
    """
    current = _current_level()
    if (current if level is None else level) < 0:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for what, value in (("primal", tensor), ("tangent", tangent)):
        if value.dtype.category < 2:
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {value.dtype}")
    if level is not None and level != current:
        raise RuntimeError("Invalid level given to _make_dual")
    if tensor.shape != tangent.shape:
        raise size_error(tensor, tangent)
    if tensor.dtype is not tangent.dtype:
        raise RuntimeError(
            f"Expected tangent to have the same dtype as the primal, got {tangent.dtype} and {tensor.dtype}"
        )
    if tensor.backend.level != tangent.backend.level:
        tensor, tangent = lift_to_innermost(tensor), lift_to_innermost(tangent)
    if tangent_of(tensor) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not"
            " supported."
        )
    if tangent_of(tangent) is not None:
        raise RuntimeError(
            "Setting a forward grad that itself has a forward gradient at the same level0 is not supported."
        )
    dual = tensor.view_as(tensor)
    if not tensor.backend.level and _place_in_storage(tensor) != _place_in_storage(tangent):
        with _beneath(0):
            tangent = tangent.clone()
    set_tangent(dual, tangent)
    return dual


def _place_in_storage(tensor: Tensor) -> tuple[int, int]:
    """Where a tensor begins in its storage, and how large that is: equal for one whose views another's can follow."""
    alias = tensor.alias
    if alias is None or alias.origin is None:
        own = geometry_of(tensor)
        return own.offset, own.extent
    return geometry_of(tensor).offset, geometry_of(alias.origin).extent


def size_error(tensor: Tensor, tangent: Tensor) -> RuntimeError:
    """PyTorch's error for a tangent of another shape."""
    return RuntimeError(
        "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not"
        f" supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size"
        f" {list(tangent.shape)}."
    )


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal and the tangent of a tensor; the tangent is None for one that is not dual.

    Examples
    --------
    >>> import pullback as pb
    >>> import pullback.autograd.forward_ad as fwd
    >>> with fwd.dual_level():
    ...     fwd.unpack_dual(fwd.make_dual(pb.tensor(2.), pb.tensor(1.)) * 3)
    UnpackedDualTensor(primal=tensor(6.), tangent=tensor(3.))
    """
    current = _current_level()
    if (current if level is None else level) < 0:
        return UnpackedDualTensor(tensor, None)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"_unpack_dual(): argument 'dual' (position 1) must be Tensor, not {type(tensor).__name__}")
    if level is not None and level != current:
        raise RuntimeError("Invalid level given to _fw_primal")
    return UnpackedDualTensor(_primal_of(tensor), tangent_of(tensor))


def _primal_of(tensor: Tensor) -> Tensor:
    """A view of a tensor that has no tangent, nor gets one when its base does."""
    with _beneath(tensor.backend.level):
        primal = tensor.view_as(tensor)
    alias = primal.alias
    assert alias is not None
    alias.steps = (*alias.steps[:-1], (_primal_of, ()))
    if isinstance(primal.edge, Node):
        kind: Any = type(primal.edge)
        primal.edge.__class__ = _identity(kind)
    return primal


@made_once
def _identity(kind: Any) -> type[Node]:
    return type("Identity", (kind,), {"__slots__": (), "__module__": kind.__module__, "__doc__": kind.__doc__})


def tangent_of(tensor: Tensor) -> Tensor | None:
    """The tangent that a tensor carries, or that a view has since its base was written with one; None where no
    tangents are propagated."""
    if not mode() & FORWARD or not is_active_at(tensor.backend.level):
        return None
    if tensor._tangent is None:
        alias = tensor.alias
        if alias is not None and alias.base is not None and alias.base._tangent is not None:
            held = _along(alias.base._tangent, alias.steps, tensor.backend.level)
            if held is not None:
                _passes.get()[tensor.backend.level].carry(tensor, held)
    return tensor._tangent


def _along(
    tangent: Tensor, steps: Sequence[tuple[Callable[..., Tensor], tuple[Any, ...]]], level: int
) -> Tensor | None:
    """The part of a base's tangent that is a view's; None where the way to the view passes no tangents on."""
    if any(call is _primal_of for call, _ in steps):
        return None
    with _beneath(level):
        for call, arguments in steps:
            tangent = call(tangent, *arguments)
    return tangent


def set_tangent(tensor: Tensor, tangent: Tensor) -> None:
    """Let ``tensor`` carry ``tangent`` until the level ends."""
    own = _passes.get().get(tensor.backend.level)
    if own is not None:
        own.carry(tensor, _laid_out_as(tensor, tangent))


def hand_over_tangent(source: Tensor, target: Tensor) -> None:
    """Let a tensor carry the tangent of another, which has it no longer."""
    tangent, source._tangent = source._tangent, None
    own = _passes.get().get(target.backend.level)
    if own is not None and tangent is not None:
        own.carry(target, tangent)


def _laid_out_as(tensor: Tensor, tangent: Tensor) -> Tensor:
    """A tangent whose elements lie as those of its tensor, so that views of the two correspond; on levels, where it may
    be laid out otherwise, at least one that can be written into where the tensor can."""
    level = tensor.backend.level
    if level:
        if not overlaps_itself(plain(tangent)) or overlaps_itself(plain(tensor)):
            return tangent
        with _beneath(level):
            return tangent.clone()
    if tangent.stride() != tensor.stride() and not overlaps_itself(tensor):
        with _beneath(level):
            own = tangent.new_empty_strided(tuple(tensor.shape), tensor.stride())
            return own.copy_(tangent)
    return tangent


def remember_result(out: Tensor, tangent: Tensor) -> None:
    """Keep the tangent of a result that its node has saved, for the node saves the elements alone."""
    edge: Any = out.edge
    number = 0
    if isinstance(edge, OutputSlot):
        edge, number = edge.node, edge.number
    if isinstance(edge, Node) and (edge.saves_output or getattr(edge, "keeps_results", False)):
        _passes.get()[out.backend.level].results.setdefault(edge, {})[number] = tangent


def remember_saved(saved: SavedTensor, tensor: Tensor) -> None:
    """Keep the tangent of a tensor that a hook packs, for hooks pack the elements alone."""
    tangent = tangent_of(tensor)
    if tangent is not None:
        _passes.get()[tensor.backend.level].results[saved] = {0: tangent}


def restore_tangent(out: Tensor, node: Node | SavedTensor, number: int) -> None:
    """Give a saved tensor the tangent it had."""
    own = _passes.get().get(out.backend.level)
    if own is not None:
        tangent = own.results.get(node, {}).get(number)
        if tangent is not None:
            own.carry(out, tangent)


def write_tangent(tensor: Tensor, tangent: Tensor | None) -> None:
    """Give a tensor written in place its new tangent, in the tangent's own memory so that views see it."""
    level = tensor.backend.level
    if not is_active_at(level):
        return
    held = tangent_of(tensor)
    if held is None:
        if tangent is None:
            return
        alias = tensor.alias
        if alias is None or alias.base is None or any(call is _primal_of for call, _ in alias.steps):
            with _beneath(level):
                tangent = tangent.clone()  # it may be an operand's, and will be written when the tensor is again
            set_tangent(tensor, tangent)
            return
        base = alias.base
        if base._tangent is None:
            with _beneath(level):
                zeros = base.new_zeros(base.shape)
            set_tangent(base, zeros)
        held = tangent_of(tensor)
        assert held is not None
    if level and tangent is not None:
        held = _wide_enough(tensor, held, tangent)
    with _beneath(level):
        if tangent is None:
            held.zero_()
        else:
            held.copy_(tangent)


def _wide_enough(tensor: Tensor, held: Tensor, tangent: Tensor) -> Tensor:
    """The tangent that a tensor holds, as one that can hold another: that may differ between examples where it did
    not, or be differentiated on levels where it was not."""
    if mapped_levels(tangent) <= mapped_levels(held) and derived_levels(tangent) <= {
        t.backend.level for t in layers(held)
    }:
        return held
    alias = tensor.alias
    base = tensor if alias is None or alias.base is None else alias.base
    assert base._tangent is not None
    with _beneath(tensor.backend.level):
        wide = tangent.backend.widened(base._tangent, tangent)
        if derived_levels(base._tangent):
            wide.copy_(base._tangent)  # with its history and tangents
    set_tangent(base, wide)
    for member in () if base.alias is None else base.alias.storage.live():
        if member.alias is not None and member.alias.base is base:
            member._tangent = None  # taken from the base's when it is next asked for
    found = tangent_of(tensor)
    assert found is not None
    return found


def propagate(operation: Operation, flat: Sequence[Any], attributes: Mapping[str, Any], result: Any) -> None:
    """Give the result of an operation its tangent, where an operand carries one."""
    tangents = [tangent_of(v) if isinstance(v, Tensor) else None for v in flat]
    if all(t is None for t in tangents):
        return
    outs = list(result) if operation.outputs is not None else [result]
    if not outs or outs[0].dtype.category < 2:
        return
    level = outs[0].backend.level
    if not is_active_at(level):
        return
    if operation.nondifferentiable is not None:
        raise NotImplementedError(f"Trying to use forward AD with aten::{operation.name} that does not support it.")
    with _beneath(level):
        produced = []
        for out, tangent in zip(outs, _tangents_of(operation, flat, dict(attributes), tangents, outs), strict=True):
            if tangent is None or out.dtype.category < 2:
                continue
            if tangent.dtype is not out.dtype:
                tangent = tangent.to(out.dtype)
            if tangent.shape != out.shape:
                tangent = tangent.expand(out.shape)
            produced.append((out, tangent))
    for out, tangent in produced:
        set_tangent(out, tangent)
        remember_result(out, tangent)


def propagate_strided(tensor: Tensor, out: Tensor, source: Geometry, target: Geometry) -> None:
    """Give ``out``, what lies at ``target`` in the storage of a tensor at ``source``, its part of the tangent.

    Where the tangent has all of those elements it is a view too, so that a write to one shows in the other.
    """
    tangent = tangent_of(tensor)
    if tangent is None:
        return
    with _beneath(tensor.backend.level):
        own = geometry_of(tangent)
        shift = own.offset - source.offset
        if (
            source.is_dense
            and (own.dtype, own.shape, own.strides) == (source.dtype, source.shape, source.strides)
            and target.dtype is source.dtype
            and target.offset >= source.offset
            and target.extent <= source.extent
        ):
            moved = Geometry(target.dtype, target.shape, target.strides, target.offset + shift)
            part = strided_view(tangent, own, moved)
        else:
            part = strided_view(tangent, source, target)
    set_tangent(out, part)


def _tangents_of(
    operation: Operation, flat: Sequence[Any], attributes: dict[str, Any], tangents: list[Any], outs: list[Tensor]
) -> list[Any]:
    """The tangent of each result."""
    if operation.linear:
        return _linear_tangents(operation, flat, attributes, tangents)
    by_name = dict(zip(operation.operands, flat, strict=True)) | attributes
    out_names = operation.outputs or ("out",)
    total: Any = None
    for operand, tangent in zip(operation.operands, tangents, strict=True):
        formula: Any = (operation.partials or operation.jvp).get(operand)
        if tangent is None or formula is None:
            continue
        values = {
            name: tangent if name == "tangent" else _value(name, by_name, operation, outs, out_names)
            for name in formula_arguments(formula)
        }
        if operation.partials is None:
            part = formula(**values)
        elif isinstance(formula, str):
            part = tangent * values[formula]
        else:
            part = tangent * (formula if isinstance(formula, int | float) else formula(**values))
        if isinstance(part, tuple):
            total = part if total is None else tuple(a + b for a, b in zip(total, part, strict=True))
        else:
            total = part if total is None else total + part
    several = list(total) if isinstance(total, tuple) else [total]
    return several + [None] * (len(outs) - len(several))


def _value(
    name: str, by_name: dict[str, Any], operation: Operation, outs: list[Tensor], out_names: tuple[str, ...]
) -> Any:
    """What a formula asks for; a result as a Tensor that has no tangent of its own."""
    if name in out_names:
        return outs[out_names.index(name)]
    return _saved_value(name, by_name, operation, outs, out_names)


def _linear_tangents(
    operation: Operation, flat: Sequence[Any], attributes: dict[str, Any], tangents: list[Any]
) -> list[Any]:
    """A linear operation's tangent is the operation itself, applied to the tangents."""

    def run(operands: list[Any]) -> list[Any]:
        result = (
            operation.call(operands, **attributes) if operation.sequence else operation.call(*operands, **attributes)
        )
        return list(result) if operation.outputs is not None else [result]

    names = operation.operands if not operation.sequence else operation.operands * len(flat)
    linear = [n in operation.differentiable for n in names]
    if operation.linear == "each":
        total: list[Any] | None = None
        for position, tangent in enumerate(tangents):
            if tangent is None or not linear[position]:
                continue
            operands = list(flat)
            operands[position] = tangent
            part = run(operands)
            total = part if total is None else [a + b for a, b in zip(total, part, strict=True)]
        return total or []
    return run(
        [
            v if not is_linear else _zeros_like(v) if t is None else t
            for v, t, is_linear in zip(flat, tangents, linear, strict=True)
        ]
    )


def _zeros_like(value: Any) -> Any:
    return value.new_zeros(value.shape) if isinstance(value, Tensor) else 0 * value


make_module_overridable(__name__)


#: A block in which tensors of the innermost level carry tangents.
forward_level = dual_level


def _end_left_open(passes: Mapping[int, _Pass], then: Mapping[int, _Pass]) -> None:
    for level, opened in passes.items():
        if then.get(level) is not opened:
            opened.end()


END_LEFT_OPEN[_passes] = _end_left_open
seams.propagate, seams.propagate_strided = propagate, propagate_strided
seams.tangent_of, seams.set_tangent, seams.write_tangent = tangent_of, set_tangent, write_tangent
seams.remember_saved, seams.restore_tangent = remember_saved, restore_tangent
