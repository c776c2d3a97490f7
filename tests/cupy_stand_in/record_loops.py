"""Write down what the installed CuPy's elementwise functions take: ``python tests/cupy_stand_in/record_loops.py``.

The tables are parts of the compiled library that it shows without a GPU. The stand-in refuses what they do not have.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cupy
import cupyx.scipy.special

TABLE = Path(__file__).parent / "stand_in" / "loops.json"


def recorded() -> dict[str, Any]:
    """CuPy's version, and each function's loops as pairs of names of dtypes, in the order they are tried in."""
    functions = {}
    for module, names in ((cupy, dir(cupy)), (cupyx.scipy.special, ("erf", "erfc", "erfinv"))):
        for name in names:
            function = getattr(module, name)
            if isinstance(function, cupy.ufunc):
                functions[name] = {
                    "name": function.name,
                    "nin": function.nin,
                    "nout": function.nout,
                    "scatter": function._scatter_op,
                    "loops": [loop(op) for op in function._ops.ops],
                    "loops_of_dtype": None if function._out_ops is None else [loop(o) for o in function._out_ops.ops],
                }
    return {"version": cupy.__version__, "functions": functions}


def loop(op: Any) -> list[Any]:
    """The dtypes that go in, those that come out, and the text of an error where the loop only raises one."""
    raises = None
    if op.error_func is not None:
        try:
            op.error_func()
        except Exception as error:
            raises = f"{type(error).__name__}: {error}"
    return [" ".join(t.name for t in op.in_types), " ".join(t.name for t in op.out_types), raises]


if __name__ == "__main__":
    table = recorded()
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in table["functions"].items())
    TABLE.write_text(f'{{"version": {json.dumps(table["version"])}, "functions": {{\n{lines}\n}}}}\n')
