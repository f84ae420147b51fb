"""Exercise 2.2: a fingerprint for many comparisons."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from topfive.demonstrations import alike
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Integers = NDArray[np.int64]


def _minhash_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(members: int, functions: int, prime: int) -> tuple[Integers, Integers, Integers, int]:
        values = rng.choice(prime, members, replace=False).astype(np.int64)
        multipliers, offsets = rng.integers(1, prime if prime == alike.PRIME else 3 * prime, size=(2, functions))
        return values, multipliers, offsets, prime

    by_hand = (np.array([3, 5, 9]), np.array([2, 7]), np.array([1, 15]), 11)
    return [
        Case("three members, two functions", by_hand, look_at="2·3 + 1, 2·5 + 1, 2·9 + 1, each modulo 11."),
        Case("a set of one member", drawn(1, 5, 31), look_at="the five values of the only member."),
        Case("a single function", drawn(9, 1, 97), look_at="the shape: one number for each function."),
        Case("as many functions as members", drawn(6, 6, 101), look_at="along which direction the smallest is taken."),
        Case("more functions than members", drawn(4, 20, 257), look_at="every function sees every member."),
        Case("many members", drawn(60, 16, 997), look_at="the order: multiply, add, modulo, and then the smallest."),
        Case("a large prime", drawn(25, 12, alike.PRIME), look_at="whether your numbers stay whole numbers."),
    ]


def _table(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    """(functions, members): what each function makes of each member."""
    table: Integers = (multipliers[:, None] * values + offsets[:, None]) % prime
    return table


def _of_table(reduce: Callable[[Integers], object]) -> Function:
    return lambda values, multipliers, offsets, prime: reduce(_table(values, multipliers, offsets, prime))


def _hash(change: Callable[[Integers, Integers, Integers, int], Integers]) -> Function:
    """The smallest for each function, of other values; x comes as a row, a and b as columns."""
    return lambda values, multipliers, offsets, prime: change(
        values[None, :], multipliers[:, None], offsets[:, None], prime
    ).min(axis=1)


def _member(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    found: Integers = values[_table(values, multipliers, offsets, prime).argmin(axis=1)]
    return found


def _of_smallest(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    return (multipliers * values.min() + offsets) % prime


def _of_first(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    return (multipliers * values[0] + offsets) % prime


def _of_last(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    return (multipliers * values[-1] + offsets) % prime


def _first_function(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    return np.full_like(multipliers, ((multipliers[0] * values + offsets[0]) % prime).min())


def _floats(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    table = (multipliers.astype(float)[:, None] * values + offsets[:, None]) % prime
    found: Integers = table.min(axis=1).astype(np.int64)
    return found


def _single(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    table = multipliers.astype(np.int32)[:, None] * values.astype(np.int32) + offsets.astype(np.int32)[:, None]
    found: Integers = (table % np.int32(prime)).min(axis=1).astype(np.int64)
    return found


EXERCISE = Exercise(
    number="2.2",
    title="A fingerprint for many comparisons",
    points=3,
    minutes=12,
    solution=alike.minhash,
    cases=_minhash_cases,
    axes=("function",),
    atol=0.0,
    rtol=0.0,
    mistakes=(
        Mistake(
            "the largest",
            _of_table(lambda table: table.max(axis=1)),
            "That is the largest value of each function. It would do as well, if everybody took it; the smallest was "
            "agreed on. Look at: min and max.",
        ),
        Mistake(
            "the place of the smallest",
            _of_table(lambda table: table.argmin(axis=1)),
            "That is at which place the member with the smallest value stands. Places depend on the order, which a set "
            "does not have. Look at: min and argmin.",
        ),
        Mistake(
            "the member with the smallest value",
            _member,
            "That is which member has the smallest value, not that value. Look at: what you keep of the winner.",
            "Broder 1997 keeps the member; with hashes one keeps the hash",
        ),
        Mistake(
            "the smallest first, then the function",
            _of_smallest,
            "That is what the functions make of the smallest member. Each function has to see every member, and only "
            "then the smallest value is taken: that is the dice that gives every member a chance. Look at: the order "
            "of the two.",
        ),
        Mistake(
            "one member only",
            _of_first,
            "That is what the functions make of the first or of the last member alone. Look at: what happens to the "
            "values of the others; perhaps a `return` in the loop, or a number that is overwritten.",
            also=(_of_last,),
        ),
        Mistake(
            "one function for all",
            _first_function,
            "That is what comes out when the first function is used for every place. Look at: which multiplier and "
            "offset each place has.",
        ),
        Mistake(
            "a smallest value a member",
            _of_table(lambda table: table.min(axis=0)),
            "That is the smallest value of each member over the functions. A signature has one number for each "
            "function. Look at: the axis along which you take the smallest.",
        ),
        Mistake(
            "one number for the set",
            _of_table(lambda table: table.min()),
            "That is the smallest value over all functions together. One number for each function was asked for. "
            "Look at: the shape of what you return.",
        ),
        Mistake(
            "all values",
            _of_table(lambda table: table),
            "That is what every function makes of every member. Of each function only the smallest is kept. "
            "Look at: your last line.",
            also=(_of_table(lambda table: table.T),),
        ),
        Mistake(
            "no modulo",
            _hash(lambda x, a, b, p: a * x + b),
            "That is what comes out without the modulo. Then the smallest member wins in every function, and nothing "
            "is mixed. Look at: `% prime`.",
        ),
        Mistake(
            "the offset after the modulo",
            _hash(lambda x, a, b, p: a * x % p + b),
            "That is what comes out when the offset is added after the modulo, so that values above the prime come "
            "out. Look at: the brackets; `%` binds as strongly as `*`.",
        ),
        Mistake(
            "the modulo of the offset alone",
            _hash(lambda x, a, b, p: a * x + b % p),
            "That is what comes out when `% prime` reaches the offset only. It binds more strongly than `+`. "
            "Look at: the brackets.",
        ),
        Mistake(
            "no offset",
            _hash(lambda x, a, b, p: a * x % p),
            "That is what comes out when the offsets are not added. Look at: where `offsets` stands.",
        ),
        Mistake(
            "multiplier and offset exchanged",
            _hash(lambda x, a, b, p: (b * x + a) % p),
            "That is what comes out when multipliers and offsets have changed places. Look at: which of the two "
            "belongs to x.",
        ),
        Mistake(
            "added before multiplying",
            _hash(lambda x, a, b, p: a * (x + b) % p),
            "That is what comes out when the offset is added to x first, and the sum multiplied. Look at: the "
            "brackets.",
        ),
        Mistake(
            "floating-point numbers",
            _floats,
            "That is what comes out when the numbers become floats on the way: products of two large numbers lose "
            "their last digits, and those decide the modulo. Look at: a float() or a division.",
        ),
        Mistake(
            "too small for the product",
            _single,
            "That is what comes out when products are kept in 32 bits: they overflow. Look at: int32 and int64.",
        ),
    ),
    hints=(
        "Make a table first: a row for each function, a column for each member. Then take the smallest of each row.",
        "`multipliers[:, None] * values` is such a table, k rows and n columns. The offsets need the same `[:, None]`.",
        "Multiply, add, and only then the modulo: mind the brackets. The smallest of each row is `.min(axis=1)`.",
    ),
)
