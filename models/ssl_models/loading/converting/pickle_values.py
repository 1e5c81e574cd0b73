"""The values of a pickle, without importing, calling or building anything that it names.

A small machine executes the opcodes that Python's own `pickletools` decodes. It makes lists, dictionaries, tuples and
plain values. Every class or function is only a `Named`, and whatever it would have been called with, or filled with, is
kept in a `StandIn`. The work is bounded by the number of opcodes and of the values that they create.
"""

from __future__ import annotations

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

from ssl_models.errors import BadInputError

MOST_OPCODES = 5_000_000
"""A checkpoint of the largest speech model with its optimiser's state takes about a hundred thousand."""
MOST_ITEMS = 20_000_000
"""Values that all containers together may hold."""
MOST_BITS, MOST_PARTS = 4096, 8
"""Bits of an integer, and parts of a tuple as a key: larger ones cost time whenever they are looked up."""
PLAIN = (str, int, float, bool, bytes, type(None))
PUSHED = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8",
})  # fmt: skip
"""Opcodes whose argument is the value."""
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
MADE: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": list}
OF_MARK: dict[str, Callable[[list[Any]], Any]] = {"LIST": list, "TUPLE": tuple, "FROZENSET": list}
"""Sets are lists here, since their members need not be hashable ones."""
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
RECONSTRUCTORS = frozenset({"copyreg._reconstructor", "copy_reg._reconstructor"})


@dataclass(frozen=True, eq=False)
class Named:
    """A class or function by its name, such as `argparse.Namespace`; it is never looked up."""

    name: str


@dataclass(eq=False)
class StandIn:
    """What stands for an object: its class or function, what that would have been called with, and what it would hold.

    Attributes:
        kind: name of the class or function.
        args: positional arguments.
        state: what the object would have been filled with.
        items, values: what it would hold as a mapping and as a sequence.
    """

    kind: str
    args: tuple[Any, ...] = ()
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)


Called = Callable[[str, tuple[Any, ...]], Any]
Stored = Callable[[object], Any]


def pickle_value(stream: IO[bytes], called: Called = StandIn, stored: Stored | None = None) -> Any:  # noqa: ANN401 - any plain value
    """The value of the pickle at the stream's position, which then stands behind it.

    Args:
        stream: holds the pickle; it should be bounded, as a BytesIO is.
        called: makes the value of a call of a named function or class with these arguments; by default a `StandIn`.
        stored: makes the value of a persistent id; None refuses them.

    Raises:
        BadInputError: if it is not a pickle of values, or exceeds the limits above.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pickletools decodes odd escapes with a warning
            return _run(stream, _Machine(called, stored))
    except BadInputError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise BadInputError(f"its pickle is broken ({' '.join(str(error).split())[:120]})") from error


def _run(stream: IO[bytes], machine: _Machine) -> Any:  # noqa: ANN401 - any plain value
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if number > MOST_OPCODES:
            raise BadInputError(f"its pickle has more than {MOST_OPCODES:,} opcodes")
        if opcode.name == "STOP":
            return machine.popped()
        machine.step(opcode.name, argument)
    raise BadInputError("its pickle has no end")


class _Machine:
    """The stack, the marks and the memo of an unpickler, for values alone."""

    def __init__(self, called: Called, stored: Stored | None) -> None:
        self._called, self._stored = called, stored
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._items = 0

    def step(self, name: str, argument: Any) -> None:  # noqa: ANN401 - as pickletools decodes it
        """Execute one opcode."""
        if name in PUSHED:
            if isinstance(argument, int) and argument.bit_length() > MOST_BITS:
                raise BadInputError(f"its pickle has an integer of more than {MOST_BITS} bits")
            self._push(argument)
        elif name in CONSTANTS:
            self._push(CONSTANTS[name])
        elif name in MADE:
            self._push(MADE[name]())
        elif name in OF_MARK:
            self._push(OF_MARK[name](self._counted(self._above_mark())))
        elif name in TUPLES:
            self._push(tuple(reversed([self.popped() for _ in range(TUPLES[name])])))
        elif name in {"PROTO", "FRAME"}:
            pass
        elif (work := getattr(self, f"_do_{name.lower()}", None)) is not None:
            work(argument)
        else:
            raise BadInputError(f"its pickle has the opcode {name}, which no checkpoint needs")

    def popped(self) -> Any:  # noqa: ANN401 - any value
        """Take the top of the stack."""
        return self._stack.pop()

    def _push(self, value: Any) -> None:  # noqa: ANN401 - any value
        self._stack.append(value)

    def _above_mark(self) -> list[Any]:
        above, self._stack = self._stack, self._below.pop()
        return above

    def _counted(self, values: list[Any]) -> list[Any]:
        """The values themselves, counted against the limit."""
        self._items += len(values)
        if self._items > MOST_ITEMS:
            raise BadInputError(f"its pickle holds more than {MOST_ITEMS:,} values")
        return values

    def _do_mark(self, _: None) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _do_pop(self, _: None) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._above_mark()

    def _do_pop_mark(self, _: None) -> None:
        self._above_mark()

    def _do_dup(self, _: None) -> None:
        self._push(self._stack[-1])

    def _do_put(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _do_get(self, number: int) -> None:
        self._push(self._memo[number])

    _do_binput = _do_long_binput = _do_put
    _do_binget = _do_long_binget = _do_get

    def _do_memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_append(self, _: None) -> None:
        value = self.popped()
        self._fill_list(self._counted([value]))

    def _do_appends(self, _: None) -> None:
        self._fill_list(self._counted(self._above_mark()))

    _do_additems = _do_appends

    def _fill_list(self, values: list[Any]) -> None:
        held = self._stack[-1]
        (held.values if isinstance(held, StandIn) else _list(held)).extend(values)

    def _do_setitem(self, _: None) -> None:
        value, key = self.popped(), self.popped()
        self._fill_dict(self._counted([key, value]))

    def _do_setitems(self, _: None) -> None:
        self._fill_dict(self._counted(self._above_mark()))

    def _do_dict(self, _: None) -> None:
        pairs = self._counted(self._above_mark())
        self._push({})
        self._fill_dict(pairs)

    def _fill_dict(self, pairs: list[Any]) -> None:
        held = self._stack[-1]
        mapping = held.items if isinstance(held, StandIn) else _dict(held)
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            mapping[_key(key)] = value

    def _do_global(self, names: str) -> None:
        self._push(Named(".".join(names.split(" ", 1))))

    def _do_stack_global(self, _: None) -> None:
        name, module = self.popped(), self.popped()
        if not isinstance(name, str) or not isinstance(module, str):
            raise BadInputError("its pickle names a class by something other than text")
        self._push(Named(f"{module}.{name}"))

    def _do_reduce(self, _: None) -> None:
        arguments, function = self.popped(), self.popped()
        self._call(function, _tuple(arguments))

    _do_newobj = _do_reduce

    def _do_newobj_ex(self, _: None) -> None:
        named, arguments, kind = self.popped(), self.popped(), self.popped()
        self._push(StandIn(_named(kind), _tuple(arguments), dict(_dict(named))))

    def _do_inst(self, names: str) -> None:
        arguments = tuple(self._counted(self._above_mark()))
        self._call(Named(".".join(names.split(" ", 1))), arguments)

    def _do_obj(self, _: None) -> None:
        kind, *arguments = self._counted(self._above_mark())
        self._call(kind, tuple(arguments))

    def _call(self, function: Any, arguments: tuple[Any, ...]) -> None:  # noqa: ANN401 - must be a Named
        name = _named(function)
        if name in RECONSTRUCTORS and arguments:
            name, arguments = _named(arguments[0]), ()
        if name == "collections.OrderedDict":
            self._push({})
            for pair in self._counted(list(_list(arguments[0]))) if arguments else []:
                self._fill_dict(list(pair))
            return
        self._push(self._called(name, arguments))

    def _do_build(self, _: None) -> None:
        state, held = self.popped(), self._stack[-1]
        if isinstance(held, StandIn):
            held.state = state  # what a plain container carries besides its items is not a value of it

    def _do_binpersid(self, _: None) -> None:
        self._do_persid(self.popped())

    def _do_persid(self, identity: object) -> None:
        if self._stored is None:
            raise BadInputError("its pickle refers to a storage where there is none")
        self._push(self._stored(identity))


def _key(key: Any) -> Any:  # noqa: ANN401 - any value
    """A key of a mapping, which must be plain, or stand for an object (as an enumeration's members do)."""
    if isinstance(key, (*PLAIN, Named, StandIn)):
        return key
    if isinstance(key, tuple) and len(key) <= MOST_PARTS and all(isinstance(part, PLAIN) for part in key):
        return key
    raise BadInputError(f"its pickle has a {type(key).__name__} as the key of a mapping")


def _named(value: Any) -> str:  # noqa: ANN401 - any value
    if not isinstance(value, Named):
        raise BadInputError(f"its pickle calls a {type(value).__name__}")
    return value.name


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any value
    return _of(list, value)


def _dict(value: Any) -> dict[Any, Any]:  # noqa: ANN401 - any value
    return _of(dict, value)


def _tuple(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any value
    return _of(tuple, value)


def _of(kind: type[Any], value: Any) -> Any:  # noqa: ANN401 - any value
    if not isinstance(value, kind):
        raise BadInputError(f"its pickle treats a {type(value).__name__} as a {kind.__name__}")
    return value
