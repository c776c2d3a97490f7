import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %%
a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)

# %%
Q = 3 * a**3 - b**2
print(Q)

# %%
external_grad = torch.tensor([1.0, 1.0])
Q.backward(gradient=external_grad)

# %% Are the gradients right?
print(9 * a**2 == a.grad)
print(-2 * b == b.grad)

# %% Which results require gradients
x = torch.tensor([[0.25, 0.5], [0.75, 1.0]])
y = torch.tensor([[1.5, 2.5], [3.5, 4.5]])
z = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)

a = x + y
print(f"Does `a` require gradients?: {a.requires_grad}")
b = x + z
print(f"Does `b` require gradients?: {b.requires_grad}")

# %% A sum of all, and the aggregate gradient
Q = (3 * z**3 - x**2).sum()
Q.backward()
z.grad

# %% Frozen parameters take no part
weight = torch.tensor([[1.0, -1.0], [0.5, 2.0]], requires_grad=True)
bias = torch.tensor([0.5, 0.25], requires_grad=False)
out = (x @ weight + bias).sum()
out.backward()
print(weight.grad, bias.grad)
