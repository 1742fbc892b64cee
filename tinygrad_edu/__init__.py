"""tinygrad_edu: an autograd framework on NumPy that you can read, with PyTorch's names."""

__version__ = "0.1.0"
