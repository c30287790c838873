"""Compares the tensors that two safetensors files share.

    compare.py A B [--tolerance 1e-4]
    compare.py --all FOLDER_A FOLDER_B [--tolerance 1e-4]

Prints the largest absolute difference of each shared tensor. Where a file holds `frame_mask` [B, T], or
`lengths` [B], only valid frames of tensors [B, T, D] count. With --all, every file of FOLDER_B with the
suffix `.safetensors` is compared with its namesake in FOLDER_A.

Exit codes: 0 within tolerance; 1 nothing to compare; 3 over tolerance, or a shape or a NaN differs.
"""

import argparse
import pathlib
import sys

import torch
from safetensors.torch import load_file


def frame_mask(*files):
    """Which frames are valid, [B, T] bool, from the first file that says so; None where none does."""
    for tensors in files:
        if "frame_mask" in tensors:
            return tensors["frame_mask"].bool()
        if "lengths" in tensors and "hidden_states.0" in tensors:
            frames = tensors["hidden_states.0"].shape[1]
            return torch.arange(frames)[None] < tensors["lengths"].view(-1, 1)
    return None


def largest_difference(a, b, mask):
    """The largest absolute difference over valid frames; infinite where shapes or NaNs differ."""
    if a.shape != b.shape:
        return float("inf")
    a, b = a.double(), b.double()
    if mask is not None and a.dim() == 3 and a.shape[:2] == mask.shape:
        a, b = a[mask], b[mask]
    if a.numel() == 0:
        return 0.0
    if not torch.equal(a.isnan(), b.isnan()):
        return float("inf")
    same = a == b  # infinities of one sign are equal, and their difference is not a number
    return torch.where(same, 0.0, (a - b).abs()).nan_to_num(nan=0.0, posinf=float("inf")).max().item()


def compare(first, second, tolerance, prefix=""):
    """Prints one line per shared tensor; returns (number compared, number over tolerance)."""
    a, b = load_file(first), load_file(second)
    shared = [name for name in a if name in b]
    mask, over = frame_mask(a, b), 0
    for name in sorted(shared):
        difference = largest_difference(a[name], b[name], mask)
        failed = not difference <= tolerance
        over += failed
        note = f"  over {tolerance:g}" if failed else ""
        if a[name].shape != b[name].shape:
            note = f"  shapes {list(a[name].shape)} and {list(b[name].shape)}"
        print(f"{prefix}{name}\t{difference:.3g}{note}")
    for name in sorted(set(a) ^ set(b)):
        print(f"{prefix}{name}\tonly in {'A' if name in a else 'B'}", file=sys.stderr)
    return len(shared), over


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", type=pathlib.Path)
    parser.add_argument("b", type=pathlib.Path)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--all", action="store_true", help="A and B are folders")
    arguments = parser.parse_args()
    pairs = [(arguments.a, arguments.b, "")]
    if arguments.all:
        files = sorted(arguments.b.rglob("*.safetensors"))
        relative = [path.relative_to(arguments.b) for path in files]
        pairs = [(arguments.a / path, arguments.b / path, f"{path}: ") for path in relative]
    compared = over = 0
    for first, second, prefix in pairs:
        counts = compare(first, second, arguments.tolerance, prefix)
        compared, over = compared + counts[0], over + counts[1]
    if compared == 0:
        sys.exit("compare: the files share no tensor")
    print(f"{compared} tensors compared, {over} over {arguments.tolerance:g}")
    sys.exit(3 if over else 0)


main()
