"""Translate dates as people write them into ISO 8601, and draw which letters it looks at for each digit.

The course's translator: a bidirectional LSTM reads the date letter by letter; a second LSTM writes "2001-09-21" and
before each character weighs the states of the first by additive attention (Bahdanau et al. 2015, arXiv 1409.0473). The
dates are made here, in the formats of several languages.
"""

import argparse
import datetime
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import layers, text

Array = np.ndarray[Any, Any]

LENGTH, WRITTEN = 32, 10  # letters read at most, and characters of YYYY-MM-DD
STATE = 64
NAMES = """
en January February March April May June July August September October November December
de Januar Februar März April Mai Juni Juli August September Oktober November Dezember
fr janvier février mars avril mai juin juillet août septembre octobre novembre décembre
es enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
"""
MONTHS = {language: months for language, *months in map(str.split, NAMES.strip().splitlines())}
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SHOWN = ("3 May 1979", "5 April 09", "21th of August 2016", "Tue 10 Jul 2007", "Saturday May 9 2018", "March 3 2001",
         "1. März 2024", "le 14 juillet 1989", "12 de octubre de 1992", "11/09/2001", "2011.11.11")  # fmt: skip


def ordinal(day: int) -> str:
    """1st, 2nd, 3rd, 4th, ..."""
    ending = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def human(date: datetime.date, rng: np.random.Generator) -> str:
    """The date as somebody might write it, in small letters; numbers only: day before month."""
    day, month, year = date.day, date.month, date.year
    en, de, fr, es = (MONTHS[language][month - 1] for language in MONTHS)
    short_year = f"{year % 100:02d}" if 1950 <= year < 2050 else str(year)
    ways = [
        f"{day} {en} {year}", f"{en} {day} {year}", f"{en} {ordinal(day)}, {year}", f"{ordinal(day)} of {en} {year}",
        f"{day} {en[:3]} {year}", f"{DAYS[date.weekday()]} {en} {day} {year}", f"{day} {en} {short_year}",
        f"{DAYS[date.weekday()][:3]} {day} {en[:3]} {year}", f"{day:02d}/{month:02d}/{year}", f"{day}.{month}.{year}",
        f"{day:02d}.{month:02d}.{short_year}", f"{year}.{month:02d}.{day:02d}", f"{year}{month:02d}{day:02d}",
        f"{day}. {de} {year}", f"{day}. {de[:3]} {short_year}", f"{day} {fr} {year}", f"le {day} {fr} {year}",
        f"{day} de {es} de {year}",
    ]  # fmt: skip
    return ways[rng.integers(len(ways))].lower()


def pairs(count: int, seed: int, kept: bool = False) -> tuple[list[str], list[str]]:
    """Dates of 1950 to 2049, as people and as ISO 8601 write them; every tenth day is kept to judge by."""
    rng = np.random.default_rng(seed)
    days = np.arange(datetime.date(1950, 1, 1).toordinal(), datetime.date(2050, 1, 1).toordinal())
    days = days[(days % 10 == 0) == kept]
    dates = [datetime.date.fromordinal(int(n)) for n in rng.choice(days, count)]
    return [human(date, rng) for date in dates], [date.isoformat() for date in dates]


class Translator:
    """The network, which training and translating share.

    Args:
        letters: the vocabulary of human dates.
        digits: that of ISO dates.
    """

    def __init__(self, letters: text.Vocabulary, digits: text.Vocabulary) -> None:
        self.letters, self.digits = letters, digits
        dates = dlrs.Input((LENGTH,), dtype="int32", name="dates")
        embedded = layers.Embedding(len(letters), 32)(dates)
        read = layers.Bidirectional(layers.LSTM(STATE // 2, return_sequences=True))(embedded)
        hidden, energy = layers.Dense(16, activation="tanh"), layers.Dense(1)
        repeat, join, total = layers.RepeatVector(LENGTH), layers.Concatenate(), layers.Dot(axes=1)
        decoder, score = layers.LSTM(STATE, return_state=True), layers.Dense(len(digits))
        h, c = layers.Dense(STATE, activation="tanh")(layers.GlobalAveragePooling1D()(read)), None
        written, looked = [], []
        for _ in range(WRITTEN):
            weights = layers.Softmax(axis=1)(energy(hidden(join([read, repeat(h)]))))
            context = total([weights, read])
            h, _, c = decoder(context, initial_state=[h, h if c is None else c])
            written.append(layers.Reshape((1, len(digits)))(score(h)))
            looked.append(layers.Reshape((1, LENGTH))(weights))
        self.model = dlrs.Model(dates, layers.Concatenate(axis=1)(written))
        self.watching = dlrs.Model(dates, layers.Concatenate(axis=1)(looked))

    def encode(self, dates: list[str]) -> Array:
        """Ids, filled up with PAD."""
        return self.letters.encode_batch([date.lower() for date in dates], LENGTH)

    def __call__(self, dates: list[str]) -> list[str]:
        """ISO dates, the likeliest character at each place."""
        ids = self.model.predict(self.encode(dates), verbose=0).argmax(-1)
        return [self.digits.decode(row) for row in ids.tolist()]


def plot(translator: Translator, date: str, path: Path) -> None:
    """For each character written, how much each letter of the date weighed."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no picture")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    weights = translator.watching.predict(translator.encode([date]), verbose=0)[0, :, : len(date)]
    iso = translator([date])[0]
    figure, axes = plt.subplots(figsize=(0.3 * len(date) + 1.2, 3.6))
    axes.imshow(weights, cmap="viridis", aspect="auto", vmin=0)
    axes.set_xticks(range(len(date)), list(date))
    axes.set_yticks(range(WRITTEN), list(iso.ljust(WRITTEN)))
    axes.set(xlabel="read", ylabel="written")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
    print(f"Plot: {path}")


def main() -> int:
    """Make dates, train, judge, translate, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dates", nargs="*", default=SHOWN, help="what to translate in the end")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, default=Path("dates.png"))
    options = parser.parse_args()
    dlrs.utils.set_random_seed(options.seed)
    dates, isos = pairs(options.pairs, options.seed)
    letters, digits = (text.CharacterVocabulary.build(texts) for texts in (dates, isos))
    translator = Translator(letters, digits)
    x, y = translator.encode(dates), digits.encode_batch(isos, WRITTEN)
    print(f"{len(dates)} dates, e.g. {dates[0]!r} is {isos[0]}; {len(letters) - 4} different letters")

    steps = options.epochs * -(-len(dates) // 64)
    optimizer = dlrs.optimizers.Adam(dlrs.optimizers.schedules.CosineDecay(5e-3, steps), clipnorm=1.0)
    translator.model.compile(
        optimizer, dlrs.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    start = time.perf_counter()
    translator.model.fit(x, y, 64, options.epochs, verbose=2)
    print(f"\nTrained in {time.perf_counter() - start:.1f} s")
    new, right = pairs(2000, options.seed + 1, kept=True)
    said = translator(new)
    wrong = [row for row in zip(new, said, right, strict=True) if row[1] != row[2]]
    print(f"Unseen days: {1 - len(wrong) / len(new):.2%} of {len(new)} are right in every character")
    for human_date, found, iso in wrong[:3]:
        print(f"  {human_date!r} is {iso}, it says {found}")
    print()
    given = list(options.dates)
    for date, iso in zip(given, translator(given), strict=True):
        print(f"  {date:24} {iso}")
    plot(translator, given[min(4, len(given) - 1)].lower(), options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
