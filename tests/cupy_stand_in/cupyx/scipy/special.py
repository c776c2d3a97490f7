"""Special functions."""

from stand_in import loops as _loops

globals().update(_loops.elementwise_functions(("erf", "erfc")))
