import math

import pullback as torch

# %% A sine through a linear layer over the powers of x
dtype = torch.double
x = torch.linspace(-math.pi, math.pi, 200, dtype=dtype)
y = torch.sin(x)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)
model = torch.nn.Sequential(torch.nn.Linear(3, 1, dtype=dtype), torch.nn.Flatten(0, 1))
print(model)
print([(name, tuple(parameter.shape)) for name, parameter in model.named_parameters()])

# %%
with torch.no_grad():
    model[0].weight.copy_(torch.tensor([[0.25, -0.125, 0.0625]], dtype=dtype))
    model[0].bias.fill_(0.5)
loss_fn = torch.nn.MSELoss(reduction="sum")
learning_rate = 1e-6
for t in range(100):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 25 == 24:
        print(t, f"{loss.item():.6f}")
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= learning_rate * param.grad
linear_layer = model[0]
print(linear_layer.bias)
print(linear_layer.weight)


# %% The same with optimizers
def train(make_optimizer):
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.25, -0.125, 0.0625]], dtype=dtype))
        model[0].bias.fill_(0.5)
    optimizer = make_optimizer(model.parameters())
    for _ in range(40):
        loss = loss_fn(model(xx), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(type(optimizer).__name__, f"{loss.item():.6f}", linear_layer.weight.tolist()[0][0].__round__(6))


train(lambda parameters: torch.optim.SGD(parameters, lr=1e-6))
train(lambda parameters: torch.optim.SGD(parameters, lr=1e-6, momentum=0.9))
train(lambda parameters: torch.optim.SGD(parameters, lr=1e-6, momentum=0.9, nesterov=True, weight_decay=0.1))
train(lambda parameters: torch.optim.RMSprop(parameters, lr=1e-3))
train(lambda parameters: torch.optim.Adam(parameters, lr=1e-2))
train(lambda parameters: torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.1))


# %% A module of one's own
class Polynomial3(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(0.5, dtype=dtype))
        self.b = torch.nn.Parameter(torch.tensor(-0.25, dtype=dtype))
        self.c = torch.nn.Parameter(torch.tensor(0.125, dtype=dtype))
        self.d = torch.nn.Parameter(torch.tensor(1.0, dtype=dtype))

    def forward(self, x):
        return self.a + self.b * x + self.c * x**2 + self.d * x**3

    def string(self):
        return f"y = {self.a.item():.4f} + {self.b.item():.4f} x + {self.c.item():.4f} x^2 + {self.d.item():.4f} x^3"


model = Polynomial3()
print(model, model.a)
criterion = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
for _ in range(50):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.6f}", model.string())


# %% A small model
class TinyModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = torch.nn.Linear(6, 5)
        self.relu = torch.nn.ReLU()
        self.layer2 = torch.nn.Linear(5, 2)

    def forward(self, x):
        return self.layer2(self.relu(self.layer1(x)))


model = TinyModel()
print(model)
print(model.layer2.weight.grad, sum(p.numel() for p in model.parameters()))
with torch.no_grad():
    for number, parameter in enumerate(model.parameters()):
        parameter.copy_(torch.linspace(-0.5, 0.5 + number / 10, parameter.numel()).reshape(parameter.shape))
some_input = torch.linspace(-1, 1, 18).reshape(3, 6)
loss = (model(some_input) - torch.ones(3, 2)).pow(2).sum()
loss.backward()
print(loss)
print(model.layer2.weight.grad)

# %% Frozen parameters
for param in model.layer1.parameters():
    param.requires_grad = False
model.zero_grad()
print(model.layer2.weight.grad)
model(some_input).sum().backward()
print(model.layer1.weight.grad, model.layer2.bias.grad)

# %% A state to take along
state = model.state_dict()
print(list(state), state["layer2.bias"])
other = TinyModel()
other.load_state_dict(state)

# %%
print((other(some_input) == model(some_input)).all())

# %% Modes
print(model.training, model.eval().training, model.train().training)
