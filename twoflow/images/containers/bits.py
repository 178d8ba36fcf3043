"""Read integers of any number of bits."""

from __future__ import annotations

from ...errors import InputError


class Bits:
    """A reader of bits, highest bit of the first byte first. Reading past the end raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, n: int) -> int:
        """Return the integer in the next n bits."""
        self._left -= n
        if self._left < 0:
            raise InputError("too few bits")
        return self._value >> self._left & (1 << n) - 1

    def take_golomb(self) -> int:
        """Return the integer in an exponential Golomb code, called ue(v) in HEVC and uvlc() in AV1."""
        n_zeros = 0
        while not self.take(1):
            n_zeros += 1
            if n_zeros > 32:
                raise InputError("an exponential Golomb code that is too long")
        return (1 << n_zeros) - 1 + self.take(n_zeros)
