"""Write the bundled English-French corpus: python scripts/make_corpus.py --seed 1 --out data"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.corpus.realise import Sentence  # noqa: E402
from scripts.corpus.sentences import sentences  # noqa: E402
from scripts.corpus.splits import Sizes, Splits, held_out, lexemes, split  # noqa: E402
from seq2seq.data.words import split_words  # noqa: E402


def parse_arguments() -> argparse.Namespace:
    """Return the command line's choices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    parser.add_argument("--out", type=Path, default=ROOT / "data", help="folder to write to")
    for name, size in vars(Sizes()).items():
        parser.add_argument(f"--{name}", type=int, default=size, help=f"pairs in {name}")
    return parser.parse_args()


def write_part(folder: Path, name: str, part: list[Sentence]) -> None:
    """Write one split's three aligned files."""
    columns = {
        "en": [sentence.en for sentence in part],
        "fr": [sentence.fr for sentence in part],
        "align": [sentence.pharaoh for sentence in part],
    }
    for suffix, lines in columns.items():
        text = "".join(line + "\n" for line in lines)
        (folder / f"{name}.{suffix}").write_bytes(text.encode("utf-8"))


def write_corpus(splits: Splits, folder: Path) -> None:
    """Write every split and the list of held-out combinations."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in splits.parts.items():
        write_part(folder, name, part)
    rows = [json.dumps(row, ensure_ascii=False) for row in sorted(held_out())]
    text = "[\n" + ",\n".join(rows) + "\n]\n"
    (folder / "heldout.json").write_bytes(text.encode("utf-8"))


def report(splits: Splits) -> str:
    """Return the sizes and lexeme counts as text."""
    lines = []
    for name, part in splits.parts.items():
        english = [len(split_words(sentence.en)) for sentence in part]
        french = [len(split_words(sentence.fr)) for sentence in part]
        lines.append(
            f"{name}: {len(part)} pairs, {sum(english) / len(part):.2f} English words a sentence "
            f"({min(english)}-{max(english)}), {sum(french) / len(part):.2f} French "
            f"({min(french)}-{max(french)})"
        )
    counts = Counter(lexeme for s in splits.parts["train"] for lexeme in lexemes(s))
    for language in ("en", "fr"):
        words = [n for (lang, word), n in counts.items() if lang == language and word.isalpha()]
        lines.append(f"{language}: {len(words)} lexemes in train, the rarest {min(words)} times")
    families = Counter(s.family for s in splits.parts["train"])
    lines += [f"  {name}: {count}" for name, count in families.most_common()]
    return "\n".join(lines)


def main() -> None:
    """Make the corpus and print what it holds."""
    args = parse_arguments()
    sizes = Sizes(args.train, args.valid, args.test, args.heldout)
    splits = split(sentences(args.seed), sizes)
    write_corpus(splits, args.out)
    print(report(splits))


if __name__ == "__main__":
    main()
