"""What sacreBLEU and jiwer say of the corpora of `corpora`: run by a Python that has them, one line of JSON each.

python peers.py {bleu,rates} SEED COUNT
"""

import json
import sys
from typing import Any

import corpora


def bleu(case: dict[str, Any]) -> list[Any]:
    from sacrebleu.metrics import BLEU

    options = case["options"]
    metric = BLEU(
        lowercase=options["lowercase"], force=True, tokenize=options["tokenizer"], smooth_method=options["smoothing"],
        smooth_value=options["smoothing_value"], max_ngram_order=options["max_order"],
        effective_order=options["effective_order"],
    )  # fmt: skip
    most = max(map(len, case["references"]))
    streams = [[several[i] if i < len(several) else None for several in case["references"]] for i in range(most)]
    score = metric.corpus_score(case["hypotheses"], streams)
    first = metric.sentence_score(case["hypotheses"][0], case["references"][0])
    return [score.score, str(score), first.score, str(first)]


def rates(case: dict[str, Any]) -> list[Any]:
    import jiwer

    words = jiwer.process_words(case["references"], case["hypotheses"])
    characters = jiwer.process_characters(case["references"], case["hypotheses"])
    return [
        *([words.wer], [words.hits, words.substitutions, words.deletions, words.insertions]),
        *([characters.cer], [characters.hits, characters.substitutions, characters.deletions, characters.insertions]),
    ]


def main() -> None:
    kind, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cases, judge = {"bleu": (corpora.translations, bleu), "rates": (corpora.transcripts, rates)}[kind]
    for case in cases(seed, count):
        print(json.dumps(judge(case)))


if __name__ == "__main__":
    main()
