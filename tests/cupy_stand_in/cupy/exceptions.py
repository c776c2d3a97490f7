"""Exceptions and warnings, those of NumPy where it has them."""

from numpy.exceptions import AxisError, ComplexWarning, VisibleDeprecationWarning
