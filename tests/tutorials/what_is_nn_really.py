import math

import pullback as torch

# %% A classifier from nothing but tensors
n, c = 12, 4
x_train = torch.sin(torch.arange(n * 6, dtype=torch.float).reshape(n, 6))
y_train = torch.arange(n) % 3
print(x_train.shape, y_train.min(), y_train.max())

weights = torch.cos(torch.arange(6 * 3, dtype=torch.float)).reshape(6, 3) / math.sqrt(6)
weights.requires_grad_()
bias = torch.zeros(3, requires_grad=True)


def log_softmax(x):
    return x - x.exp().sum(-1).log().unsqueeze(-1)


def model(xb):
    return log_softmax(xb @ weights + bias)


# %%
bs = 6
xb = x_train[0:bs]
preds = model(xb)
print(preds[0], preds.shape)


# %%
def nll(input, target):
    return -input[range(target.shape[0]), target].mean()


yb = y_train[0:bs]
print(nll(preds, yb))


# %%
def accuracy(out, yb):
    preds = torch.argmax(out, dim=1)
    return (preds == yb).float().mean()


print(accuracy(preds, yb))

# %%
lr = 0.5
for epoch in range(4):
    for i in range((n - 1) // bs + 1):
        xb = x_train[i * bs : i * bs + bs]
        yb = y_train[i * bs : i * bs + bs]
        loss = nll(model(xb), yb)
        loss.backward()
        with torch.no_grad():
            weights -= weights.grad * lr
            bias -= bias.grad * lr
            weights.grad.zero_()
            bias.grad.zero_()
    print(epoch, loss, accuracy(model(x_train), y_train))

# %% The same by torch.nn.functional
loss_func = torch.nn.functional.cross_entropy


def linear_model(xb):
    return xb @ weights + bias


print(loss_func(linear_model(xb), yb), accuracy(linear_model(xb), yb))
print(weights)
