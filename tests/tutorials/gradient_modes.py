import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %%
x = torch.tensor([1.0], requires_grad=True)
with torch.no_grad():
    y = x * 2
y.requires_grad


# %%
@torch.no_grad()
def doubler(x):
    return x * 2


doubler(x).requires_grad


# %%
@torch.no_grad
def tripler(x):
    return x * 3


tripler(x).requires_grad

# %%
with torch.no_grad(), torch.enable_grad():
    y = x * 2
print(y.requires_grad)
y.backward()
x.grad

# %%
is_train = False
with torch.set_grad_enabled(is_train):
    y = x * 2
y.requires_grad

# %%
_ = torch.set_grad_enabled(True)
y = x * 2
print(y.requires_grad)
_ = torch.set_grad_enabled(False)
y = x * 2
print(y.requires_grad, torch.is_grad_enabled())
_ = torch.set_grad_enabled(True)

# %% An exception leaves the mode as it was
with torch.no_grad():
    raise ValueError("something else")

# %%
torch.is_grad_enabled()


# %% A generator has its mode to itself
@torch.no_grad()
def numbers():
    yield torch.is_grad_enabled()
    yield torch.is_grad_enabled()


for inside in numbers():
    print(inside, torch.is_grad_enabled())

# %% What is made without a graph can be made a leaf
with torch.no_grad():
    w = torch.ones(2) * 3
w.requires_grad_()
(w * w).sum().backward()
print(w.is_leaf, w.grad)
