"""Which property-test cases PyTorch answers in part or not at all, and why.

Each table is a list of reasons with the cases they hold for; test_torch_cases.py reads them.
"""


def cases(*groups):
    """A reason for each case."""
    return {name: reason for reason, *names in groups for name in names}


# Cases that are not compared.
OURS_ALONE = cases(
    ("the random numbers differ", "dropout", "alpha_dropout", "rrelu, training"),
    (
        "of an element written twice PyTorch gives every source a gradient, not the one kept",
        "index_copy_",
        "scatter",
        "scatter_",
    ),
    (
        "PyTorch's gradient of a source larger than the index fails",
        "scatter_add",
        "scatter_add_",
    ),
    ("PyTorch's gradient of what is written over is not 0", "as_strided_scatter"),
    ("PyTorch's gradient fails where a bound is larger than the input", "clamp between tensors"),
    ("PyTorch's values have six digits", "special.airy_ai"),
    (
        "PyTorch refuses a weight of one dimension for more than a vector",
        "linear with one output",
    ),
    (
        "PyTorch takes tensors only",
        "maximum of a number",
        "minimum of a number",
        "hypot of a number",
        "logaddexp of a number",
        "atan2 of a number",
    ),
    (
        "PyTorch pads inputs of certain dimensions only",
        "pad with reflection",
        "pad with replication",
        "pad in a circle",
    ),
    (
        "an operation without a public name",
        "place",
        "place arrays",
        "add arrays",
        "slope of airy_ai",
    ),
    (
        "an operation without a public name; test_nn_recurrent.py compares the layers",
        *(
            f"{name}{kind}"
            for name in ("RNN", "LSTM", "GRU")
            for kind in ("", " packed", " without biases")
        ),
        "LSTM with a projection",
    ),
    (
        "PyTorch's gradient is right behind log_softmax only, as test_torch_layers.py compares it",
        "ctc_loss",
        "ctc_loss with another blank",
    ),
)

# Cases of which the value is compared, without a derivative.
VALUE_ALONE = cases(
    (
        "PyTorch has no derivative",
        "floor_divide",
        "heaviside",
        "scatter, multiplied",
        "scatter_, multiplied",
        "hermite_polynomial_h",
        "hermite_polynomial_he",
        "laguerre_polynomial_l",
        "legendre_polynomial_p",
        *(f"{kind}chebyshev_polynomial_{x}" for kind in ("", "shifted_") for x in "tuvw"),
        "special.spherical_bessel_j0",
        *(f"special.bessel_{name}" for name in ("j0", "j1", "y0", "y1")),
        *(f"special.modified_bessel_{name}" for name in ("i0", "i1", "k0", "k1")),
        *(f"special.scaled_modified_bessel_{name}" for name in ("k0", "k1")),
    ),
    ("PyTorch overwrites what its own derivative needs, and raises", "cond", "vander"),
)

# Cases of which the value and the first derivative are compared.
FIRST_ORDER = cases(
    (
        "PyTorch has no second derivative",
        "hardsigmoid",
        "multi_margin_loss",
        "pdist",
        "embedding_bag with weights",
        "embedding_bag of one size with weights",
    ),
    (
        "PyTorch's kernel on CPUs has no second derivative",
        "attention",
        "attention with a boolean mask",
        "attention of shared heads",
        "self-attention without weights",
        "attention of three sequences and a zero",
    ),
)

# Inputs (by position) that PyTorch does not differentiate.
CONSTANT = {
    "binary_cross_entropy, weighted": (2,),
    "binary_cross_entropy_with_logits, pos_weight": (2,),
}
