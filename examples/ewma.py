"""Plot exponentially weighted averages of noisy daily temperatures, with and without the correction of their bias.

A larger beta averages over more days, about 1/(1-beta), and follows later. An average that starts at zero is too small
during its first days, which the correction makes up for.
"""

import sys
from pathlib import Path

import numpy as np

from dlrs.utils import ewma


def temperatures(days: int, seed: int = 0) -> np.ndarray:
    """Degrees Celsius over a year, with independent noise from day to day."""
    t = np.arange(days)
    return 11 - 9 * np.cos(2 * np.pi * t / 365) + np.random.default_rng(seed).normal(scale=3, size=days)


def main(path: Path) -> int:
    """Print how the averages lag and what the bias is, and plot them; the exit code is 0."""
    values = temperatures(365)
    print(f"{'beta':>6} {'days':>6} {'noise left':>11} {'day 1 without correction':>25}")
    for beta in (0.5, 0.9, 0.98):
        average = ewma(values, beta).numpy()
        left = np.diff(average).std() / np.diff(values).std()
        print(f"{beta:6} {1 / (1 - beta):6.0f} {left:11.1%} {ewma(values, beta, False).numpy()[0]:25.2f}")
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot as plt
    except ImportError:
        print("No plot: matplotlib is not installed (pip install 'dlrs[plot]').")
        return 0
    figure, (left_axis, right_axis) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left_axis.plot(values, ".", color="0.75", markersize=3, label="days")
    for beta in (0.5, 0.9, 0.98):
        left_axis.plot(ewma(values, beta).numpy(), label=f"beta = {beta}")
    first = slice(0, 60)
    right_axis.plot(values[first], ".", color="0.75", markersize=4, label="days")
    right_axis.plot(ewma(values, 0.98).numpy()[first], label="beta = 0.98, corrected")
    right_axis.plot(ewma(values, 0.98, bias_correction=False).numpy()[first], label="beta = 0.98, not corrected")
    for axis in (left_axis, right_axis):
        axis.set(xlabel="day", ylabel="degrees Celsius")
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=120)
    print(f"Plot: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "ewma.png")))
