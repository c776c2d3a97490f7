"""Parts of SciPy."""

from cupyx.scipy import special
