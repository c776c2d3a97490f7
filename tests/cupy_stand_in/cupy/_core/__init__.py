"""What of CuPy's inner package the backend asks for."""

from stand_in.products import get_compute_type, set_compute_type
