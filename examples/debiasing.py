"""A bias that word vectors learn from their text, found and taken out.

No large file is needed: sentences are drawn in which a nurse is "she" nine times of ten and a captain one time, and
GloVe learns vectors from them. Then Bolukbasi et al. 2016: the direction of the bias from pairs such as she and he,
the words that are about it by definition, which a classifier finds from some of them, neutralising the others and
equalising pairs.

    python examples/debiasing.py [--sentences 40000] [--plot debiasing.png]
"""

import argparse
from pathlib import Path

import numpy as np

from dlrs import text
from dlrs.text import debias

# Of ten sentences about one, in so many it is "she".
PROFESSIONS = {
    "nurse": 9, "librarian": 8, "dancer": 8, "teacher": 7, "cook": 6, "baker": 5, "farmer": 4, "doctor": 3,
    "judge": 3, "soldier": 2, "captain": 1, "smith": 1,
}  # fmt: skip
PAIRS = [("she", "he"), ("her", "his"), ("woman", "man"), ("girl", "boy"), ("mother", "father"), ("sister", "brother")]
UNSEEN = [("aunt", "uncle"), ("queen", "king"), ("daughter", "son")]
PLACES = ["house", "market", "harbour", "school", "garden", "tower", "mill", "church"]
VERBS = ["visited", "praised", "helped", "followed", "heard", "painted"]
OTHERS = [*PROFESSIONS, *PLACES, *VERBS, "the", "my", "and", "said", "that", "left"]


def corpus(sentences: int, seed: int) -> list[list[str]]:
    """Sentences such as "the nurse left her house", and as many about people."""
    rng = np.random.default_rng(seed)
    jobs, people = list(PROFESSIONS), [*PAIRS[2:], *UNSEEN]
    found = []
    for _ in range(sentences):
        job, other = rng.choice(jobs, 2, replace=False)
        pair = people[rng.integers(len(people))]
        side = int(rng.integers(10) >= PROFESSIONS[job])
        pronoun, owner, place, verb = PAIRS[0][side], PAIRS[1][side], rng.choice(PLACES), rng.choice(VERBS)
        match rng.integers(4):
            case 0:
                found.append(f"the {job} said that {pronoun} {verb} {owner} {other}")
            case 1:
                found.append(f"the {job} left {owner} {place} and {pronoun} {verb} the {other}")
            case 2:
                side = int(rng.integers(2))
                found.append(f"the {pair[side]} said that {PAIRS[0][side]} left {PAIRS[1][side]} {place}")
            case 3:
                side = int(rng.integers(2))
                found.append(f"my {pair[side]} {verb} {PAIRS[1][side]} {place} and {PAIRS[0][side]} left")
    return [sentence.split() for sentence in found]


def main() -> None:
    """Learn, measure, debias, measure again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=40_000)
    parser.add_argument("--plot", type=Path, default=Path("debiasing.png"))
    arguments = parser.parse_args()
    model = text.GloVe(vector_size=24, window=6, min_count=1, epochs=40, seed=1)
    model.fit(corpus(arguments.sentences, 0), verbose=0)
    vectors = model.vectors
    g = debias.bias_direction(vectors, PAIRS)
    seeds = [word for pair in PAIRS for word in pair]
    classifier = debias.definitional_classifier(vectors, seeds, OTHERS, C=10.0)
    specific = classifier.words(vectors)
    print("About it by definition, beside the seeds:", *[word for word in specific if word not in seeds])
    after = debias.hard_debias(vectors, g, specific, [*PAIRS, *UNSEEN])
    questions, pairs = [("he", "captain", "she")], [("nurse", "dancer"), ("captain", "smith")]
    report = debias.bias_report(vectors, after, g, PROFESSIONS, questions, pairs)
    print(report)
    for words in (vectors, after):
        near = [max(abs(words.similarity(job, a) - words.similarity(job, b)) for a, b in UNSEEN) for job in PROFESSIONS]
        print(f"A profession is nearer to one of a pair by up to {max(near):.3f}")
    try:
        report.plot(arguments.plot, title="she and he")
    except ImportError:
        print("No picture: matplotlib is not installed.")
        return
    print(f"Picture: {arguments.plot}")


if __name__ == "__main__":
    main()
