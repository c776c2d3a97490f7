"""Values where functions break, or where what they give is known."""

from __future__ import annotations

from typing import Final

#: What IEEE 754 has beyond the ordinary numbers, and a few of those.
SPECIAL_VALUES: Final = (
    float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1.0, -1.0, 2.5, -1.5, 0.5, -0.5, 3.0, -2.0,
)  # fmt: skip

#: Parts of complex numbers on the axes and beside them: where branches are cut, and where signs of zeros decide.
SPECIAL_PARTS: Final = (0.0, -0.0, 1.0, -1.0, 2.5, -0.5)

#: Zero, whole numbers, exact halves, small and large ones; some twice. (Negative zero is a special value: arithmetic in
#: any precision, which values are compared with, has none.)
LATTICE: Final = (
    0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 2.5, -2.5, 3.0, -3.0, 3.5, -4.5, 7.0, -8.0, 12.0, -13.0,
    2.0**-10, -(2.0**-10), 0.0078125, -0.0078125, 20.5, -20.5, 60.0, -60.0, 1.0, 0.0,
)  # fmt: skip

#: Numbers of elements on both sides of where kernels divide their work into blocks.
SIZES: Final = (1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1024)
