"""Reading handwritten digits with a neural network made of plain tensor operations.

Run it on its own, on whichever backend you like; the program is the same::

    python examples/digits.py
    PULLBACK_BACKEND=jax python examples/digits.py

``pullback demo`` trains this very program on every backend installed here and compares the results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pullback as pb
import pullback.nn.functional as F

HIDDEN = (128, 64)
TRAINING_IMAGES = 1440  # the other 357 of the 1797 images are kept for the test
BATCH_SIZE = 60  # divides TRAINING_IMAGES: each step sees arrays of the same shape
EPOCHS = 20
LEARNING_RATE = 0.05
MOMENTUM = 0.9


def load_data(seed: int = 0) -> tuple[pb.Tensor, pb.Tensor, pb.Tensor, pb.Tensor]:
    """Training images, training labels, test images, test labels: 8x8 digits written by 43 people."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels / 16, digits, train_size=TRAINING_IMAGES, stratify=digits, random_state=seed
    )
    mean = train_x.mean()  # of the training images only: the test set stays unseen
    deviation = train_x.std()
    return (
        pb.tensor((train_x - mean) / deviation, dtype=pb.float32),
        pb.tensor(train_y),
        pb.tensor((test_x - mean) / deviation, dtype=pb.float32),
        pb.tensor(test_y),
    )


def initial_parameters(seed: int = 0) -> list[pb.Tensor]:
    """A weight and a bias for each layer; one seed gives the same numbers on every backend."""
    pb.manual_seed(seed)
    sizes = (64, *HIDDEN, 10)
    parameters = []
    for inputs, outputs in pairwise(sizes):
        parameters.append(pb.randn(inputs, outputs) * (2 / inputs) ** 0.5)
        parameters.append(pb.zeros(outputs))
    return [parameter.requires_grad_() for parameter in parameters]


def forward(parameters: list[pb.Tensor], images: pb.Tensor) -> pb.Tensor:
    """The score of each of the ten digits, for each image."""
    w1, b1, w2, b2, w3, b3 = parameters
    hidden = F.relu(images @ w1 + b1)
    hidden = F.relu(hidden @ w2 + b2)
    return hidden @ w3 + b3


def loss_of(parameters: list[pb.Tensor], images: pb.Tensor, labels: pb.Tensor) -> pb.Tensor:
    """Softmax cross-entropy, averaged over the images."""
    return F.cross_entropy(forward(parameters, images), labels)


def minibatches(
    images: pb.Tensor, labels: pb.Tensor, seed: int = 0, epochs: int = EPOCHS
) -> Iterator[tuple[pb.Tensor, pb.Tensor]]:
    """Small groups of images with their labels, in a new random order in every epoch."""
    generator = pb.Generator().manual_seed(seed)
    for _ in range(epochs):
        for rows in pb.randperm(len(labels), generator=generator).split(BATCH_SIZE):
            yield images[rows], labels[rows]


def gradient_step(parameters: list[pb.Tensor], velocities: list[pb.Tensor]) -> None:
    """Move each parameter down its gradient, with momentum, and forget the gradient."""
    with pb.no_grad():
        for parameter, velocity in zip(parameters, velocities, strict=True):
            velocity *= MOMENTUM
            velocity += parameter.grad
            parameter -= LEARNING_RATE * velocity
            parameter.grad = None


def train(
    images: pb.Tensor,
    labels: pb.Tensor,
    seed: int = 0,
    epochs: int = EPOCHS,
    on_step: Callable[[pb.Tensor], None] | None = None,
) -> list[pb.Tensor]:
    """Train a fresh network and return its parameters; ``on_step`` sees the loss of each step."""
    parameters = initial_parameters(seed)
    velocities = [pb.zeros_like(parameter) for parameter in parameters]
    for batch, answers in minibatches(images, labels, seed, epochs):
        loss = loss_of(parameters, batch, answers)
        loss.backward()
        gradient_step(parameters, velocities)
        if on_step is not None:
            on_step(loss.detach())
    return parameters


def accuracy(parameters: list[pb.Tensor], images: pb.Tensor, labels: pb.Tensor) -> float:
    """The share of images whose highest score is the right digit's."""
    with pb.no_grad():
        guesses = forward(parameters, images).argmax(dim=1)
    return (guesses == labels).float().mean().item()


def main() -> None:
    train_images, train_labels, test_images, test_labels = load_data()
    losses: list[float] = []
    parameters = train(train_images, train_labels, on_step=lambda loss: losses.append(loss.item()))
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f} in {len(losses)} steps")
    print(f"test accuracy {accuracy(parameters, test_images, test_labels):.3f}")


if __name__ == "__main__":
    main()
