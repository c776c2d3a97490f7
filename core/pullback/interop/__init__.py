"""Exchange with other libraries: NumPy's protocols, DLPack, buffers, and files."""
