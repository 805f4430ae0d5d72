"""What machine.yaml computes inside of its machine: standard library only."""

from decimal import Decimal, getcontext


def pi(digits: int = 200):
    """So many digits of pi, by the formula of Machin."""
    getcontext().prec = digits + 10

    def arctan(inverse):
        total = term = Decimal(1) / inverse
        n, square = 1, inverse * inverse
        while abs(term) > Decimal(10) ** -(digits + 8):
            term /= -square
            n += 2
            total += term / n
        return total

    value = str(4 * (4 * arctan(5) - arctan(239)))[: digits + 2]
    return {"color": "green", "label": value[:8] + "…", "value": value}
