import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% What is a leaf
a = torch.ones(2, requires_grad=True)
b = a * 2
c = torch.ones(2)
d = torch.ones(2).requires_grad_()
print(a.is_leaf, b.is_leaf, c.is_leaf, d.is_leaf)
print(a.grad_fn, b.grad_fn)

# %% A leaf that requires gradients refuses to be written
a.add_(1)

# %%
a[0] = 5

# %% Its views too
a.view(2).mul_(2)

# %% Except outside the graph
with torch.no_grad():
    a.add_(1)
a

# %% A tensor that a formula needs, written after it was saved
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
z = y**2
y.add_(1)
z.sum().backward()

# %% The result of exp is what its formula needs
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x.exp()
y.mul_(2)
y.sum().backward()

# %% A write that no formula minds
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
y.add_(1)
print(y)
y.sum().backward()
x.grad

# %% Through a view into the graph of its base
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * 1
y[0] = 10.0
y[1:].mul_(5)
print(y)
print(y[1:].grad_fn)
y.sum().backward()
x.grad

# %% A whole row replaced by other inputs
x = torch.zeros(2, 3, requires_grad=True)
row = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x.clone()
y[1] = row * 2
(y * y).sum().backward()
print(y)
print(x.grad, row.grad)

# %% Versions
t = torch.zeros(3)
print(t._version)
t.add_(1)
t[0] = 2
print(t._version, t[1:]._version)

# %% Only floating and complex tensors have gradients
torch.ones(2, dtype=torch.int64, requires_grad=True)

# %%
torch.arange(3).requires_grad_()

# %% The flag of a computed tensor
x = torch.ones(2, requires_grad=True)
(x * 2).requires_grad = False

# %% Integer memory takes no floating result
i = torch.tensor([1, 2])
i.add_(0.5)

# %% Nor does a smaller one grow
torch.ones(2).add_(torch.ones(3, 2))

# %% Expanded memory is one element, many times
torch.ones(1).expand(3).add_(1)

# %% A second pass over a graph that has been freed
x = torch.tensor([2.0], requires_grad=True)
y = x**2
y.backward()
y.backward()

# %%
y = x**2
y.backward(retain_graph=True)
y.backward()
x.grad

# %% The wrong shape
(x * torch.ones(3)).backward(torch.ones(2))

# %% A gradient is a tensor of its own
x = torch.ones(2, requires_grad=True)
x.grad = torch.ones(3)

# %%
x.grad = torch.tensor([1.0, 2.0])
(x * 2).sum().backward()
x.grad
