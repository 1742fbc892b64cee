"""The options of a parameter group: their ranges, and how numbers are read."""

from __future__ import annotations

from typing import Any

from ..autograd.graph import TensorBase

__all__ = ["check_options", "check_supported", "number", "with_numbers"]

_INFINITY = float("inf")

#: Ranges, [low, high), by the name of the option: the same in all optimizers.
_RANGES: dict[str, tuple[str, float, float]] = {
    "lr": ("learning rate", 0.0, _INFINITY),
    "momentum": ("momentum value", 0.0, _INFINITY),
    "weight_decay": ("weight_decay value", 0.0, _INFINITY),
    "eps": ("epsilon value", 0.0, _INFINITY),
    "alpha": ("alpha value", 0.0, _INFINITY),
    "betas": ("beta parameter", 0.0, 1.0),
    "lr_decay": ("lr_decay value", 0.0, _INFINITY),
    "initial_accumulator_value": ("initial_accumulator_value value", 0.0, _INFINITY),
    "momentum_decay": ("momentum_decay value", 0.0, _INFINITY),
}

#: Options of PyTorch that ask for more than another kernel, and why they are not here.
_REFUSED = {
    "capturable": "there are no CUDA graphs on NumPy; leave it out, the numbers are the same.",
    "differentiable": (
        "updates work on arrays in place. Write the update with tensor operations to differentiate "
        "through it."
    ),
}


def number(value: Any) -> Any:
    """A number, also where it comes as a tensor or an array of one element."""
    return value.item() if hasattr(value, "item") else value


def with_numbers(group: dict[str, Any]) -> dict[str, Any]:
    """The options of a group, with Python's numbers in place of tensors."""
    # NumPy's scalars would widen: np.float64(0.1) times a float32 array is a float64 array.
    others = {name: value.item() for name, value in group.items() if hasattr(value, "item")}
    return {**group, **others} if others else group


def check_options(optimizer: str, group: dict[str, Any]) -> None:
    """Raise ValueError for options out of range and for what is not supported."""
    check_supported(optimizer, group)
    for option, value in group.items():
        if isinstance(value, TensorBase) and value.numel() != 1:  # type: ignore[attr-defined]
            raise ValueError(f"Tensor {option} must be 1-element; its shape is {value.shape}.")
        if option in _RANGES:
            _check_range(optimizer, option, value)
    if "betas" in group and len(group["betas"]) != 2:
        raise ValueError(
            f"{optimizer}: betas are two numbers, (beta1, beta2); got {group['betas']!r}."
        )
    if group.get("foreach") and group.get("fused"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def check_supported(optimizer: str, group: dict[str, Any]) -> None:
    """Raise ValueError for options that ask for what is not there."""
    for option, reason in _REFUSED.items():
        if group.get(option):
            raise ValueError(f"{optimizer}: {option}=True is not supported: {reason}")


def _check_range(optimizer: str, option: str, value: Any) -> None:
    label, low, high = _RANGES[option]
    many = isinstance(value, (tuple, list))
    for index, entry in enumerate(value if many else [value]):
        if not low <= number(entry) < high:
            place = f" at index {index}" if many else ""
            upper = "" if high == _INFINITY else f" < {high:g}"
            raise ValueError(
                f"Invalid {label}{place}: {number(entry)} ({optimizer}: {low:g} <= {option}{upper})"
            )
