import numpy as np

import pullback as torch

# Runs on: numpy (a NumPy array shares its memory with a tensor of the NumPy backend only)


# %% A tensor as an array: one memory
t = torch.ones(5)
print(f"t: {t}")
n = t.numpy()
print(f"n: {n}")

# %%
t.add_(1)
print(f"t: {t}")
print(f"n: {n}")

# %% An array as a tensor: one memory
n = np.ones(5)
t = torch.from_numpy(n)
np.add(n, 1, out=n)
print(f"t: {t}")
print(f"n: {n}")

# %% tensor() copies
t = torch.tensor(n)
n[0] = 100
print(t, n)

# %%
t = torch.as_tensor(n)
n[1] = 200
print(t)

# %% Not inside a graph
x = torch.ones(3, requires_grad=True)
x.numpy()

# %%
print(x.detach().numpy(), (x * 2).detach().numpy())
np.asarray(torch.arange(3))

# %% Dtypes carry over
print(torch.from_numpy(np.arange(3)).dtype, torch.from_numpy(np.zeros(2, dtype=np.float32)).dtype)
print(torch.ones(2).numpy().dtype, torch.tensor([True]).numpy().dtype)
torch.tensor(np.array([1.5, 2.5]))
