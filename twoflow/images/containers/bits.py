"""Reading numbers of any number of bits."""

from __future__ import annotations

from ...errors import InputError


class Bits:
    """The bits of some bytes, from the highest of the first on; taking more than there are raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, n: int) -> int:
        """The number in the next n bits."""
        self._left -= n
        if self._left < 0:
            raise InputError("too few bits")
        return self._value >> self._left & (1 << n) - 1

    def take_golomb(self) -> int:
        """The number in an exponential Golomb code, which HEVC calls ue(v) and AV1 uvlc()."""
        n_zeros = 0
        while not self.take(1):
            n_zeros += 1
            if n_zeros > 32:
                raise InputError("no number")
        return (1 << n_zeros) - 1 + self.take(n_zeros)
