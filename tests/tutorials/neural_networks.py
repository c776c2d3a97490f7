import pullback as torch

# %% A network of two layers, by functions
F = torch.nn.functional
weight1 = torch.linspace(-0.5, 0.5, 12).reshape(4, 3).requires_grad_()
bias1 = torch.linspace(0.1, -0.1, 4).requires_grad_()
weight2 = torch.linspace(0.5, -0.75, 8).reshape(2, 4).requires_grad_()
bias2 = torch.zeros(2, requires_grad=True)
parameters = [weight1, bias1, weight2, bias2]


def net(input):
    return F.linear(F.relu(F.linear(input, weight1, bias1)), weight2, bias2)


input = torch.tensor([[1.0, -2.0, 0.5], [0.25, 0.75, -1.5]])
out = net(input)
print(out)

# %%
out.backward(torch.ones(2, 2))
print([tuple(p.grad.shape) for p in parameters])

# %% The graph of a loss
output = net(input)
target = torch.tensor([[0.5, -0.5], [1.0, 0.0]])
loss = F.mse_loss(output, target)
print(loss)
print(loss.grad_fn)
print(loss.grad_fn.next_functions[0][0])
print(loss.grad_fn.next_functions[0][0].next_functions[0][0])
print(loss.grad_fn.next_functions[0][0].next_functions[1][0])
print(loss.grad_fn.next_functions[0][0].next_functions[1][0].next_functions[0][0])

# %% Before and after backward
for p in parameters:
    p.grad.zero_()
print("bias1.grad before backward", bias1.grad)
loss.backward()
print("bias1.grad after backward", bias1.grad)

# %% A step of gradient descent
learning_rate = 0.01
for p in parameters:
    p.data.sub_(p.grad.data * learning_rate)
print(weight2)
print(F.mse_loss(net(input), target))

# %% Other losses and activations
x = torch.linspace(-2, 2, 6).reshape(2, 3).requires_grad_()
y = torch.tensor([0, 2])
for loss in (
    F.cross_entropy(x, y),
    F.nll_loss(F.log_softmax(x, dim=1), y),
    F.l1_loss(x, torch.zeros(2, 3)),
    F.smooth_l1_loss(x, torch.zeros(2, 3)),
    F.binary_cross_entropy(torch.sigmoid(x), torch.ones(2, 3)),
):
    (gradient,) = torch.autograd.grad(loss, x)
    print(loss, gradient)

# %%
for activation in (torch.relu, torch.tanh, torch.sigmoid, F.elu, F.gelu, F.silu, F.softplus, F.leaky_relu):
    print(activation(x))
print(torch.softmax(x, dim=-1))
