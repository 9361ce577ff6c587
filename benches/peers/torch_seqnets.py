"""The sequence models of the race in PyTorch; `torch_seqnets.py NAME BATCH FILE` writes one as ONNX."""

import sys
from collections.abc import Callable

import torch
from torch import nn

from protocol import CHARACTERS, CLIP, DATE_IN, DATE_OUT, sequences


class CharLSTM(nn.Module):  # type: ignore[misc]
    """A language model of characters: logits (batch, steps, characters)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(CHARACTERS, 64), nn.LSTM(64, 256, batch_first=True)
        self.output = nn.Linear(256, CHARACTERS)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.output(self.lstm(self.embedding(ids))[0])


class Trigger(nn.Module):  # type: ignore[misc]
    """The course's detector of a spoken word; takes clips with channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.first_norm = nn.Conv1d(CLIP[1], 196, 15, 4), nn.BatchNorm1d(196)
        self.first, self.second_norm = nn.GRU(196, 128, batch_first=True), nn.BatchNorm1d(128)
        self.second, self.third_norm = nn.GRU(128, 128, batch_first=True), nn.BatchNorm1d(128)
        self.output = nn.Linear(128, 1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu(self.first_norm(self.convolution(clips))).transpose(1, 2)
        x = self.second_norm(self.first(x)[0].transpose(1, 2)).transpose(1, 2)
        x = self.third_norm(self.second(x)[0].transpose(1, 2)).transpose(1, 2)
        return self.output(x)


class Translation(nn.Module):  # type: ignore[misc]
    """The course's translation of dates, with additive attention: logits (batch, steps, characters)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(DATE_IN[1], 32, batch_first=True, bidirectional=True)
        self.hidden, self.energy = nn.Linear(128, 10), nn.Linear(10, 1)
        self.decoder, self.letters = nn.LSTMCell(64, 64), nn.Linear(64, DATE_OUT[1])

    def forward(self, dates: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        read, written = self.encoder(dates)[0], []
        for _ in range(DATE_OUT[0]):
            joined = torch.cat([read, h[:, None].expand(-1, DATE_IN[0], -1)], -1)
            weights = torch.softmax(nn.functional.relu(self.energy(torch.tanh(self.hidden(joined)))), 1)
            h, c = self.decoder((weights * read).sum(1), (h, c))
            written.append(self.letters(h))
        return torch.stack(written, 1)


NETWORKS: dict[str, Callable[[], nn.Module]] = {"charlstm": CharLSTM, "trigger": Trigger, "nmt": Translation}


def loss_of(name: str, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of every step's logits."""
    if name == "trigger":
        return nn.functional.binary_cross_entropy_with_logits(logits, labels)
    return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())


def batch(name: str, rows: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """A batch as PyTorch wants it: channels first for the convolution, 64-bit labels for classes."""
    inputs, labels = sequences(name, rows)
    if name == "trigger":
        return [torch.from_numpy(inputs[0].transpose(0, 2, 1).copy())], torch.from_numpy(labels)
    return [torch.from_numpy(x) for x in inputs], torch.from_numpy(labels).long()


def export(name: str, rows: int, path: str) -> None:
    """Write the network for a batch of `rows` as ONNX; its one input is `x`."""
    torch.onnx.export(NETWORKS[name]().eval(), tuple(batch(name, rows)[0]), path, input_names=["x"], dynamo=False)


if __name__ == "__main__":
    export(sys.argv[1], int(sys.argv[2]), sys.argv[3])
