import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% Print a gradient as it passes
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * x
handle = y.register_hook(lambda grad: print("gradient of y:", grad))
y.sum().backward()
print(x.grad)

# %% A removed hook is silent
handle.remove()
x.grad = None
y = x * x
handle = y.register_hook(lambda grad: print("never printed"))
handle.remove()
y.sum().backward()
print(x.grad)

# %% A hook's result replaces the gradient
v = torch.tensor([0.0, 0.0, 0.0], requires_grad=True)
h = v.register_hook(lambda grad: grad * 2)
v.backward(torch.tensor([1.0, 2.0, 3.0]))
print(v.grad)
h.remove()
v.backward(torch.tensor([1.0, 2.0, 3.0]))
v.grad

# %% Hooks run in the order of their registration
t = torch.ones(2, requires_grad=True)
s = t * 3
s.register_hook(lambda grad: grad + 1)
s.register_hook(lambda grad: grad * 10)
s.sum().backward()
t.grad

# %% Clip a gradient that explodes
w = torch.tensor([1.0, 10.0, 100.0], requires_grad=True)
w.register_hook(lambda grad: grad.clamp(-5, 5))
(w**2).sum().backward()
w.grad

# %% Keep the gradient of an intermediate result, with a hook and without
kept = {}
x = torch.tensor([2.0, 3.0], requires_grad=True)
y = x**2
z = y * y
y.register_hook(lambda grad: kept.update(y=grad))
z.retain_grad()
z.sum().backward()
print(kept["y"], z.grad, x.grad)

# %% On nodes
x = torch.tensor([2.0, 3.0], requires_grad=True)
y = x.exp()
y.grad_fn.register_hook(lambda inputs, outputs: print("inputs:", inputs, "outputs:", outputs))
y.grad_fn.register_prehook(lambda outputs: print("before:", outputs))
y.sum().backward()

# %% After accumulation: an optimiser step for each parameter as soon as its gradient is there
w = torch.tensor([1.0, 2.0], requires_grad=True)


def step(parameter):
    with torch.no_grad():
        parameter -= 0.5 * parameter.grad
    parameter.grad = None


w.register_post_accumulate_grad_hook(step)
(w * torch.tensor([2.0, 4.0])).sum().backward()
print(w, w.grad)

# %% Only where there is a gradient
torch.ones(2).register_hook(print)

# %%
(w * 2).register_post_accumulate_grad_hook(print)

# %% Hooks and leaves that share one graph
a = torch.ones(3, requires_grad=True)
seen = []
a.register_hook(lambda grad: seen.append(grad.tolist()))
(a * 2 + a * 3).sum().backward()
print(seen)
