"""Pickles without Python objects: an interpreter that knows containers, numbers and strings.

A pickle is a program for a small stack machine. Python's own interpreter for it imports modules and
calls functions that the program names, so that whoever wrote the file can run anything. This one
has no such instruction: a name in a pickle is looked up in a table of a few known names, and every
other one ends the reading. It makes no more than the program spells out, so that a small file
cannot fill the memory.

PyTorch: `torch.load(weights_only=True)`.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from pickle import UnpicklingError
from typing import Any, ClassVar

__all__ = ["Callee", "Refused", "Unpickler"]

_MARK = object()
_LONGEST_INTEGER = 1000  # bytes


class Refused(UnpicklingError):
    """The pickle holds what is no data."""


class Callee:
    """What stands for a function that a pickle names: called for it, and never its result."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class Unpickler:
    """One run through a pickle.

    `names` maps the qualified names that are known to values or to `Callee`; `refuse` makes the
    error for any other. `persistent` makes the objects that the pickle only refers to.
    """

    def __init__(
        self,
        program: bytes,
        names: Mapping[str, Any],
        persistent: Callable[[Any], Any],
        refuse: Callable[[str], Exception],
    ) -> None:
        self.program = program
        self.position = 0
        self.names = {**_NAMES, **names}
        self.persistent = persistent
        self.refuse = refuse
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        # Elements that calls may copy. A pickle that `pickle.dump` wrote spells them all out.
        self.budget = 1000 + 8 * len(program)

    def load(self) -> Any:
        """Run the program; its result. Raises UnpicklingError if it is damaged or not allowed."""
        try:
            while True:
                instruction = self.take(1)
                if instruction == b".":
                    (result,) = self.stack
                    return result
                step = self.steps.get(instruction)
                if step is None:
                    raise Refused(_unknown(instruction))
                step(self)
        except _ERRORS as error:
            message = f"its pickle is damaged at byte {self.position} ({type(error).__name__})"
            raise UnpicklingError(message) from None

    def take(self, size: int) -> bytes:
        """The next bytes of the program."""
        if size < 0 or self.position + size > len(self.program):
            raise EOFError
        self.position += size
        return self.program[self.position - size : self.position]

    def number(self, form: str) -> Any:
        """The next number of the program."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark off the stack, and the mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise IndexError
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def pop(self) -> Any:
        """Take one value off the stack."""
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError
        return value

    def spend(self, count: int) -> None:
        """Refuse programs that copy the same elements over and over."""
        self.budget -= count
        if self.budget < 0:
            raise Refused("its pickle makes far more objects than it spells out")

    def hashable(self, key: Any) -> Any:
        """A key of a dict or an element of a set: a number, a string, or a tuple of some."""
        if isinstance(key, tuple):
            # Tuples of tuples may be the same one over and over, and its hash is never kept.
            self.spend(len(key))
            for part in key:
                self.hashable(part)
        elif not (key is None or isinstance(key, (bool, int, float, str, bytes))):
            raise Refused(f"a key in it is a {type(key).__name__}")
        return key

    # Instructions.

    def mark(self) -> None:
        """( begins the items of a container."""
        self.stack.append(_MARK)

    def pop_one(self) -> None:
        """0 forgets a value."""
        self.stack.pop()

    def pop_mark(self) -> None:
        """1 forgets all values since the mark."""
        self.since_mark()

    def duplicate(self) -> None:
        """2 pushes the last value again."""
        self.stack.append(self.stack[-1])

    def integer(self, form: str) -> None:
        """An integer of any length."""
        size = self.number(form)
        if size > _LONGEST_INTEGER:
            raise ValueError
        self.stack.append(int.from_bytes(self.take(size), "little", signed=True))

    def make_tuple(self, size: int | None) -> None:
        """A tuple of the last `size` values, or of those since the mark."""
        items = self.since_mark() if size is None else [self.pop() for _ in range(size)][::-1]
        self.stack.append(tuple(items))

    def append(self, items: list[Any]) -> None:
        """Extend the list on the stack."""
        self.exactly(self.stack[-1], list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Put pairs into the dict on the stack."""
        mapping = self.exactly(self.stack[-1], dict, OrderedDict, Counter)
        for key, value in zip(items[::2], items[1::2], strict=True):
            mapping[self.hashable(key)] = value

    def add_items(self) -> None:
        """Put elements into the set on the stack."""
        items = self.since_mark()
        self.exactly(self.stack[-1], set).update(map(self.hashable, items))

    def frozen(self) -> None:
        """A frozenset of the values since the mark."""
        self.stack.append(frozenset(map(self.hashable, self.since_mark())))

    @staticmethod
    def exactly(value: Any, *kinds: type) -> Any:
        """The value, if it is of one of these types and not of a class derived from them."""
        if type(value) not in kinds:
            raise TypeError
        return value

    def name(self, module: Any, name: Any) -> None:
        """A name: what the table says that it means."""
        qualified = f"{self.exactly(module, str)}.{self.exactly(name, str)}"
        if qualified not in self.names:
            raise self.refuse(qualified)
        self.stack.append(self.names[qualified])

    def name_in_text(self) -> None:
        """c reads a module and a name, one on each line."""
        lines = []
        for _ in range(2):
            end = self.program.index(b"\n", self.position)
            lines.append(self.take(end - self.position).decode())
            self.take(1)
        self.name(*lines)

    def name_on_stack(self) -> None:
        """A module and a name from the stack."""
        name, module = self.pop(), self.pop()
        self.name(module, name)

    def call(self) -> None:
        """R calls a function with a tuple of arguments: one of the table's."""
        arguments, callee = self.exactly(self.pop(), tuple), self.exactly(self.pop(), Callee)
        self.stack.append(callee.function(self, *arguments))

    def build(self) -> None:
        """b gives an object its attributes: only a state_dict has any."""
        state = self.exactly(self.pop(), dict)
        mapping = self.exactly(self.stack[-1], OrderedDict)
        if list(state) != ["_metadata"] or not isinstance(state["_metadata"], dict):
            raise Refused(f"a dict in it has the attributes {list(state)}")
        mapping._metadata = state["_metadata"]

    def get(self, form: str) -> None:
        """Push a value that was noted."""
        self.stack.append(self.memo[self.number(form)])

    def put(self, index: int) -> None:
        """Note the last value."""
        if self.stack[-1] is _MARK:
            raise ValueError
        self.memo[index] = self.stack[-1]

    def refer(self) -> None:
        """Q makes an object from its persistent id."""
        self.stack.append(self.persistent(self.pop()))

    steps: ClassVar[dict[bytes, Callable[[Unpickler], None]]] = {}


def _push(value: Callable[[Unpickler], Any]) -> Callable[[Unpickler], None]:
    return lambda run: run.stack.append(value(run))


def _sized(form: str, convert: Callable[[bytes], Any]) -> Callable[[Unpickler], None]:
    return _push(lambda run: convert(run.take(run.number(form))))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


Unpickler.steps.update(
    {
        # Frame and version of the protocol say nothing about the content.
        b"\x80": lambda run: run.number("<B"),
        b"\x95": lambda run: run.number("<Q"),
        b"(": Unpickler.mark,
        b"0": Unpickler.pop_one,
        b"1": Unpickler.pop_mark,
        b"2": Unpickler.duplicate,
        b"N": _push(lambda _: None),
        b"\x88": _push(lambda _: True),
        b"\x89": _push(lambda _: False),
        b"K": _push(lambda run: run.number("<B")),
        b"M": _push(lambda run: run.number("<H")),
        b"J": _push(lambda run: run.number("<i")),
        b"G": _push(lambda run: run.number(">d")),
        b"\x8a": lambda run: run.integer("<B"),
        b"\x8b": lambda run: run.integer("<i"),
        b"\x8c": _sized("<B", _text),
        b"X": _sized("<I", _text),
        b"\x8d": _sized("<Q", _text),
        b"C": _sized("<B", bytes),
        b"B": _sized("<I", bytes),
        b"\x8e": _sized("<Q", bytes),
        b"]": _push(lambda _: []),
        b"}": _push(lambda _: {}),
        b"\x8f": _push(lambda _: set()),
        b")": lambda run: run.make_tuple(0),
        b"\x85": lambda run: run.make_tuple(1),
        b"\x86": lambda run: run.make_tuple(2),
        b"\x87": lambda run: run.make_tuple(3),
        b"t": lambda run: run.make_tuple(None),
        b"a": lambda run: run.append([run.pop()]),
        b"e": lambda run: run.append(run.since_mark()),
        b"s": lambda run: run.set_items([run.pop(), run.pop()][::-1]),
        b"u": lambda run: run.set_items(run.since_mark()),
        b"\x90": Unpickler.add_items,
        b"\x91": Unpickler.frozen,
        b"c": Unpickler.name_in_text,
        b"\x93": Unpickler.name_on_stack,
        b"R": Unpickler.call,
        b"b": Unpickler.build,
        b"h": lambda run: run.get("<B"),
        b"j": lambda run: run.get("<I"),
        b"q": lambda run: run.put(run.number("<B")),
        b"r": lambda run: run.put(run.number("<I")),
        b"\x94": lambda run: run.put(len(run.memo)),
        b"Q": Unpickler.refer,
    }
)

# Of Python, when a program is not what it should be.
_ERRORS = (
    AttributeError,
    EOFError,
    LookupError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def _unknown(instruction: bytes) -> str:
    from pickletools import opcodes

    names = {opcode.code: opcode.name for opcode in opcodes}
    known = names.get(instruction.decode("latin-1"))
    what = known if known else f"{instruction[0]:#04x}"
    return f"its pickle has the instruction {what}, which tensors and containers do not need"


# The names of Python that containers need.


def _ordered(run: Unpickler, pairs: Any = ()) -> OrderedDict[Any, Any]:
    result: OrderedDict[Any, Any] = OrderedDict()
    for key, value in Unpickler.exactly(pairs, list, tuple):
        run.spend(1)
        result[run.hashable(key)] = value
    return result


def _counter(run: Unpickler, counts: Any = None) -> Counter[Any]:
    counts = {} if counts is None else Unpickler.exactly(counts, dict)
    run.spend(len(counts))
    return Counter(counts)


def _set(run: Unpickler, items: Any = ()) -> set[Any]:
    run.spend(len(Unpickler.exactly(items, list, tuple)))
    return set(map(run.hashable, items))


def _encode(run: Unpickler, text: Any, encoding: Any) -> bytes:
    """Bytes, as protocol 2 writes them."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError
    run.spend(len(Unpickler.exactly(text, str)))
    return str(text).encode("latin-1")


_BUILTINS: list[tuple[str, Callable[..., Any]]] = [
    ("set", _set),
    ("frozenset", lambda run, items=(): frozenset(_set(run, items))),
    ("bytes", lambda _: b""),  # Others are spelled out.
]
_NAMES: dict[str, Any] = {
    "collections.OrderedDict": Callee(_ordered),
    "collections.Counter": Callee(_counter),
    "_codecs.encode": Callee(_encode),
    **{
        f"{module}.{name}": Callee(function)
        for module in ("builtins", "__builtin__")
        for name, function in _BUILTINS
    },
}
