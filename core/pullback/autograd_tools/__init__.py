"""What is built on differentiation: checkpoints, numerical checks of gradients, whole derivatives of functions."""
