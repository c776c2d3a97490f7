"""A backend over any library that follows the Python Array API standard."""

from __future__ import annotations

from typing import Any

from pullback.backend.array_api.binding import Binding
from pullback.backend.array_api.creation import Creation
from pullback.backend.array_api.elementwise import Elementwise
from pullback.backend.array_api.indexing import Indexing
from pullback.backend.array_api.reductions import Reductions
from pullback.backend.array_api.shapes import Shapes
from pullback.backend.array_api.views import Views
from pullback.backend.array_api.wide_accumulation import Accumulation
from pullback.meta import dtypes as dt


class ArrayAPIBackend(Binding, Elementwise, Accumulation, Reductions, Shapes, Views, Indexing, Creation):
    """A backend over a namespace of the Array API standard, 2023.12 or later.

    Parameters
    ----------
    name : str
        The backend's name.
    namespace : module
        The library's namespace, as ``array.__array_namespace__()`` gives it.
    mutable : bool, default False
        Whether ``array[...] = value`` writes, and basic indexing, ``reshape``, ``permute_dims``,
        ``broadcast_to``, ``expand_dims`` and ``squeeze`` give views wherever NumPy's do. Leave it False in
        doubt: an immutable backend does all that a mutable one does.

    Notes
    -----
    Dtypes that the namespace lacks are just absent. A subclass overrides any kernel by a method of its name.
    """

    def __init__(self, name: str, namespace: Any, *, mutable: bool = False) -> None:
        lacking = [function for function in ("asarray", "zeros", "reshape") if not hasattr(namespace, function)]
        if lacking:
            raise TypeError(
                f"{type(self).__name__}: argument 'namespace' must be an array library's namespace, as a module that "
                f"follows the Array API standard, not {type(namespace).__name__}, which has no {lacking[0]!r}"
            )
        xp = self.xp = namespace
        self.name = name
        self.mutable = mutable
        self._find_devices()
        self.dtypes, self.native_dtypes = self.find_dtypes()
        self.array_type = type(xp.zeros((1,), dtype=self.native_dtypes[dt.float32]))
        self._relate_dtypes()
        self._bind_elementwise()
        if mutable:
            self._bind_views()
