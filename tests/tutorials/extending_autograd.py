import pullback as torch

# ruff: noqa: B018  (the last expression of a cell is what it shows)


# %% A linear layer
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(input, weight, bias):
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def setup_context(ctx, inputs, output):
        input, weight, bias = inputs
        ctx.save_for_backward(input, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        print("needs:", ctx.needs_input_grad)
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
weight = torch.tensor([[0.5, -0.5]], requires_grad=True)
bias = torch.tensor([0.25], requires_grad=True)
out = LinearFunction.apply(x, weight, bias)
print(out)
out.sum().backward()
print(x.grad, weight.grad, bias.grad)

# %%
print(LinearFunction.apply(x, weight, None).grad_fn)
LinearFunction.apply(x, weight, None).sum().backward()
weight.grad


# %% An argument that is no tensor has the gradient None
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor, constant):
        ctx.constant = constant
        return tensor * constant

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.constant, None


x = torch.tensor([1.0, 2.0], requires_grad=True)
MulConstant.apply(x, 5).sum().backward()
x.grad


# %% A result without a gradient
class Sort(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y, order = x.sort()
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(x, order)
        return y, order

    @staticmethod
    def backward(ctx, g1, g2):
        x, order = ctx.saved_tensors
        grad_input = torch.zeros_like(x)
        grad_input.index_add_(0, order, g1)
        return grad_input


x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
y, order = Sort.apply(x)
print(y, order, order.requires_grad)
(y * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
x.grad


# %% In place
class Inplace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.add_(1)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


a = torch.tensor(1.0, requires_grad=True)
b = a * 2
out = Inplace.apply(b)
print(out is b, b)
b.backward()
a.grad

# %%
Inplace.apply(a)


# %% A clamp with a straight-through gradient
class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return (x > 0).float()

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.clamp(-1, 1)


x = torch.tensor([-1.0, 0.5], requires_grad=True)
y = StraightThrough.apply(x)
print(y)
(y * torch.tensor([0.5, 3.0])).sum().backward()
x.grad


# %% Mistakes
class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


Wrong.apply(x, x).sum().backward()


# %%
class WrongShape(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return torch.ones(3, 3)


WrongShape.apply(x).sum().backward()

# %%
WrongShape()


# %%
class Saves(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(5)
        return x


Saves.apply(x)


# %% Undefined gradients
class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x.clone(), x.clone()

    @staticmethod
    def backward(ctx, g1, g2):
        print(g1, g2)
        return g1


first, second = Two.apply(x)
x.grad = None
first.sum().backward()
x.grad
