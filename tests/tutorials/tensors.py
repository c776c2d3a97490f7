import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)

# %% From data
data = [[1, 2], [3, 4]]
x_data = torch.tensor(data)
x_data

# %% From another tensor
x_ones = torch.ones_like(x_data)
print(f"Ones Tensor: \n {x_ones} \n")
x_zeros = torch.zeros_like(x_data, dtype=torch.float)
print(f"Zeros Tensor: \n {x_zeros} \n")

# %% From a shape
shape = (2, 3)
print(torch.ones(shape), torch.zeros(shape), torch.full(shape, 7), sep="\n")
print(torch.arange(5), torch.arange(1, 2, 0.25), torch.eye(2), sep="\n")
torch.rand(shape).shape, torch.rand(2, 3).dtype, torch.randn(4).size()

# %% Attributes
tensor = torch.ones(3, 4)
print(f"Shape of tensor: {tensor.shape}")
print(f"Datatype of tensor: {tensor.dtype}")
print(f"Device tensor is stored on: {tensor.device}")
print(tensor.ndim, tensor.numel(), tensor.stride(), tensor.is_contiguous(), tensor.t().is_contiguous())

# %% Indexing
tensor = torch.arange(16.0).reshape(4, 4)
print(f"First row: {tensor[0]}")
print(f"First column: {tensor[:, 0]}")
print(f"Last column: {tensor[..., -1]}")
tensor[:, 1] = 0
print(tensor)

# %%
print(tensor[tensor > 7])
print(tensor[torch.tensor([0, 2]), torch.tensor([1, 3])])
print(tensor[::2, 1:3], tensor[None].shape, tensor[-1, -1])

# %% Join
t1 = torch.cat([tensor, tensor, tensor], dim=1)
print(t1)
torch.stack([tensor[0], tensor[1]])

# %% Arithmetic
tensor = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
y1 = tensor @ tensor.T
y2 = tensor.matmul(tensor.T)
print(y1, torch.equal(y1, y2))
z1 = tensor * tensor
z2 = tensor.mul(tensor)
print(z1, (z1 == z2).all())

# %% Numbers
agg = tensor.sum()
agg_item = agg.item()
print(agg_item, type(agg_item))
print(tensor.tolist(), torch.tensor(3).item(), torch.tensor([True]).item())

# %% In place
print(tensor, "\n")
tensor.add_(5)
print(tensor)

# %% Iteration
for row in tensor:
    print(row)
[float(value) for row in tensor for value in row]

# %%
len(tensor), 6 in tensor, 100 in tensor

# %% Views share memory
x = torch.zeros(4, 4)
y = x.view(16)
z = x.view(-1, 8)
print(x.size(), y.size(), z.size())
y[3] = 1
z[1, 0] = 2
print(x)
x.t()[0, 0] = 7
print(y)

# %% A tuple in all respects
size = x.size()
rows, columns = size
rows, columns, size[0], size.numel()

# %% Mixed dtypes
print((torch.tensor([1, 2]) + 0.5).dtype, (torch.tensor([1, 2]) + torch.tensor([0.5, 1.5], dtype=torch.double)).dtype)
print((torch.ones(2) + torch.tensor(1.0, dtype=torch.double)).dtype, (torch.tensor([True]) + 1).dtype)
torch.tensor([1, 2]) / 2, torch.tensor([7, -7]) // 2, torch.tensor([7, -7]) % 3

# %% Larger prints
print(torch.arange(24).reshape(2, 3, 4))
print(torch.tensor([1e-8, 1.0, 1e8]))
print(torch.tensor([float("nan"), float("inf"), -1.5]))
torch.arange(2000.0)

# %% What does not fit
torch.ones(3) + torch.ones(4)

# %%
torch.ones(2, 3) @ torch.ones(2, 3)

# %%
torch.arange(6).view(4, 2)

# %%
torch.ones(3)[5]

# %%
bool(torch.ones(2))

# %%
torch.ones(2).item()
