"""``functional_call`` and ``stack_module_state``: modules as functions of their parameters and buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullback.process.blocks import surely
from pullback.tensor import Tensor
from pullback.tensor.registry import registry

if TYPE_CHECKING:
    from pullback.nn.module import Module


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in the place of its parameters and buffers.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : dict, or sequence of dicts
        Names, as in ``named_parameters()``, to tensors. Parameters that are not named stay what they are. Where the
        module assigns another tensor to one of its buffers, a single dictionary holds that one afterwards.
    args : any or tuple
        The positional arguments; a single one need not be in a tuple.
    kwargs : dict, optional
        The keyword arguments.
    tie_weights : bool
        Replace a parameter under all its names, where it has several.
    strict : bool
        Refuse dictionaries that lack a parameter or buffer, or have others.

    Returns
    -------
    object
        What the module returns.

    Raises
    ------
    ValueError
        If a name is in several dictionaries, or tied parameters get different values.
    RuntimeError
        With ``strict``, for missing or unexpected names.

    Examples
    --------
    >>> import pullback as pb
    >>> layer = pb.nn.Linear(2, 1)
    >>> weights = {"weight": pb.tensor([[1., 2.]]), "bias": pb.tensor([3.])}
    >>> pb.func.functional_call(layer, weights, pb.ones(1, 2))
    tensor([[6.]])
    """
    if isinstance(parameter_and_buffer_dicts, Mapping):
        given: Any = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        if not all(isinstance(d, Mapping) for d in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [name for d in parameter_and_buffer_dicts for name in d]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {name: value for d in parameter_and_buffer_dicts for name, value in d.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got"
            f" {type(parameter_and_buffer_dicts)}"
        )
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    places = _places(module)
    own = {name: held[key] for name, (held, key) in places.items()}
    values = _replacements(module, given, own, tie_weights, strict)
    now: dict[str, Any] = {}
    try:
        for name, value in values.items():
            held, key = places[name]
            held[key] = value
        return module(*positional, **(kwargs or {}))
    finally:
        surely(_put_back, places, own, values, given, now)


def _places(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """For each name of a parameter or buffer, the dictionary that holds it and its name there."""
    places: dict[str, tuple[dict[str, Any], str]] = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for held in (owner._parameters, owner._buffers):
            for name, value in held.items():
                if value is not None:
                    places[f"{prefix}.{name}" if prefix else name] = (held, name)
    return places


def _replacements(module: Module, given: Any, own: dict[str, Any], tie_weights: bool, strict: bool) -> dict[str, Any]:
    """The tensors that the module shall hold in place of its own, by name."""
    tied = {name: [n for n, v in own.items() if v is own[name]] for name in own} if tie_weights else {}
    values = {name: value for name, value in given.items() if name in own}
    for name, value in tuple(values.items()):
        for other in tied.get(name, ()):
            if other in given and given[other] is not value:
                raise ValueError(
                    f"functional_call got multiple values for keys {sorted(tied[name])}, which are tied. Consider using"
                    " tie_weights=False"
                )
            values[other] = value
    if strict:
        missing = [name for name in own if name not in values]
        unexpected = [name for name in given if name not in own]
        if missing or unexpected:
            lines = [f"Error(s) in reparametrizing for {type(module).__name__}:"]
            if unexpected:
                lines.append(f"Unexpected key(s): {', '.join(map(repr, unexpected))}.")
            if missing:
                lines.append(f"Missing key(s): {', '.join(map(repr, missing))}.")
            raise RuntimeError("\n\t".join(lines))
    for value in values.values():
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"{value} is not an instance of Tensor")
    return values


def _put_back(
    places: dict[str, tuple[dict[str, Any], str]],
    own: dict[str, Any],
    values: dict[str, Any],
    given: Any,
    now: dict[str, Any],
) -> None:
    """Let the module hold its own tensors again; what it has put in the others' place meanwhile goes into ``given``."""
    for name in values:
        held, key = places[name]
        now.setdefault(name, held.get(key))  # the first time that this runs
    for name in values:
        held, key = places[name]
        held[key] = own[name]
    for name, value in now.items():
        if name in given and value is not given[name]:
            given[name] = value


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several modules of one class, each stacked along a new first dimension.

    Returns
    -------
    (dict, dict)
        What :func:`functional_call` takes inside :func:`vmap`. The parameters are leaves that require gradients where
        the modules' do.

    Raises
    ------
    RuntimeError
        For no modules, or modules of different classes or modes.

    Examples
    --------
    >>> import pullback as pb
    >>> parameters, buffers = pb.func.stack_module_state([pb.nn.Linear(2, 1) for _ in range(3)])
    >>> {name: tuple(p.shape) for name, p in parameters.items()}
    {'weight': (3, 1, 2), 'bias': (3, 1)}
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or not any(m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    return _stacked([dict(m.named_parameters()) for m in models]), _stacked([dict(m.named_buffers()) for m in models])


def _stacked(held: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: _stack([tensors[name] for tensors in held], name) for name in held[0]}


def _stack(tensors: list[Any], name: str) -> Tensor:
    if any(t.requires_grad != tensors[0].requires_grad for t in tensors):
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    stack = registry["stack"].call
    made: Tensor = stack([t.detach() for t in tensors])
    return made.requires_grad_(tensors[0].requires_grad)
