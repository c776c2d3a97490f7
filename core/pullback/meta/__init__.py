"""What can be said of a tensor without its elements: dtype, shape, strides, device, format."""
