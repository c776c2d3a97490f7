"""How an operation is declared.

A declaration is a function with a docstring and a signature. Parameters annotated ``Array`` are tensor operands,
``Arrays`` a sequence of them; the rest are attributes. A body receives the backend first and native arrays; no body
means "promote, then the kernel of that name". From the declaration follow the callable, the Tensor method, the
in-place variant, the operators, the graph node with its derivative, the conformance samples and the documentation.

Formulas are functions whose parameters say what they need, and so what is saved for them: ``grad`` (or ``tangent``),
operands and attributes by name, ``out`` for the result, ``<operand>_shape`` and ``<operand>_dtype`` for what can be
known without keeping the operand. They are written in pullback's own operations, so every order of derivative works.

The derivative of an operation is one of:

* ``partials``: elementwise; the partial derivative for each operand, as a number, the name of a saved value, or a
  formula. VJP, JVP, conjugation and un-broadcasting follow.
* ``linear=True`` (jointly linear in all operands) or ``linear="each"`` (linear in each one) with a ``vjp``: the JVP
  follows.
* ``vjp`` and ``jvp``; ``jvp="vjp"`` (for all operands, or for one) where both are the same product, as where the
  Jacobian is diagonal.
* ``nondifferentiable="why"``.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict, TypeVar, Unpack, overload

from pullback.backend.registry import let_go_of
from pullback.dispatch.arguments import attribute_kinds, checking
from pullback.dispatch.codegen import make_callable
from pullback.dispatch.declaration_values import (
    PLAINLY,
    Accepts,
    Accuracy,
    BadCalls,
    Check,
    Inplace,
    Integers,
    Outputs,
    Promotes,
    PromotionRule,
    Sampled,
    Samples,
    Shows,
    Smooth,
    intervals_of,
)
from pullback.dispatch.formulas import of_tangent
from pullback.dispatch.inplace_methods import make_inplace
from pullback.dispatch.node_classes import make_node_type
from pullback.dispatch.out_rules import CAST, Out
from pullback.dispatch.overridable import make_overridable
from pullback.errors import did_you_mean
from pullback.meta import dtypes
from pullback.meta.dtypes import DType
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.backend.base import Backend
    from pullback.batching.run import Rule
    from pullback.tensor import Tensor
    from pullback.tensor.node import Node

if TYPE_CHECKING:
    Array: TypeAlias = Any  # a backend's native array: core knows nothing of its type
    Arrays: TypeAlias = Sequence[Any]
else:

    class Array:
        """Annotates a tensor operand of a declaration."""

    class Arrays:
        """Annotates an operand that is a sequence of tensors."""


Number: TypeAlias = int | float | complex  # what an operand may be beside a Tensor where operands promote
Formula: TypeAlias = Callable[..., Any]
Formulas: TypeAlias = Formula | Mapping[str, Formula]
Tangents: TypeAlias = Formula | str | Mapping[str, Formula | str]
Partial: TypeAlias = Formula | float | str
Memory: TypeAlias = Literal["preserved", "filled", "shared"]
F = TypeVar("F", bound=Callable[..., Any])

#: All real numbers.
EVERYWHERE: Final = (float("-inf"), float("inf"))

#: What formulas call the result and its derivatives.
_FORMULAS_OWN: Final = frozenset(("grad", "grads", "out", "tangent"))


def _forget(backend: Backend) -> None:
    """Let go of a backend in the tables of operations."""
    for operation in tuple(registry.values()):
        if isinstance(operation, Operation):
            operation.tables.pop(backend, None)
            if operation.overwriting is not None:
                operation.overwriting.tables.pop(backend, None)


let_go_of.append(_forget)


class DeclarationError(TypeError):
    """A declaration that contradicts itself or leaves out what it must say."""


class Operation:
    """An operation as declared: the one record that everything else about it is derived from."""

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        kernel: str | None = None,
        dtypes: frozenset[DType] | Accepts = dtypes.EVERY,
        promotion: PromotionRule | Promotes = "same",
        broadcasts: bool = False,
        result: DType | None = None,
        partials: Partial | Mapping[str, Partial] | None = None,
        vjp: Formulas | None = None,
        jvp: Tangents | None = None,
        linear: bool | Literal["each"] = False,
        nondifferentiable: str | None = None,
        node: str | Formula | None = None,
        shows: Shows | Mapping[str, Shows] = PLAINLY,
        outputs: Sequence[str] | Outputs | None = None,
        view: bool = False,
        memory: Memory | None = None,
        check: Callable[..., None] | Check | None = None,
        samples: Samples | None = None,
        bad: BadCalls | None = None,
        warns: str | None = None,
        accuracy: str | Accuracy | None = None,
        domain: tuple[float, float] = EVERYWHERE,
        smooth: Smooth | None = None,
        integers: Integers | None = None,
        oracle: str | None = None,
        out: Out | None = None,
        batching: str | Rule | None = None,
        namespace: str | Sequence[str] | None = "pullback",
    ) -> None:
        accepts = dtypes if isinstance(dtypes, Accepts) else Accepts(dtypes)
        promotes = promotion if isinstance(promotion, Promotes) else Promotes(promotion)
        checked = check if isinstance(check, Check) else None
        self.name = name or function.__name__.rstrip("_")
        self.doc = function.__doc__ or ""
        self.module = function.__module__
        self.function = function
        code = function.__code__
        self.body: Callable[..., Any] | None = None if _is_empty(function) else function
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        positional = names[: code.co_argcount]
        if self.body is not None:
            if positional[:1] != ("backend",):
                raise DeclarationError(f"{self.name}: a body's first parameter is `backend`, got {positional[:1]}")
            positional = positional[1:]
        annotations = {name: _annotation_text(value) for name, value in function.__annotations__.items()}
        self.sequence = annotations.get(positional[0]) == "Arrays" if positional else False
        self.operands: tuple[str, ...] = tuple(
            p for p in positional if annotations.get(p) in ("Array", "Arrays", "Array | None")
        )
        self.optional: frozenset[str] = frozenset(p for p in positional if annotations.get(p) == "Array | None")
        if self.operands != positional[: len(self.operands)] or not self.operands:
            raise DeclarationError(
                f"{self.name}: tensor operands (annotated `Array`) come first, got the parameters {positional}"
            )
        self.keyword_only = names[code.co_argcount :]
        self.attributes: tuple[str, ...] = positional[len(self.operands) :] + self.keyword_only
        defaults = function.__defaults__ or ()
        self.defaults: dict[str, Any] = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
        self.defaults |= function.__kwdefaults__ or {}
        #: Whether it can be told the dtype to compute in; a conversion must be.
        self.takes_dtype = "dtype" in self.attributes and self.defaults.get("dtype", self) is None
        self._check_names()
        self.kernel = kernel or self.name
        self.namespaces = (namespace,) if isinstance(namespace, str) else tuple(namespace or ())
        self.dtypes = accepts.dtypes
        self.promotion = promotes.rule
        self.broadcasts = broadcasts
        self.promotes: tuple[str, ...] = self.operands if promotes.operands is None else tuple(promotes.operands)
        self.result = result
        self.linear = linear
        self.nondifferentiable = nondifferentiable
        self.outputs = tuple(outputs) if outputs is not None else None
        self.differentiable_outputs = outputs.differentiable if isinstance(outputs, Outputs) else self.outputs
        self.view = view
        self.keeps_layout = memory == "preserved"
        self.fills = memory == "filled"
        self.may_share = memory == "shared"
        self.check: Callable[..., None] | None = checked.function if checked else check  # type: ignore[assignment]
        self.kernel_checks = checked is not None and checked.kernel_checks
        self.ndim = checked.ndim if checked else None
        self.otherwise = checked.otherwise if checked else None
        self.sampled = samples if isinstance(samples, Sampled) else Sampled()
        self.samples = samples.samples if isinstance(samples, Sampled) else samples
        self.bad = bad
        self.warns = warns
        self.accuracy = accuracy if isinstance(accuracy, Accuracy) else Accuracy(accuracy)
        self.domain = domain
        self.smooth = self._intervals(smooth)
        self.integers = integers or Integers()
        self.oracle = oracle
        self.unsupported = accepts.unsupported
        self.refuses = accepts.refuses
        self.takes_nothing = accepts.takes_nothing
        numbers = promotes.numbers
        if numbers is True:
            several = self.promotion != "same" and len(self.promotes) > 1 and not self.sequence
            numbers = self.promotes if several else ()
        self.numbers: frozenset[str] = frozenset(numbers or ())
        self.fits = frozenset(promotes.fits)
        self.scales = promotes.scales
        self.out = out
        self.batching = batching
        self.draws = batching in ("draws", "draws of a shape")
        self.partials = self._by_operand(partials) if partials is not None else None
        self.vjp: dict[str, Formula] = self._by_operand(vjp) if vjp is not None else {}
        self.jvp: dict[str, Formula] = self._tangents(jvp) if jvp is not None else {}
        self._check_derivatives()
        self.kinds = attribute_kinds(self)
        self.differentiable: tuple[str, ...] = (
            tuple(n for n in self.operands if n in (self.partials or self.vjp)) if not nondifferentiable else ()
        )
        camel = "".join(part[:1].upper() + part[1:] for part in self.name.split("_"))
        self.node_name: str | Formula = node or f"{camel}Backward0"
        self.shows = shows
        self.inplace = Inplace()
        self.inplace_name: str | None = None
        self.method_names: tuple[str, ...] = ()
        self.aliases: tuple[str, ...] = ()
        self.call: Callable[..., Any]
        self.exported: Callable[..., Any] | None = None  # the function that takes ``out``, where that is another one
        self.tables: dict[Backend, dict[Any, tuple[Any, ...]]] = {}
        self.overwriting: Operation | None = None  # the form that writes into the first operand's array
        self._node_types: dict[tuple[str, bool], type[Node]] = {}

    def _check_names(self) -> None:
        derived = {f"{operand}_{what}" for operand in self.operands for what in ("shape", "dtype")}
        for name in (*self.operands, *self.attributes):
            if name in _FORMULAS_OWN or name in derived:
                raise DeclarationError(
                    f"{self.name}: no parameter may be named {name!r}, which means another thing in formulas"
                )
            if name.startswith("_"):
                raise DeclarationError(f"{self.name}: names of parameters do not begin with `_`, got {name!r}")

    def _by_operand(self, formulas: Any) -> dict[str, Any]:
        if isinstance(formulas, Mapping):
            unknown = set(formulas) - set(self.operands)
            if unknown:
                raise DeclarationError(f"{self.name}: formulas for {sorted(unknown)}, operands are {self.operands}")
            return dict(formulas)
        if len(self.operands) != 1:
            raise DeclarationError(f"{self.name} has the operands {self.operands}: give a formula for each, by name")
        return {self.operands[0]: formulas}

    def _intervals(self, smooth: Smooth | None) -> dict[str, tuple[tuple[float, float], ...]]:
        """For each operand the intervals that its differentiated samples are drawn from."""
        given = smooth if isinstance(smooth, Mapping) else dict.fromkeys(self.operands, smooth)
        unknown = set(given) - set(self.operands)
        if unknown:
            raise DeclarationError(f"{self.name}: `smooth` for {sorted(unknown)}, operands are {self.operands}")
        default = (max(self.domain[0], -2.0), min(self.domain[1], 2.0))
        return {name: intervals_of(given.get(name) or default) for name in self.operands}

    def _tangents(self, formulas: Tangents) -> dict[str, Formula]:
        by_operand: dict[str, Any] = dict.fromkeys(self.vjp, "vjp") if formulas == "vjp" else self._by_operand(formulas)
        for name, formula in by_operand.items():
            if not callable(formula):
                if formula != "vjp" or name not in self.vjp:
                    raise DeclarationError(f"{self.name}: a formula in `jvp` is a function or 'vjp', got {formula!r}")
                by_operand[name] = of_tangent(self.vjp[name])
        return by_operand

    def _check_derivatives(self) -> None:
        kinds = [
            self.partials is not None,
            bool(self.linear) and bool(self.vjp) and not self.jvp,
            bool(self.vjp) and bool(self.jvp) and not self.linear,
            self.nondifferentiable is not None,
        ]
        if kinds.count(True) != 1 or (self.vjp and self.partials is not None):
            raise DeclarationError(
                f"{self.name}: say exactly one of `partials`; `linear` with `vjp`; `vjp` and `jvp`;"
                ' `nondifferentiable="why"`'
            )
        if self.jvp and set(self.jvp) != set(self.vjp):
            raise DeclarationError(f"{self.name}: `vjp` and `jvp` name different operands")

    def node_type(self, name: str, conjugates: bool) -> type[Node]:
        """The node class of that name; one with conjugating formulas for complex dtypes."""
        found = self._node_types.get((name, conjugates))
        if found is None:
            found = self._node_types.setdefault((name, conjugates), make_node_type(self, name, conjugates))
        return found

    def shown_by(self, node: str) -> Shows:
        """What the node of that name shows."""
        return self.shows if isinstance(self.shows, Shows) else self.shows.get(node, PLAINLY)

    @property
    def public(self) -> Callable[..., Any]:
        """What users call; where it takes ``out``, the function of ``pullback`` is another."""
        return self.call

    def __repr__(self) -> str:
        return f"<operation {self.name}>"


class Composite:
    """A function built of operations: it differentiates because they do."""

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        samples: Samples | None,
        dtypes: frozenset[DType],
        accuracy: str | Accuracy | None = None,
        out: Out | None = None,
        namespace: str | Sequence[str] | None = "pullback",
        bad: BadCalls | None = None,
        warns: str | None = None,
    ) -> None:
        self.name = name
        self.bad = bad
        self.warns = warns
        self.function = self.call = function
        self.public: Callable[..., Any] = checking(function)  # type: ignore[arg-type]  # what users call
        self.doc = function.__doc__ or ""
        self.module = function.__module__
        self.sampled = samples if isinstance(samples, Sampled) else Sampled()
        self.samples = samples.samples if isinstance(samples, Sampled) else samples
        self.accuracy = accuracy if isinstance(accuracy, Accuracy) else Accuracy(accuracy)
        self.dtypes = dtypes
        self.out = out
        self.namespaces = (namespace,) if isinstance(namespace, str) else tuple(namespace or ())
        self.nondifferentiable: str | None = None
        self.method_names: tuple[str, ...] = ()
        self.aliases: tuple[str, ...] = ()
        self.inplace_name: str | None = None
        self.oracle: str | None = None

    def __repr__(self) -> str:
        return f"<composite {self.name}>"


def _annotation_text(annotation: Any) -> str:
    """An annotation as it is written, whether or not annotations are strings where the operation is declared."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return text.strip("\"'")


def _is_empty(function: types.FunctionType | Callable[..., Any]) -> bool:
    """Whether the function consists of a docstring only."""
    code = function.__code__
    return not code.co_names and set(code.co_consts) <= {None, function.__doc__} and len(set(code.co_code)) <= 6


class Keywords(TypedDict, total=False):
    """What :func:`op` and :func:`elementwise` take; its documentation says what each means."""

    name: str
    kernel: str
    dtypes: frozenset[DType] | Accepts
    promotion: PromotionRule | Promotes
    broadcasts: bool
    result: DType
    partials: Partial | Mapping[str, Partial] | None
    vjp: Formulas
    jvp: Tangents
    linear: bool | Literal["each"]
    nondifferentiable: str
    node: str | Formula
    shows: Shows | Mapping[str, Shows]
    view: bool
    memory: Memory
    check: Callable[..., None] | Check
    samples: Samples
    bad: BadCalls
    warns: str
    accuracy: str | Accuracy
    domain: tuple[float, float]
    smooth: Smooth
    integers: Integers
    oracle: str
    out: Out | None
    batching: str | Rule
    namespace: str | Sequence[str] | None
    method: bool
    inplace: bool | Inplace
    operator: str | tuple[str, str]
    aliases: Sequence[str]


#: Where a keyword is misspelt, those that it may have meant.
_KEYWORDS: Final = frozenset(Keywords.__annotations__) | {"outputs"}


@overload
def op(
    *, outputs: Sequence[str], **declaration: Unpack[Keywords]
) -> Callable[[Callable[..., Any]], Callable[..., tuple[Any, ...]]]: ...


@overload
def op(
    *, outputs: None = None, **declaration: Unpack[Keywords]
) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]: ...


def op(
    *,
    method: bool = True,
    inplace: bool | Inplace = False,
    operator: str | tuple[str, str] | None = None,
    aliases: Sequence[str] = (),
    **declaration: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation.

    Parameters
    ----------
    kernel : str, optional
        The kernel's name, where it isn't the operation's.
    dtypes : frozenset of DType or Accepts
        What the operation accepts after promotion; with what is said of other dtypes.
    promotion : {"same", "promote", "float"} or Promotes
        ``same``: operands keep their dtypes and must agree. ``promote``: to their common dtype. ``float``: and an
        integer or bool result becomes the default floating dtype. With which operands take part, and may be numbers.
    broadcasts : bool
        Operands broadcast against each other; gradients are reduced to each operand's shape.
    result : DType, optional
        The result's dtype where it isn't the operands' (``bool`` for comparisons).
    partials, vjp, jvp, linear, nondifferentiable
        The derivatives: see the module's text.
    node : str or formula, optional
        The graph node's name, PyTorch's; a formula of the attributes where it depends on them.
    shows : Shows or mapping from str to Shows
        What its node shows of what it saves, where PyTorch's shows something else; for each node, where there are
        several.
    outputs : sequence of str or Outputs, optional
        Names of the results where there are several; the body returns a tuple. With those that have gradients, where
        these are not all.
    view : bool
        On backends with mutable arrays the result shares the first operand's memory; on others it behaves so.
    memory : {"preserved", "filled", "shared"}, optional
        What is known of a result that is no view. ``preserved``: its elements lie in the order of the operand's, on
        immutable backends too. ``filled``: all its elements are equal; written in place, it may go to memory that
        overlaps itself. ``shared``: it may have an operand's memory, as it is part of other operations, which give the
        result its own or write it at once.
    check : callable or Check, optional
        Takes the operands and attributes and raises the error a user should see; with the number of dimensions that
        operands have.
    samples : callable, "elementwise", Sampled or Unsampled, optional
        ``samples(make)`` yields the argument sets that conformance runs; elementwise operations have a default. With
        what they are not run with as well.
    bad : callable, optional
        ``bad(make)`` yields calls that must raise, as :class:`Bad` records, beside those that conformance finds by
        itself: indices and dimensions out of range, shapes that do not fit, dtypes that are not accepted.
    warns : str, optional
        A regular expression for the warnings that it gives by design, as PyTorch does; no other is to be heard.
    accuracy : str or Accuracy, optional
        How exact results are on every backend, where that does not follow from the rest: ``"exact"`` for what moves
        elements, ``"rounded"`` for what is correctly rounded.
    domain : (float, float)
        Between which real numbers it is defined: where the values of elementwise samples are drawn from.
    smooth : (float, float), sequence of (float, float) or mapping from str to either, optional
        Where samples that are differentiated are drawn from: an interval away from kinks, jumps and poles, or several,
        each of which occurs, in every combination; for operands by name. By default the part of the domain between -2
        and 2.
    integers : Integers, optional
        For which integers an elementwise operation is defined, where not for all.
    oracle : str, optional
        The function of mpmath that gives values in higher precision.
    out : Out, optional
        What its function in ``pullback`` takes as ``out=``, a rule of :mod:`pullback.dispatch.out_rules`; nothing by
        default.
    batching : str or callable, optional
        How it runs on operands that :func:`pullback.vmap` has taken a dimension from: the name of a rule of
        :mod:`pullback.batching`, or a function like those. Elementwise operations, and those of one operand whose
        attributes name dimensions, need none; without a rule one example runs after the other, with a warning.
    namespace : str or sequence of str, optional
        The public module that has the function, ``pullback`` by default; None for what is a method alone, or a part of
        others. The index of names is written from it.
    method : bool
        Whether it becomes a Tensor method.
    inplace : bool or Inplace
        Whether it has an in-place method (``name_``), and what else is known of that.
    operator : str or (str, str), optional
        ``"add"`` makes ``__add__`` (and ``__iadd__`` where in-place); ``("add", "radd")`` makes ``__radd__`` too.
    aliases : sequence of str
        Further public names.

    Raises
    ------
    DeclarationError
        When the declaration contradicts itself.
    """

    for unknown in declaration.keys() - _KEYWORDS:
        raise DeclarationError(f"op() takes no keyword {unknown!r}{did_you_mean(unknown, _KEYWORDS)}")

    operators = (operator,) if isinstance(operator, str) else operator or ()

    def declare(declared: Callable[..., Any]) -> Callable[..., Any]:
        operation = Operation(declared, **declaration)
        operation.call = make_callable(operation)
        operation.aliases = tuple(aliases)
        methods: dict[str, Callable[..., Any]] = {}
        if method:
            methods |= dict.fromkeys((operation.name, *aliases), operation.call)
        if isinstance(inplace, Inplace):
            operation.inplace = inplace
        if operation.inplace.method if isinstance(inplace, Inplace) else inplace:
            written = make_inplace(operation)
            operation.inplace_name = written.__name__
            methods |= dict.fromkeys((f"{n}_" for n in (operation.name, *aliases)), written)
            arithmetic = len(operation.operands) > 1 and operation.result is None
            if operators and arithmetic:  # Python has in-place operators of nothing else
                methods[f"__i{operators[0]}__"] = written
        if operators:
            own_code = len(operation.operands) == 2 or operators == ("invert",)
            called = make_callable(operation, operator=True) if own_code else operation.call
            methods |= {f"__{name}__": called for name in operators}
        _attach(operation, methods)
        return operation.call

    return declare


def elementwise(**settings: Unpack[Keywords]) -> Callable[[Callable[..., Any]], Callable[..., Tensor]]:
    """Declare an operation that works element by element: operands promote and broadcast.

    It has an in-place form, and its function takes ``out=``. Takes what :func:`op` takes.
    """
    declaration: Keywords = {"promotion": "promote", "broadcasts": True, "inplace": True, "out": CAST, **settings}
    if settings.get("result") is dtypes.bool_:
        declaration["nondifferentiable"] = "its results are truth values"
    return op(outputs=None, **declaration)


def composite(
    *,
    samples: Samples | None = None,
    accuracy: str | Accuracy | None = None,
    method: bool = True,
    aliases: Sequence[str] = (),
    operator: str | None = None,
    dtypes: frozenset[DType] = dtypes.EVERY,
    out: Out | None = None,
    namespace: str | Sequence[str] | None = "pullback",
    bad: BadCalls | None = None,
    warns: str | None = None,
) -> Callable[[F], F]:
    """Declare a function of Tensors built of operations; it becomes a method too unless ``method=False``."""

    def declare(declared: F) -> F:
        record = Composite(declared, declared.__name__, samples, dtypes, accuracy, out, namespace, bad, warns)
        record.aliases = tuple(aliases)
        names = (record.name, *aliases) if method else ()
        methods: dict[str, Callable[..., Any]] = dict.fromkeys(names, record.public)
        if operator:
            methods[f"__{operator}__"] = declared
        _attach(record, methods)
        return declared

    return declare


def _attach(record: Operation | Composite, methods: dict[str, Callable[..., Any]]) -> None:
    if record.name in registry:
        raise DeclarationError(
            f"the operation {record.name!r} is declared twice: in {registry[record.name].module} and {record.module}"
        )
    present = {name: vars(Tensor)[name] for name in methods if name in vars(Tensor) and not name.startswith("__")}
    # What stands there until the module that declares it is imported gives its home.
    taken = [name for name, value in present.items() if getattr(value, "home", None) != record.module]
    if taken:
        raise DeclarationError(
            f"{record.name}: Tensor has an attribute {taken[0]!r} already; take another name, or `method=False`"
        )
    registry[record.name] = record
    make_overridable(record)
    record.method_names = tuple(methods)
    for method_name, method in methods.items():
        setattr(Tensor, method_name, method)


#: Functions written by hand, with their public module, and the module that has them.
exports: Final[dict[tuple[str, str], str]] = {}


def in_namespace(*namespaces: str) -> Callable[[F], F]:
    """Say in which public modules a function written by hand is; operations say it in their declarations.

    The index of names is written from it, so a function is listed nowhere else.
    """

    def listed(function: F) -> F:
        exports.update({(namespace, function.__name__): function.__module__ for namespace in namespaces})
        return function

    return listed


def public_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """What users call where a module exports this function: one written by hand has its arguments looked at."""
    name: str = getattr(function, "__name__", "")
    record = registry.get(name)
    if record is not None and function is record.call:
        return record.public
    if function.__class__ is not types.FunctionType or hasattr(function, "__wrapped__") or is_generated(function):
        return function
    return checking(function)


def is_generated(function: Callable[..., Any]) -> bool:
    """Whether a function comes from a declaration, and so goes to the general path where its arguments are wrong."""
    code = function.__code__
    return code.co_filename.startswith("<pullback ") or code.co_qualname.startswith("make_inplace.")


def attach(name: str, value: Any) -> None:
    """Make a function or property an attribute of Tensor: for the methods that no declaration makes."""
    setattr(Tensor, name, value if name.startswith("__") else public_function(value))


class Sample:
    """One call of an operation for conformance: positional and keyword arguments, tensors among them.

    Attributes
    ----------
    label : str
        Its name in reports; empty for one that follows from the arguments.
    values_only : bool
        Whether it is not to be differentiated.
    """

    __slots__ = ("args", "kwargs", "label", "values_only")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.label = ""
        self.values_only = False


class Bad(Sample):
    """One call that must raise, for conformance.

    Parameters
    ----------
    raises : type
        The exception's class, PyTorch's.

    Examples
    --------
    >>> from pullback.extend import Bad
    >>> def bad(make):
    ...     "Sizes of a matrix may not be negative."
    ...     yield Bad(RuntimeError, -1, dtype=make.dtype)
    """

    __slots__ = ("raises",)

    def __init__(self, raises: type[Exception], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.raises = raises
