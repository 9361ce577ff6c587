"""Hear a trigger word: a convolution over a spectrogram, two recurrent layers, and labels of 1 after the word.

The course's network on synthesised speech: eSpeak NG says "activate" and other words in many voices, speeds and
pitches; they are laid into noise, and the network learns to answer at the end of the trigger word. It is judged by
voices that it has not heard. The last clip is written to a file, with a chime wherever the word was heard.
"""

import argparse
import ctypes
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import dlrs
from dlrs import audio, datasets, layers

Array = np.ndarray[Any, Any]

RATE, SECONDS = 8000, 5.0
SAMPLES = int(RATE * SECONDS)
TRIGGER = "activate"
OTHERS = ("active", "captivate", "navigate", "kitchen", "window", "seven", "animate", "activity", "lamp", "attic")
KNOWN = [f"en-us+{kind}" for kind in ("m1", "m2", "m3", "m4", "f1", "f2", "f3")] + ["en-us", "en-gb-x-rp+m3"]
UNHEARD = ["en-us+m6", "en-us+f4", "en-gb-scotland+f2", "en-us+m7"]
TOLERANCE = 0.7  # seconds after the end of the word in which it must be heard


class Speaker:
    """The synthesiser eSpeak NG 1.52 (GPL 3) out of a wheel: its library is loaded, nothing is installed."""

    SHA256 = "08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d"
    TAG = "py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64"
    SPEED, PITCH = 1, 3  # numbers of parameters in speak_lib.h

    def __init__(self) -> None:
        archive = datasets.packages.archive("espeakng_loader", "0.2.4", sha256=self.SHA256, tag=self.TAG)
        self._folder = tempfile.TemporaryDirectory()
        zipfile.ZipFile(archive).extractall(self._folder.name)
        home = Path(self._folder.name, "espeakng_loader")
        try:
            self._library = ctypes.CDLL(str(home / "libespeak-ng.so"))
        except OSError as error:
            raise FileNotFoundError(f"eSpeak NG does not run on this machine: {error}") from error
        self.rate = self._library.espeak_Initialize(1, 0, str(home).encode(), 0)  # 1: samples are handed back
        # The voices' flutter and breath are drawn; without a seed, from the time of day.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._heard: list[Array] = []
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self._hear = kind(self._keep)
        self._library.espeak_SetSynthCallback(self._hear)

    def _keep(self, samples: Any, count: int, _: Any) -> int:
        if samples and count:
            self._heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def say(self, word: str, voice: str, speed: int, pitch: int) -> Array:
        """Samples in [-1, 1] at `RATE`, without the silence around the word."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"eSpeak NG has no voice {voice!r}")
        self._library.espeak_SetParameter(self.SPEED, speed, 0)
        self._library.espeak_SetParameter(self.PITCH, pitch, 0)
        self._heard.clear()
        text = word.encode() + b"\0"
        self._library.espeak_Synth(text, len(text), 0, 0, 0, 1, None, None)
        self._library.espeak_Synchronize()
        samples = audio.resample(np.concatenate(self._heard) / 32768.0, self.rate, RATE)
        loud = np.flatnonzero(np.abs(samples) > 0.02)
        return samples[loud[0] : loud[-1] + 1].astype(np.float32)


def recordings(speaker: Speaker, voices: list[str], takes: int, rng: np.random.Generator) -> list[list[Array]]:
    """Of the trigger word, and of the others, what each voice says in several speeds and pitches."""
    result: list[list[Array]] = [[], []]
    for voice in voices:
        for word in (TRIGGER, *OTHERS):
            for _ in range(takes if word == TRIGGER else max(1, takes // 3)):
                speed, pitch = int(rng.integers(120, 220)), int(rng.integers(25, 76))
                result[word != TRIGGER].append(speaker.say(word, voice, speed, pitch))
    return result


def background(rng: np.random.Generator) -> Array:
    """Noise that falls with frequency, like a room's, of some loudness, and a hum."""
    spectrum = np.fft.rfft(rng.normal(size=SAMPLES)) / np.maximum(np.arange(SAMPLES // 2 + 1), 50.0) ** 0.7
    noise = np.fft.irfft(spectrum, SAMPLES)
    hum = np.sin(2 * np.pi * rng.uniform(50, 300) * np.arange(SAMPLES) / RATE)
    mixed: Array = rng.uniform(0.005, 0.03) * noise / noise.std() + rng.uniform(0, 0.01) * hum
    return mixed


def clips(words: list[list[Array]], count: int, steps: int, rng: np.random.Generator) -> tuple[Array, Array, list[Any]]:
    """Clips (count, samples), labels (count, steps, 1), and the seconds at which the trigger word ends in each."""
    sounds, labels, ends = [], [], []
    for _ in range(count):
        triggers, others = int(rng.integers(0, 3)), int(rng.integers(1, 4))
        kinds = [0] * triggers + [1] * others
        chosen = [rng.uniform(0.3, 1.0) * words[kind][rng.integers(len(words[kind]))] for kind in kinds]
        mixed, placed = audio.insert_clips(background(rng), chosen, seed=int(rng.integers(1 << 30)))
        sounds.append(mixed)
        labels.append(audio.trigger_labels(placed, SAMPLES, steps, range(triggers), width=steps // 10))
        ends.append([clip.stop / RATE for clip in placed if clip.sound < triggers])
    return np.stack(sounds), np.stack(labels), ends


def spectrograms(sounds: Array) -> Array:
    """Decibels of 40 mel bands, (clips, frames, 40), about 1 in size."""
    bands = layers.MelSpectrogram(
        fft_length=256, sequence_stride=128, sampling_rate=RATE, num_mel_bins=40, min_freq=60, max_freq=RATE // 2
    )
    parts = [np.asarray(bands(sounds[i : i + 64])) for i in range(0, len(sounds), 64)]
    return np.concatenate(parts).transpose(0, 2, 1) / np.float32(40)


def build(frames: int, units: int) -> dlrs.Sequential:
    """The course's network with fewer units: three frames become a step, two GRUs, a score for each step.

    Dropout stands behind the last normalization only: before one, it would give it other variances in training than
    later (Li et al. 2019, arXiv 1801.05134).
    """
    return dlrs.Sequential(
        [
            dlrs.Input((frames, 40)),
            layers.Conv1D(64, 9, strides=3, padding="causal"),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.GRU(units, return_sequences=True),
            layers.BatchNormalization(momentum=0.9),
            layers.GRU(units, return_sequences=True),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )


def detections(probabilities: Array, threshold: float = 0.5) -> list[float]:
    """The seconds at which the probability of a clip rises above the threshold for two steps or more."""
    above = np.concatenate([[False], probabilities > threshold, [False]])
    starts, stops = np.flatnonzero(above[1:] & ~above[:-1]), np.flatnonzero(~above[1:] & above[:-1])
    return [float(a * SECONDS / len(probabilities)) for a, b in zip(starts, stops, strict=True) if b - a >= 2]


def judge(name: str, probabilities: Array, ends: list[list[float]]) -> None:
    """Precision and recall: a word counts as heard if a detection begins around its end."""
    right = heard = told = words = 0
    for row, true in zip(probabilities, ends, strict=True):
        found = detections(row)
        near = [[-0.2 <= at - end <= TOLERANCE for at in found] for end in true]
        heard += sum(any(row) for row in near)
        right += sum(any(row[i] for row in near) for i in range(len(found)))
        told, words = told + len(found), words + len(true)
    precision, recall = right / max(told, 1), heard / max(words, 1)
    print(f"{name}: precision {precision:.1%} of {told} detections, recall {recall:.1%} of {words} words")


def with_chimes(samples: Array, seconds: list[float]) -> Array:
    """The clip with a short high tone at each detection."""
    time_of = np.arange(int(0.25 * RATE)) / RATE
    chime = 0.3 * np.sin(2 * np.pi * 1200 * time_of) * np.exp(-time_of * 15)
    result = samples.copy()
    for at in seconds:
        begin = int(at * RATE)
        result[begin : begin + len(chime)] += chime[: max(0, len(result) - begin)]
    return np.clip(result, -1, 1)


def plot(spectrogram: Array, probabilities: Array, ends: list[float], path: Path) -> None:
    """The clip's spectrogram, and below what the network says; dashed where the word ends."""
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no picture")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(8, 4.5))
    upper.imshow(spectrogram.T, origin="lower", aspect="auto", extent=(0, SECONDS, 0, 40), cmap="magma")
    upper.set_ylabel("mel band")
    lower.plot(np.linspace(0, SECONDS, len(probabilities), endpoint=False), probabilities)
    for end in ends:
        upper.axvline(end, color="white", linestyle="--")
        lower.axvline(end, color="gray", linestyle="--")
    lower.set(xlabel="seconds", ylabel=f'P("{TRIGGER}" just ended)', ylim=(0, 1))
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)
    print(f"Plot: {path}")


def main() -> int:
    """Speak, mix, train, judge, listen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1500)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--takes", type=int, default=12, help="how often each voice says the trigger word")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, default=Path("trigger_word.png"))
    parser.add_argument("--wav", type=Path, default=Path("trigger_word.wav"))
    options = parser.parse_args()
    try:
        speaker = Speaker()
    except FileNotFoundError as error:
        print(f"{error}\n\nNothing to do: this example needs a synthesiser of speech.")
        return 0

    dlrs.utils.set_random_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    start = time.perf_counter()
    known, unheard = (recordings(speaker, voices, options.takes, rng) for voices in (KNOWN, UNHEARD))
    frames = spectrograms(np.zeros((1, SAMPLES), np.float32)).shape[1]
    model = build(frames, options.units)
    steps = model.output_shape[1]
    sounds, labels, _ = clips(known, options.clips, steps, rng)
    x = spectrograms(sounds)
    print(f"{len(x)} clips of {SECONDS:g} s, {sum(map(len, known))} recordings, in {time.perf_counter() - start:.1f} s")

    model.compile(dlrs.optimizers.Adam(2e-3, clipnorm=1.0), dlrs.losses.BinaryCrossentropy(from_logits=True))
    start = time.perf_counter()
    model.fit(x, labels, 32, options.epochs, verbose=2)
    print(f"\nTrained in {time.perf_counter() - start:.1f} s")
    for name, words in (("New clips, voices it knows", known), ("Voices it has not heard", unheard)):
        sounds, _, ends = clips(words, max(20, options.clips // 5), steps, rng)
        x = spectrograms(sounds)
        probabilities = 1 / (1 + np.exp(-model.predict(x, verbose=0)[..., 0]))
        judge(name, probabilities, ends)
    last = max(range(len(ends)), key=lambda i: len(ends[i]))
    plot(x[last], probabilities[last], ends[last], options.plot)
    audio.write_wav(options.wav, with_chimes(sounds[last], detections(probabilities[last])), RATE)
    print(f"Sound: {options.wav}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
