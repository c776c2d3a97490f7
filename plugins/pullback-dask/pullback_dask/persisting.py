"""Computing tensors now, so that what comes after them does not compute them again."""

import dask

import pullback as pb


def persist(*tensors: pb.Tensor) -> None:
    """Compute tensors together and keep their elements, in chunks, in the place of the graphs that give them.

    A tensor of dask is a graph. One that is changed in a loop, as a network's parameter is, has a graph that
    grows by each step, and whatever looks at it computes all steps again; after each step belongs a ``persist``.
    The tensors stay the same objects, with the same gradients and histories.

    Parameters
    ----------
    *tensors : Tensor
        Tensors of the backend ``"dask"``.
    """
    arrays = dask.persist(*(tensor.array for tensor in tensors))
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.data = pb.as_tensor(array)
