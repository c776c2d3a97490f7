"""Who raised an error: the core, which refuses what no backend is asked for, or a kernel that failed."""

from __future__ import annotations

import dis
from typing import Final

_RAISES: Final = frozenset({dis.opmap["RAISE_VARARGS"], dis.opmap["RERAISE"]})


def is_raised_by_core(error: BaseException) -> bool:
    """Whether a statement of the core raised it: not a backend's module, nor what such a statement called.

    A body in the core calls kernels that are functions of C, which have no frame of their own: what they raise comes
    from an instruction that is a call.
    """
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__") or ""
    is_core = module.startswith("pullback.") and not module.startswith("pullback.backend.")
    return is_core and trace.tb_frame.f_code.co_code[trace.tb_lasti] in _RAISES
