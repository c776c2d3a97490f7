import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% A tensor that records what happens to it
x = torch.ones(2, 2, requires_grad=True)
print(x)

# %%
y = x + 2
print(y)
print(y.grad_fn)

# %%
z = y * y * 3
out = z.mean()
print(z, out)

# %% requires_grad_ changes the flag in place
a = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
a = (a * 3) / (a - 0.5)
print(a.requires_grad)
a.requires_grad_(True)
print(a.requires_grad)
b = (a * a).sum()
print(b.grad_fn)

# %% Gradients
out.backward()
print(x.grad)

# %% The product of a vector with the Jacobian: double until the norm is large
x = torch.tensor([0.5, -1.25, 0.75], requires_grad=True)
y = x * 2
while y.data.norm() < 1000:
    y = y * 2
print(y)

# %%
v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)
y.backward(v)
print(x.grad)

# %% Stop recording
print(x.requires_grad)
print((x**2).requires_grad)
with torch.no_grad():
    print((x**2).requires_grad)

# %% The same values outside the graph
print(x.requires_grad)
y = x.detach()
print(y.requires_grad)
print(x.eq(y).all())

# %% A vector has no implicit gradient
(x * 2).backward()

# %% Nothing to differentiate
torch.ones(2).sum().backward()

# %% (3 * (x + 2) ** 2).mean(), in one go
x = torch.ones(2, 2, requires_grad=True)
(3 * (x + 2) ** 2).mean().backward()
x.grad
