import math

import pullback as torch

# ruff: noqa: B015, B018  (the last expression of a cell is what it shows)

# %%
a = torch.linspace(0.0, 2.0 * math.pi, steps=25, requires_grad=True)
print(a)

# %%
b = torch.sin(a)
b.shape

# %%
print(f"{b.detach().sum().abs().item() < 1e-5}, {b.grad_fn}")

# %%
c = 2 * b
print(c.grad_fn)
d = c + 1
print(d.grad_fn)

# %%
out = d.sum()
print(f"{out.item():.4f}", out.grad_fn)

# %% Back along the chain
print("d:")
print(d.grad_fn)
print(d.grad_fn.next_functions)
print(d.grad_fn.next_functions[0][0].next_functions)
print(d.grad_fn.next_functions[0][0].next_functions[0][0].next_functions)
print(d.grad_fn.next_functions[0][0].next_functions[0][0].next_functions[0][0].next_functions)
print("\nc:")
print(c.grad_fn)
print("\nb:")
print(b.grad_fn)
print("\na:")
print(a.grad_fn)

# %%
out.backward()
print(torch.allclose(a.grad, 2 * torch.cos(a)))
a.grad[:5]

# %% Only leaves keep their gradient
b.grad is None

# %% Training by hand
model_weight = torch.linspace(-1, 1, 12).reshape(4, 3).requires_grad_()
some_input = torch.linspace(0, 1, 8).reshape(2, 4)
ideal_output = torch.tensor([[0.5, -0.5, 0.25], [1.0, 0.0, -1.0]])
prediction = some_input @ model_weight
loss = (ideal_output - prediction).pow(2).sum()
print(loss)
print(model_weight.grad)

# %%
loss.backward()
print(model_weight.grad)

# %% Gradients accumulate until they are zeroed
for i in range(3):
    prediction = some_input @ model_weight
    loss = (ideal_output - prediction).pow(2).sum()
    loss.backward()
    print(i, model_weight.grad.sum())
model_weight.grad.zero_()
model_weight.grad

# %% Switching it off and on
a = torch.ones(2, 3, requires_grad=True)
print(a)
b1 = 2 * a
print(b1)
a.requires_grad = False
b2 = 2 * a
print(b2)

# %%
a = torch.ones(2, 3, requires_grad=True) * 2
b = torch.ones(2, 3, requires_grad=True) * 3
c1 = a + b
print(c1)
with torch.no_grad():
    c2 = a + b
print(c2)
c3 = a * b
print(c3)


# %% As decorators
def add_tensors1(x, y):
    return x + y


@torch.no_grad()
def add_tensors2(x, y):
    return x + y


a = torch.ones(2, 3, requires_grad=True) * 2
b = torch.ones(2, 3, requires_grad=True) * 3
c1 = add_tensors1(a, b)
print(c1)
c2 = add_tensors2(a, b)
print(c2)

# %% Detached
x = torch.tensor([0.25, 0.5, 0.75], requires_grad=True)
y = x.detach()
print(x)
print(y)

# %% In place on a leaf
a = torch.linspace(0.0, 2.0 * math.pi, steps=25, requires_grad=True)
torch.sin_(a)

# %%
a += 1


# %% The functional interface
def exp_adder(x, y):
    return 2 * x.exp() + 3 * y


inputs = (torch.tensor([0.5]), torch.tensor([0.25]))
print(inputs)
torch.autograd.functional.jacobian(exp_adder, inputs)

# %%
inputs = (torch.tensor([0.5, 0.25, 0.0]), torch.tensor([1.0, 2.0, 3.0]))
torch.autograd.functional.jacobian(exp_adder, inputs)


# %%
def do_some_doubling(x):
    y = x * 2
    while y.data.norm() < 1000:
        y = y * 2
    return y


inputs = torch.tensor([0.5, -1.25, 0.75])
my_gradients = torch.tensor([0.1, 1.0, 0.0001])
torch.autograd.functional.vjp(do_some_doubling, inputs, v=my_gradients)
