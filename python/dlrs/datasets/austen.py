"""A short novel in letters, Jane Austen's "Lady Susan" (written about 1794, published 1871), to train models of words.

Source: Project Gutenberg's text, in the public domain, as the Python package `music21` 10.5.0 (BSD licence) carries it
to tell languages apart. It is small, 127 kB or some 23,000 words: a model learns phrases from it, not to write sense.
"""

import re

from dlrs.datasets import packages

ARCHIVE_SHA256 = "9924eff5fbf58490e67cbf3b78a58ba53040e77c281930d354af32a747e94606"
MEMBER = "music21/languageExcerpts/trainingData/en.txt"
# Gutenberg frames a book by lines of its own.
_HEADER = re.compile(r"\A\W*The Project Gutenberg E(?:text|Book) of .*")
_FOOTER = re.compile(r"^End of (?:The |the )?Project Gutenberg", re.MULTILINE)


def load_data() -> list[str]:
    """The paragraphs of the novel in their order, headings and addresses of letters among them.

    The archive is looked for, and fetched, as `datasets.packages.member` says.

    Returns:
        Texts without line breaks, with dashes (—) for double hyphens.

    Raises:
        FileNotFoundError: the archive is nowhere and cannot be fetched.
        ValueError: the archive is not the one that is pinned.

    Example:
        >>> load_data()[5][:40]  # doctest: +SKIP
        'MY DEAR BROTHER,—I can no longer refuse '
    """
    content = packages.member("music21", "10.5.0", MEMBER, sha256=ARCHIVE_SHA256)
    return paragraphs(content.decode("utf-8"))


def paragraphs(book: str) -> list[str]:
    """The paragraphs between Project Gutenberg's header and footer.

    Raises:
        ValueError: one of the two is missing, so the text is cut short or another's.

    Example:
        >>> header, footer = "***The Project Gutenberg Etext of X***", "End of The Project Gutenberg Etext of X"
        >>> paragraphs(f"{header}\\n\\nShe--well,\\nsat.\\n\\n\\n{footer}")
        ['She—well, sat.']
    """
    header, footer = _HEADER.search(book), _FOOTER.search(book)
    if header is None or footer is None:
        missing = "first" if header is None else "last"
        raise ValueError(
            f"datasets.austen: the text lacks Project Gutenberg's {missing} line; it is not the whole book"
        )
    body = book[header.end() : footer.start()].replace("--", "—")
    joined = (" ".join(block.split()) for block in re.split(r"\n\s*\n", body))
    return [text for text in joined if text]
