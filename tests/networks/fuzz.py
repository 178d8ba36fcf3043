"""Damage network files: each must give an error of one line or a network, never a crash, a hang or gigabytes.

``python -m tests.networks.fuzz --n 3000`` tries 3000 files of every kind. Each chunk of files has a process of its own,
because onnxruntime or protobuf may crash. The same numbers give the same files.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import onnx

from twoflow.networks import content, get_card, open_session
from twoflow.networks.lite.state_dict import read_state_dict

from .lite import test_state_dict
from .mxnet import files as mxnet_files
from .onnx import nets, test_global_pool

PREPROCESSING = {"input_size": (8, 8), "mean": 127, "scale": 64}
MAX_SECONDS, MAX_MB = 10, 1000
_CHUNK = 250  # files a process
_NUMBERS = [0, 1, 2, 0x7F, 0x80, 0xFF, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]


def onnx_seeds(folder):
    """Return the bytes of undamaged networks; the last one has its weights in another file in `folder`."""
    networks = [
        *(test_global_pool.POOLS[name] for name in ("AveragePool", "ReduceMean of opset 18", "positions in one axis")),
        test_global_pool.tower(), test_global_pool.gated(),
    ]
    seeds = [nets.write(folder / "seed.onnx", **network).read_bytes() for network in networks]
    model = onnx.load_from_string(seeds[0])
    onnx.save(model, folder / "seed.onnx", save_as_external_data=True, size_threshold=0, location="seed.data")
    return [*seeds, (folder / "seed.onnx").read_bytes()]


def mxnet_seeds(folder):
    """Return undamaged pairs of symbol and parameters, as bytes."""
    rng = np.random.default_rng(0)
    operators = [
        ("Convolution", "conv", {"kernel": (3, 3), "num_filter": 4, "pad": (1, 1)}, ["data", "w", "b"]),
        ("BatchNorm", "norm", {"fix_gamma": False}, ["conv", "gamma", "beta", "mean", "var"]),
        ("Activation", "relu", {"act_type": "relu"}, ["norm"]),
        ("Pooling", "small", {"kernel": (2, 2), "stride": (2, 2), "pool_type": "max"}, ["relu"]),
        ("Pooling", "pool", {"global_pool": True, "pool_type": "avg"}, ["small"]),
        ("FullyConnected", "fc", {"num_hidden": 3}, ["pool", "fw", "fb"]),
    ]
    shapes = {"w": (4, 3, 3, 3), "b": 4, "gamma": 4, "beta": 4, "mean": 4, "var": 4, "fw": (3, 4), "fb": 3}
    arrays = {name: rng.uniform(0.5, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    symbol = json.dumps(mxnet_files.network(*operators)).encode()
    return [
        (symbol, mxnet_files.params([mxnet_files.record(array, layout) for array in arrays.values()], arrays))
        for layout in mxnet_files.LAYOUTS
    ]


def pth_seeds(folder):
    """Return the bytes of undamaged state dicts."""
    contents = [{"x": test_state_dict.tensor(), "y": test_state_dict.tensor((4, 3), (1, 4)), "n": 7}]
    return [test_state_dict.write(folder / "seed.pth", each).read_bytes() for each in contents]


def mutate(data, rng):
    """Damage data in one to three places: change bytes or numbers, lose, repeat or copy pieces, or cut off the end."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        if not data:
            break
        at, length = int(rng.integers(len(data))), int(rng.integers(1, 17))
        kind = rng.integers(8)
        if kind < 3:
            data[at] = rng.integers(256) if kind else data[at] ^ 1 << int(rng.integers(8))
        elif kind == 3:
            width = int(rng.choice([1, 2, 4, 8]))
            data[at:at + width] = (_NUMBERS[rng.integers(len(_NUMBERS))] % 256**width).to_bytes(width, "little")
        elif kind == 4:
            del data[at:at + length]
        elif kind == 5:
            data[at:at] = data[at:at + length] * int(rng.integers(1, 5))
        elif kind == 6:
            to = int(rng.integers(len(data)))
            data[to:to] = data[at:at + length]
        elif rng.random() < 0.3:
            del data[at:]
    return bytes(data)


def try_onnx(folder, seeds, rng):
    """Write a damaged file, open it and run it."""
    path = folder / "net.onnx"
    path.write_bytes(mutate(seeds[rng.integers(len(seeds))], rng))
    run(path)


def try_mxnet(folder, seeds, rng):
    """Write a pair of files, one of them damaged, open it and run it."""
    symbol, parameters = seeds[rng.integers(len(seeds))]
    if rng.random() < 0.5:
        symbol = mutate(symbol, rng)
    else:
        parameters = mutate(parameters, rng)
    (folder / "net-symbol.json").write_bytes(symbol)
    (folder / "net-0001.params").write_bytes(parameters)
    run(folder / "net-symbol.json")


def try_pth(folder, seeds, rng):
    """Write a damaged state dict and read it."""
    path = folder / "net.pth"
    path.write_bytes(mutate(seeds[rng.integers(len(seeds))], rng))
    for tensor in read_state_dict(content.read_content(path)).values():
        tensor.sum()


def run(path):
    """Compute the last layers of a network."""
    layers = get_card(path, PREPROCESSING).layers
    if layers:
        open_session(path, tuple(list(layers)[-2:]), 1, PREPROCESSING).run(np.full((8, 8, 3), 99, np.uint8))


KINDS = {"onnx": (onnx_seeds, try_onnx), "params": (mxnet_seeds, try_mxnet), "pth": (pth_seeds, try_pth)}


def outcomes(kind, numbers, folder):
    """Yield the number of each file and its outcome; the outcome of a fault begins with "FAULT"."""
    make_seeds, try_one = KINDS[kind]
    seeds = make_seeds(folder)
    for number in numbers:
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # damaged symbols look old, and damaged values overflow
                try_one(folder, seeds, np.random.default_rng([number, *kind.encode()]))
            outcome = "network"
        except ValueError as error:
            outcome = "error" if str(error).isprintable() else f"FAULT: unprintable {error!r}"
        except Exception as error:
            outcome = f"FAULT: {type(error).__name__} {error}"
        if (seconds := time.monotonic() - begun) > MAX_SECONDS:
            outcome = f"FAULT: {seconds:.1f} s"
        yield number, outcome


def peak_mb():
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main(argv=None):
    """Try many files of every kind; the exit status is the number of faults, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=3000)
    parser.add_argument("--chunk", nargs=3, metavar=("KIND", "START", "END"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.chunk:
        kind, start, end = arguments.chunk
        with tempfile.TemporaryDirectory() as folder:
            before = peak_mb()
            for number, outcome in outcomes(kind, range(int(start), int(end)), Path(folder)):
                print(json.dumps([number, outcome, peak_mb() - before]), flush=True)
        return 0
    n_faults = 0
    for kind in KINDS:
        counts, most = Counter(), 0.0
        for start in range(0, arguments.n, _CHUNK):
            end = min(start + _CHUNK, arguments.n)
            while start < end:
                command = [sys.executable, "-m", __spec__.name, "--chunk", kind, str(start), str(end)]
                try:
                    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
                    output, status = found.stdout, found.returncode
                except subprocess.TimeoutExpired as error:
                    output, status = error.stdout or b"", "timeout"
                for line in output.splitlines():
                    if not line.startswith(b"["):
                        print(kind, start, "FAULT: printed", line)
                        counts["FAULT"] += 1
                        continue
                    start, outcome, peak = json.loads(line)
                    start, most = start + 1, max(most, peak)
                    counts[outcome.split(":")[0]] += 1
                    if outcome.startswith("FAULT"):
                        print(kind, start - 1, outcome)
                if start < end:  # the file at `start` ended the process
                    print(kind, start, f"FAULT: the process ended with {status}")
                    counts["FAULT"] += 1
                    start += 1
        print(f"{kind}: {dict(counts)}, at most {most:.0f} MB more", flush=True)
        n_faults += counts["FAULT"] + (most > MAX_MB)
    return min(n_faults, 1)


if __name__ == "__main__":
    sys.exit(main())
