"""What the modules ``cupy`` and ``cupyx`` beside this package are made of: CuPy's rules, over NumPy, on no GPU.

Comments name the file of CuPy 14.2's sources that a rule was read in.
"""

#: What the device is called, and what stands behind the version: nobody is to take this for a GPU.
NO_GPU = "stand-in (no GPU)"
