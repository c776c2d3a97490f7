import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %%
z = torch.tensor([1 + 2j, 3 - 4j], requires_grad=True)
print(z, z.dtype)
print(z.real.detach(), z.imag.detach(), z.abs(), z.angle(), sep="\n")

# %% The gradient of a real function is the direction of steepest ascent
(z.abs() ** 2).sum().backward()
z.grad

# %% A holomorphic function
z.grad = None
(z**2).sum().backward(torch.tensor(1 + 0j))
z.grad

# %%
(z * z).sum().backward()

# %% From real parts
x = torch.tensor([1.0, 2.0], requires_grad=True)
w = x * (1 + 1j)
print(w)
w.abs().sum().backward()
x.grad
