"""What one request, one client and all requests together may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of the service.

    Attributes
    ----------
    max_images : int
        Images of one request. The default is 16; more are refused with 422.
    max_bytes : int
        Bytes of the body of one request. The default is 32 MB; more are refused with 413 as soon as they are announced
        or seen, and never kept in memory.
    max_pixels : int
        Pixels of one image. The default is 50 million; an image with more gets an error, as an unreadable image does.
    max_buffered : int
        Bytes of all bodies that are in memory at the same time. The default is 256 MB; a request beyond it gets 503.
    max_queue : int
        Images that wait for a worker. The default is 256; a request that does not fit gets 503.
    max_per_client : int
        Images of one address that wait or are worked on. The default is 128; a request beyond it gets 429.
    max_explanations : int
        Explanations that wait or are worked on, each of one image. The default is 2, because one may take as long as 64
        answers; a request beyond it gets 503.
    max_connections : int
        Connections that are open at the same time. The default is 256; a further one gets 503 and is closed.
    max_header_bytes : int
        Bytes of the request line and the headers. The default is 16 kB; more are refused with 431.
    header_seconds : float
        Seconds until the headers of a request are there. The default is 10; then the connection gets 408 and is closed.
    body_seconds : float
        Seconds until the body of a request is there. The default is 30; then the request gets 408.
    answer_seconds : float
        Seconds from the end of the body to the answer. The default is 30; then the request gets 503, and its images
        that still wait are dropped.
    """

    max_images: int = 16
    max_bytes: int = 32_000_000
    max_pixels: int = 50_000_000
    max_buffered: int = 256_000_000
    max_queue: int = 256
    max_per_client: int = 128
    max_explanations: int = 2
    max_connections: int = 256
    max_header_bytes: int = 16_384
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    answer_seconds: float = 30.0
