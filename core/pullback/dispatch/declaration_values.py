"""What a declaration says in more than one word: which operands it accepts, how they promote, what is checked.

Each keyword takes the plain form where that is enough (``dtypes=FLOATS``) and one of these where there is more to say
(``dtypes=Accepts(FLOATS, unsupported="log2")``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

from pullback.errors import did_you_mean
from pullback.meta import dtypes as _dtypes

if TYPE_CHECKING:
    from pullback.meta.dtypes import DType

#: How exact results may be: see :class:`Accuracy`.
ACCURACIES: Final = ("exact", "rounded", "rounded twice", "elementwise", "sum", "general")

#: What becomes of the operands' dtypes before the kernel runs.
PromotionRule: TypeAlias = Literal["same", "promote", "float"]


#: Where an operation's samples come from: a function, the default ones of elementwise operations, or nowhere.
Samples: TypeAlias = "Callable[..., Iterable[Any]] | Literal['elementwise'] | Sampled | Unsampled"

#: Attributes that samples have beside their defaults: ``settings(make)`` yields them.
Settings: TypeAlias = "Callable[..., Iterable[dict[str, Any]]]"

#: Calls that must raise: ``bad(make)`` yields them.
BadCalls: TypeAlias = "Callable[..., Iterable[Any]]"


#: An interval, or several, that differentiated samples are drawn from: of all operands, or of each by its name.
Smooth: TypeAlias = "Intervals | Mapping[str, Intervals]"
Intervals: TypeAlias = "tuple[float, float] | Sequence[tuple[float, float]]"


def intervals_of(given: Any) -> tuple[tuple[float, float], ...]:
    """One interval, or several, as several.

    Examples
    --------
    >>> intervals_of((0, 2))
    ((0, 2),)
    """
    several = given if isinstance(given[0], Sequence) else (given,)
    return tuple((low, high) for low, high in several)


class _Value:
    """What the others have in common: they say what a misspelt keyword may have meant."""

    __slots__ = ()

    def __new__(cls, *_: Any, **keywords: Any) -> Self:
        for unknown in keywords.keys() - set(cls.__slots__):
            near = did_you_mean(unknown, cls.__slots__)
            raise TypeError(f"{cls.__name__}() takes no keyword {unknown!r}{near}")
        return object.__new__(cls)


class Accepts(_Value):
    """Which dtypes an operation accepts, and what it says of others.

    Parameters
    ----------
    dtypes : frozenset of DType
        What is accepted after promotion; every dtype by default.
    unsupported : str or callable, optional
        What to say of other dtypes. One word is PyTorch's name of the kernel, by default ``<name>_cpu``, in
        ``"..." not implemented for 'Long'``. A text is that of a RuntimeError, with ``{dtype}``, ``{kind}`` (``Long``)
        ``{name}`` and ``{role}`` (``Optional`` for the argument ``dtype``, else ``Input``) filled in. A function takes
        the dtype and returns the error.
    refuses : callable, optional
        Takes the operands before they promote, and raises the error for dtypes that may not even do that. Python's
        bools, which it may refuse too, are left to the general path.
    takes_nothing : bool
        Whether a tensor without elements may be of any dtype: PyTorch's kernel, which refuses some, does not run then.
    """

    __slots__ = ("dtypes", "refuses", "takes_nothing", "unsupported")

    def __init__(
        self,
        dtypes: frozenset[DType] = _dtypes.EVERY,
        *,
        unsupported: str | Callable[[DType], Exception] | None = None,
        refuses: Callable[..., None] | None = None,
        takes_nothing: bool = False,
    ) -> None:
        self.dtypes = dtypes
        self.unsupported = unsupported
        self.refuses = refuses
        self.takes_nothing = takes_nothing


class Promotes(_Value):
    """How operands come to a common dtype, and which of them may be Python numbers.

    Parameters
    ----------
    rule : {"promote", "float", "same"}
        ``promote``: to their common dtype. ``float``: and an integer or bool result becomes the default floating dtype.
        ``same``: they keep their dtypes and must agree.
    operands : sequence of str, optional
        The operands that take part; all by default.
    numbers : bool or sequence of str
        Whether Python numbers may stand for operands that promote, or for which of them.
    fits : sequence of str
        Those of them whose numbers must lie in the dtype's range, where others wrap around.
    scales : str, optional
        The operand that the keyword ``alpha`` multiplies first.
    """

    __slots__ = ("fits", "numbers", "operands", "rule", "scales")

    def __init__(
        self,
        rule: PromotionRule = "promote",
        *,
        operands: Sequence[str] | None = None,
        numbers: bool | Sequence[str] = True,
        fits: Sequence[str] = (),
        scales: str | None = None,
    ) -> None:
        self.rule = rule
        self.operands = operands
        self.numbers = numbers
        self.fits = fits
        self.scales = scales


class Check(_Value):
    """What looks at operands and attributes before the kernel runs.

    Parameters
    ----------
    function : callable
        Takes the operands and attributes and raises the error a user should see.
    kernel_checks : bool
        The kernel or body fails on whatever ``function`` refuses, so that it need run only to say what is wrong.
    ndim : int, optional
        The number of dimensions every operand has.
    otherwise : callable, optional
        What runs instead where an operand has another number of dimensions, or is no tensor; else ``function`` refuses
        it.
    """

    __slots__ = ("function", "kernel_checks", "ndim", "otherwise")

    def __init__(
        self,
        function: Callable[..., None],
        *,
        kernel_checks: bool = False,
        ndim: int | None = None,
        otherwise: Callable[..., Any] | None = None,
    ) -> None:
        self.function = function
        self.kernel_checks = kernel_checks
        self.ndim = ndim
        self.otherwise = otherwise


class Outputs(tuple[str, ...]):
    """The names of an operation's results, and which of them have gradients.

    Parameters
    ----------
    *names : str
        A name for each result.
    differentiable : sequence of str
        Those that have gradients.
    """

    differentiable: tuple[str, ...]

    def __new__(cls, *names: str, differentiable: Sequence[str]) -> Outputs:
        """The names as a tuple that also knows which are differentiable."""
        made = super().__new__(cls, names)
        made.differentiable = tuple(differentiable)
        return made


class Inplace(_Value):
    """What is known of an operation's in-place form.

    Parameters
    ----------
    functions : bool or sequence of str
        Whether it and its aliases are functions of ``pullback`` too, as ``torch.exp_`` is, or which of them.
    method : bool
        Whether the declaration makes the method; else it is written by hand.
    refused_by : {"shape", "arithmetic", "name"}, optional
        In what words ``vmap`` refuses to write results that differ between examples into a tensor that is the same for
        all: that shapes do not fit, that in-place arithmetic can't be, or that this method can't.
    """

    __slots__ = ("functions", "method", "refused_by")

    def __init__(
        self,
        *,
        functions: bool | Sequence[str] = False,
        method: bool = True,
        refused_by: Literal["shape", "arithmetic", "name"] | None = None,
    ) -> None:
        self.functions = functions
        self.method = method
        self.refused_by = refused_by


class Accuracy(_Value):
    """How exact an operation's results are, whatever the backend: what the conformance suite holds them to.

    Parameters
    ----------
    kind : {"exact", "rounded", "rounded twice", "elementwise", "sum", "general"}, optional
        ``exact``: elements are moved or selected. ``rounded``: correctly rounded, as IEEE 754 requires of real numbers.
        ``rounded twice``: a sum of correctly rounded terms, correctly rounded. ``elementwise``: a function of each
        element, good to a few units in the last place. ``sum``: products added up. ``general``: anything else. By
        default what follows from the rest of the declaration: ``exact`` for views and truth values, ``elementwise``
        where operands broadcast, ``sum`` for linear operations.
    any_zero : bool
        Whether a zero may have either sign: IEEE 754 leaves open which of two zeros is the larger.
    either_side : bool
        Whether the result beside a jump, as near as the operands' last place, may be the one of the other side: that of
        an intermediate result that was rounded, as in PyTorch.
    hard_zeros : bool
        Whether a kernel of one operand has zeros that only a result of higher precision can be accurate around: those
        of a sum of large terms. Else it is a library's function, and good to a few units in the last place everywhere.
    composed : bool
        Whether array libraries lack the function of complex numbers, so that it is computed from others.
    attributes : mapping from str to Accuracy
        What holds instead where an attribute is not its default.
    """

    __slots__ = ("any_zero", "attributes", "composed", "either_side", "hard_zeros", "kind")

    def __init__(
        self,
        kind: str | None = None,
        *,
        any_zero: bool = False,
        either_side: bool = False,
        hard_zeros: bool = False,
        composed: bool = False,
        attributes: Mapping[str, Accuracy] = {},
    ) -> None:
        if kind is not None and kind not in ACCURACIES:
            others = did_you_mean(kind, ACCURACIES) or f"; there are {', '.join(ACCURACIES)}"
            raise ValueError(f"no accuracy is called {kind!r}{others}")
        self.kind = kind
        self.any_zero = any_zero
        self.either_side = either_side
        self.hard_zeros = hard_zeros
        self.composed = composed
        self.attributes = dict(attributes)


class Integers(_Value):
    """For which integers an elementwise operation is defined, where not for all: what the conformance suite gives it.

    Parameters
    ----------
    divisor : str, optional
        The operand that must not be zero; nor -1 beside the least number of the dtype.
    between : mapping from str to (int, int), optional
        The least and the largest number of operands that don't take every one.
    least : bool
        Whether operands may be the least number of the dtype, whose opposite has no place.
    """

    __slots__ = ("between", "divisor", "least")

    def __init__(
        self,
        *,
        divisor: str | None = None,
        between: Mapping[str, tuple[int, int]] | None = None,
        least: bool = True,
    ) -> None:
        self.divisor = divisor
        self.between = dict(between or {})
        self.least = least

    @property
    def are_all(self) -> bool:
        """Whether it is defined for every integer."""
        return self.divisor is None and not self.between and self.least


class Sampled(_Value):
    """An operation's samples, and what they are not run with as well.

    The conformance suite runs each operation's first samples again: with other values in the same shapes, and with
    operands that lie otherwise in memory. Each keyword says why one of these is left out, and by default none is.

    Parameters
    ----------
    samples : callable or "elementwise", optional
        Where the samples come from; elementwise operations have a default.
    values : str
        Why NaN, infinities, zeros and equal elements are no operands.
    layouts : str
        Why operands have to lie as they do.
    distinct : str
        The operand whose elements all have to differ, such as positions of which one may not come twice: it is in no
        layout in which elements share memory.
    settings : callable, optional
        ``settings(make)`` yields attributes away from their defaults, as dictionaries, for the default samples of an
        elementwise operation: one more call has each.
    """

    __slots__ = ("distinct", "layouts", "samples", "settings", "values")

    def __init__(
        self,
        samples: Callable[..., Iterable[Any]] | Literal["elementwise"] | None = None,
        *,
        values: str = "",
        layouts: str = "",
        distinct: str = "",
        settings: Settings | None = None,
    ) -> None:
        self.samples = samples
        self.values = values
        self.layouts = layouts
        self.distinct = distinct
        self.settings = settings


class Unsampled(_Value):
    """Stands for the samples of an operation that the conformance suite leaves out, with the reason."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Shows(_Value):
    """What a graph node shows, as ``node._saved_...``, where that differs from what it saves.

    A node shows what its formulas save, under PyTorch's names: the first operand as ``self``, the result as ``result``.

    Parameters
    ----------
    sizes : sequence of str
        The operands of which the shape that is saved is shown.
    hidden : sequence of str
        What PyTorch's node does not have, by PyTorch's name.
    renamed : mapping from str to str
        What PyTorch's node calls otherwise.
    derived : mapping from str to anything
        What PyTorch's node has and this one doesn't save: a constant, or a function that finds it, as those of
        :mod:`pullback.dispatch.shown_values`.
    adjoint : str, optional
        The operand that PyTorch saves transposed and conjugated, because it multiplies by that.
    numbers : sequence of str
        The operands that are Python numbers here, and that PyTorch keeps as such.
    dims : {"tuple", "empty for all"}, optional
        PyTorch keeps a single dimension in a tuple too; and all dimensions as an empty one.
    """

    __slots__ = ("adjoint", "derived", "dims", "hidden", "numbers", "renamed", "sizes")

    def __init__(
        self,
        *,
        sizes: Sequence[str] = (),
        hidden: Sequence[str] = (),
        renamed: Mapping[str, str] = {},
        derived: Mapping[str, Any] = {},
        adjoint: str | None = None,
        numbers: Sequence[str] = (),
        dims: Literal["tuple", "empty for all"] | None = None,
    ) -> None:
        self.sizes = sizes
        self.hidden = hidden
        self.renamed = renamed
        self.derived = derived
        self.adjoint = adjoint
        self.numbers = numbers
        self.dims = dims


#: What the nodes of operations show that say nothing of it.
PLAINLY: Final = Shows()
