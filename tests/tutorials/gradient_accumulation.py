import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% Gradients add up
x = torch.tensor([1.0, 2.0], requires_grad=True)
(x * 2).sum().backward()
print(x.grad)
(x * 3).sum().backward()
print(x.grad)

# %%
x.grad.zero_()
(x * 3).sum().backward()
x.grad

# %%
x.grad = None
print(x.grad)
(x**2).sum().backward()
x.grad

# %% Many uses of one tensor
x = torch.tensor(3.0, requires_grad=True)
y = x * x + x * 2 + x
y.backward()
x.grad

# %% Broadcasting sums over what it repeated
w = torch.tensor([[1.0], [2.0]], requires_grad=True)
b = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
(w * b).sum().backward()
print(w.grad, b.grad)

# %% Intermediate gradients need retain_grad
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
y.retain_grad()
z = (y**2).sum()
z.backward()
print(y.grad, x.grad, y.retains_grad)

# %% Without it there is a warning
y = x * 3
(y**2).sum().backward()
print(y.grad)

# %% Only into some inputs
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(5.0, requires_grad=True)
(a * b).backward(inputs=[a])
print(a.grad, b.grad)

# %% Several roots
a.grad = None
torch.autograd.backward([a * 2, b * a], grad_tensors=[torch.tensor(1.0), torch.tensor(2.0)])
print(a.grad, b.grad)

# %% A gradient of None counts as one for scalars
(a * 3).backward(None)
a.grad

# %% Linear regression in ten steps
x = torch.linspace(0, 1, 5).unsqueeze(1)
y = 3 * x + 0.5
w = torch.zeros(1, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(10):
    loss = ((x @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.5 * w.grad
        b -= 0.5 * b.grad
        w.grad.zero_()
        b.grad.zero_()
    print(step, loss)
print(w, b)
