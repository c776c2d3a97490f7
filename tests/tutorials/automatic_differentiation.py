import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% One layer, one loss
x = torch.ones(5)
y = torch.zeros(3)
w = torch.tensor(
    [[0.5, -0.25, 1.0], [0.125, 0.75, -0.5], [-1.0, 0.5, 0.25], [0.25, -0.75, 0.5], [1.5, 0.0, -0.125]],
    requires_grad=True,
)
b = torch.tensor([0.1, -0.2, 0.3], requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
loss

# %%
print(f"Gradient function for z = {z.grad_fn}")
print(f"Gradient function for loss = {loss.grad_fn}")

# %%
loss.backward()
print(w.grad)
print(b.grad)

# %% Without a graph
z = torch.matmul(x, w) + b
print(z.requires_grad)
with torch.no_grad():
    z = torch.matmul(x, w) + b
print(z.requires_grad)

# %%
z = torch.matmul(x, w) + b
z_det = z.detach()
print(z_det.requires_grad)

# %% Jacobian products, three times over the same graph
inp = torch.eye(4, 5, requires_grad=True)
out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"First call\n{inp.grad}")
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nSecond call\n{inp.grad}")
inp.grad.zero_()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nCall after zeroing gradients\n{inp.grad}")

# %% The graph is freed by a pass that does not retain it
out.backward(torch.ones_like(out))
out.backward(torch.ones_like(out))
