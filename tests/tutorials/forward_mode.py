import pullback as torch

# %% Dual numbers
fwAD = torch.autograd.forward_ad
primal = torch.tensor([1.0, 2.0, 3.0])
tangent = torch.tensor([1.0, 0.0, 0.5])


def fn(x, y):
    return x**2 + y**2


with fwAD.dual_level():
    dual_input = fwAD.make_dual(primal, tangent)
    print(fwAD.unpack_dual(dual_input).tangent is not None)
    plain_tensor = torch.tensor([1.0, 1.0, 1.0])
    dual_output = fn(dual_input, plain_tensor)
    jvp = fwAD.unpack_dual(dual_output).tangent
print(fwAD.unpack_dual(dual_output).tangent)
print(jvp)

# %% A chain
with fwAD.dual_level():
    dual = fwAD.make_dual(primal, tangent)
    result = (dual.exp() * dual.sin()).sum() / 2
    print(fwAD.unpack_dual(result))


# %% A Function with a jvp
class Fn(torch.autograd.Function):
    @staticmethod
    def forward(ctx, foo):
        result = torch.exp(foo)
        ctx.result = result
        return result

    @staticmethod
    def jvp(ctx, gI):
        gO = gI * ctx.result
        del ctx.result
        return gO


fn = Fn.apply
primal = torch.tensor([0.5, 1.0, -0.5], dtype=torch.double, requires_grad=True)
tangent = torch.tensor([1.0, 2.0, 4.0], dtype=torch.double)
with fwAD.dual_level():
    dual_input = fwAD.make_dual(primal, tangent)
    dual_output = fn(dual_input)
    jvp = fwAD.unpack_dual(dual_output).tangent
    print(jvp)
