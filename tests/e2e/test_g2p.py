"""The weights of g2p-en in this library's layers say what the network says by its formulas in NumPy."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlrs import datasets
from dlrs.datasets import g2p

EXAMPLE = Path(__file__).parents[2] / "examples" / "g2p.py"
TEXT = """
a about above absence accident ache across actually address adventure afraid again against airport album algae
alphabet although always amazing analysis anchor ancient andrew angle animal ankle answer anxiety apple aquarium
architect argue arrow article asthma atlas atom autumn avenue awkward bachelor backpropagation balance ballet banana
baptism bargain basic bass bath bayes beauty because bicycle biscuit blood boltzmann bough bouquet breathe brought
build business busy butcher cactus calculus campaign cello champagne chaos character chef choir circuit clothes
cocoa colonel column comb convolution cough coup courage covariance cupboard daughter debris debt deny depth
derivative descent determinant diamond dough draught dropout echo eigenvalue eight embedding encode enough entropy
epoch euler exhaust eye fatigue feature fiancee filter flood foreign fourier fuchsia function gauge gaussian genre
ghost gnome goat gradient graph grotesque guess guitar gypsum half haphazard heir hessian hiccough hidden hour
hyphen hypothesis indict initial iron island jacobian jalapeno kernel knee knight kullback label lagrange language
laugh layer leibler leopard lieutenant listen logit lstm machine matrix measure momentum mortgage muscle myth
network neural neuron niche nonsense norm numpy ocean onion optimum overfit parallel people perceptron phlegm
pneumonia pooling psalm pterodactyl python quay queue quinoa rhythm salmon scissors sigmoid softmax tensor though
through thumb tomb tough vector wednesday yacht blorptastic frindle glixenbop mervoxia quantle snorvell thrumbish
wugging zyphorian don't x-ray naïve
"""
WORDS = TEXT.split()


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    try:
        return datasets.g2p.load_weights()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def sigmoid(v: Any) -> Any:
    return 1 / (1 + np.exp(-v))


def step(x: Any, h: Any, w: dict[str, Any], part: str) -> Any:
    """PyTorch's GRU: r, z, n; n = tanh(W x + b + r (U h + b')); h' = (1 - z) n + z h."""
    of_x = np.split(w[f"{part}_w_ih"] @ x + w[f"{part}_b_ih"], 3)
    of_h = np.split(w[f"{part}_w_hh"] @ h + w[f"{part}_b_hh"], 3)
    r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
    return (1 - z) * np.tanh(of_x[2] + r * of_h[2]) + z * h


def by_formulas(word: str, w: dict[str, Any]) -> list[str]:
    h = np.zeros(256)
    for letter in [*word, g2p.EOS]:
        known = letter if letter in g2p.GRAPHEMES else g2p.UNK
        h = step(w["enc_emb"][g2p.GRAPHEMES.index(known)], h, w, "enc")
    said, spoken = g2p.PHONEMES.index(g2p.BOS), []
    for _ in range(20):
        h = step(w["dec_emb"][said], h, w, "dec")
        said = int(np.argmax(w["fc_w"] @ h + w["fc_b"]))
        if g2p.PHONEMES[said] == g2p.EOS:
            break
        spoken.append(g2p.PHONEMES[said])
    return spoken


def test_two_hundred_words(weights: dict[str, Any]) -> None:
    spec = importlib.util.spec_from_file_location("g2p_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    pronounce = example.Pronouncer(weights)
    wide = {name: array.astype(np.float64) for name, array in weights.items()}
    assert len(set(WORDS)) >= 200
    expected = [by_formulas(word, wide) for word in WORDS]
    assert pronounce(WORDS) == expected
    assert " ".join(expected[WORDS.index("andrew")]) == "AE1 N D R UW0"
    assert " ".join(expected[WORDS.index("backpropagation")]) == "B AE2 K P R AH0 G P EY1 SH AH0 N"
    assert pronounce(WORDS[:1]) == expected[:1]
