"""The differentiable operations, one file for each family."""
