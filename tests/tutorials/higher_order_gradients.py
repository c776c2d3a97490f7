import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% All derivatives of a power
x = torch.tensor(2.0, requires_grad=True)
y = x**4
for order in range(1, 6):
    (y,) = torch.autograd.grad(y, x, create_graph=True)
    print(order, y)

# %% A Hessian, row by row
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (x[0] ** 2 * x[1] + x[2].exp() * x[0]).sum()
(g,) = torch.autograd.grad(y, x, create_graph=True)
print(g)
rows = [torch.autograd.grad(g[i], x, retain_graph=True)[0] for i in range(3)]
print(torch.stack(rows))

# %% A gradient penalty
w = torch.tensor([[0.5, -1.0], [0.25, 2.0]], requires_grad=True)
data = torch.tensor([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]], requires_grad=True)
out = torch.tanh(data @ w).sum()
(gradient,) = torch.autograd.grad(out, data, create_graph=True)
penalty = ((gradient.norm(dim=1) - 1) ** 2).mean()
print(penalty)
penalty.backward()
print(w.grad)

# %% backward(create_graph=True) leaves a gradient with a graph
x = torch.tensor([1.0, 2.0], requires_grad=True)
z = (x**3).sum()
(gx,) = torch.autograd.grad(z, x, create_graph=True)
(gx**2).sum().backward()
print(gx, x.grad)

# %% Hessian-vector product: the gradient of a product
v = torch.tensor([1.0, -1.0])
x.grad = None
(gx,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
(gx @ v).backward()
x.grad

# %% Several inputs and outputs, and those that are not used
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
unused = torch.tensor(4.0, requires_grad=True)
print(torch.autograd.grad(a * b, (a, b)))
print(torch.autograd.grad([a * b, a + b], [a, b], grad_outputs=[torch.tensor(1.0), torch.tensor(10.0)]))
torch.autograd.grad(a * b, (a, unused))

# %%
torch.autograd.grad(a * b, (a, unused), allow_unused=True)

# %%
torch.autograd.grad(a * b, (a, unused), materialize_grads=True)

# %%
torch.autograd.grad(a * b, torch.tensor(1.0))


# %% The functional interface
def f(x):
    return (x**3).sum()


x = torch.tensor([1.0, 2.0])
print(torch.autograd.functional.hessian(f, x))
print(torch.autograd.functional.hvp(f, x, torch.tensor([1.0, 1.0])))
print(torch.autograd.functional.vhp(f, x, torch.tensor([1.0, 1.0])))
print(torch.autograd.functional.jvp(lambda x: x**2, x, torch.tensor([1.0, 0.5])))
torch.autograd.functional.jacobian(lambda x: x**2 + x.sum(), x)


# %%
def g(x, y):
    return (x * y).sum() + (y**2).sum()


torch.autograd.functional.hessian(g, (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])))
