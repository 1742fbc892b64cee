"""Expressions in which the two libraries differ, and why; test_torch_functions.py checks both.

When PyTorch changes, a test fails, and the line goes.
"""


def differ(reason, text):
    """The lines of a text, with the reason that they share."""
    return dict.fromkeys(text.strip().splitlines(), reason)


DIFFERENT = {
    **differ(
        "the derivative by x is 2ⁿ; PyTorch's is 0 where n is a negative integer",
        """
torch.ldexp(x, i)
torch.ldexp_(x.clone(), i)
x.ldexp(k)
x.clone().ldexp_(i)
""",
    ),
    **differ(
        "2⁻¹ is no integer: refused here, 0 in PyTorch",
        """
torch.pow(2, i)
""",
    ),
    **differ(
        "what is written over has the gradient 0; PyTorch gives it to the written elements alone",
        """
torch.as_strided_scatter(m, v[:2].detach(), (2,), (5,))
m.as_strided_scatter(w.detach(), (4,), (5,))
""",
    ),
    **differ(
        "of an element written twice PyTorch gives every source a gradient, not the one kept",
        """
torch.index_put(x, (j[1:] % 3,), v)
""",
    ),
    **differ(
        "the memory of a tensor is a NumPy array, of fixed size and place",
        """
x.detach().resize(4, 3)
x.detach().clone().resize_(4, 3)
x.detach().resize_as(i.T)
x.detach().clone().resize_as_(i.T)
x.detach().clone().set_(y.detach())
x.untyped_storage().nbytes()
len(x.detach().storage())
x.detach().share_memory_()
""",
    ),
    **differ(
        "every algorithm here is deterministic",
        """
torch.are_deterministic_algorithms_enabled()
""",
    ),
}
DIFFERENT_ON_UNUSUAL_VALUES = {
    **differ(
        "a mean that is infinite, where PyTorch answers NaN",
        """
torch.var_mean(x, dim=1)
torch.std_mean(x, 0, keepdim=True, correction=0)
torch.trapezoid(x)
torch.trapz(x)
""",
    ),
    **differ(
        "the limit at infinity, where PyTorch answers NaN",
        """
torch.i0(x)
x.i0()
torch.i0_(x.clone())
x.clone().i0_()
torch.special.i0(x)
torch.special.i1(x)
torch.special.bessel_j0(x.detach())
torch.special.bessel_j0(20 * x.detach())
torch.special.bessel_j1(x.detach())
torch.special.bessel_y0(p.detach())
torch.special.bessel_y1(p.detach())
torch.special.modified_bessel_i0(x.detach())
torch.special.modified_bessel_i0(20 * x.detach())
torch.special.modified_bessel_i1(x.detach())
torch.special.zeta(2, p)
torch.special.zeta(p.detach() + 1, 3)
torch.special.zeta(p.detach() + 2, p)
""",
    ),
    **differ(
        "infinite at the poles, and at -inf, where PyTorch has large numbers and NaN",
        """
torch.polygamma(1, p)
torch.polygamma(2, p)
p.polygamma(1)
torch.special.polygamma(3, p)
(p * 3).polygamma_(1)
""",
    ),
    **differ(
        "NaN of NaN, where PyTorch answers 0, 1 or what its memory holds",
        """
torch.igamma(p.detach(), x.abs())
torch.igammac(p.detach(), x.abs())
torch.special.gammainc(p.detach(), x.abs())
torch.special.gammaincc(p.detach(), x.abs())
torch.special.chebyshev_polynomial_u(p.detach(), 4)
torch.special.chebyshev_polynomial_w(p.detach(), 3)
torch.special.shifted_chebyshev_polynomial_u(p.detach(), 3)
torch.special.shifted_chebyshev_polynomial_w(p.detach(), 3)
torch.special.laguerre_polynomial_l(x.detach(), 3)
torch.special.legendre_polynomial_p(p.detach(), 5)
torch.cdist(x.detach(), y.detach(), float("inf"))
""",
    ),
    **differ(
        "NaN is the largest of sorted values; PyTorch's place depends on the steps of the search",
        """
torch.searchsorted(x.sort(1)[0], y, side="right")
""",
    ),
    **differ(
        "a number is a sample of one class",
        """
torch.nn.functional.multilabel_soft_margin_loss(x, p, weight=w.detach().abs())
""",
    ),
    **differ(
        "what a function returns is not known without calling it",
        """
torch.func.vmap(torch.dot)(x.detach(), y.detach())
torch.vmap(torch.sum)(x.detach())
""",
    ),
}
DIFFERENT_ERRORS = {
    **differ(
        "an IndexError here, as for other indices out of range",
        """
torch.index_add(x, 0, j, x)
torch.nn.functional.multi_margin_loss(x, j + 9)
""",
    ),
    **differ(
        "an IndexError here, as for other things that are no index",
        """
x["a"]
""",
    ),
    **differ(
        "a TypeError in both as ~x",
        """
torch.bitwise_not(x)
""",
    ),
    **differ(
        "a ValueError in both as nn.functional.dropout",
        """
torch.dropout(x, 1.5, True)
""",
    ),
    **differ(
        "the shape is wrong, no index",
        """
torch.nn.functional.unfold(x, 2)
""",
    ),
}
