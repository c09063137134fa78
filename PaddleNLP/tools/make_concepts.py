"""Writes the concepts of words for KT-NET, a lexicon and vectors, from WordNet or from concepts retrieved earlier.

python PaddleNLP/tools/make_concepts.py wordnet --texts dataset/xquad_en/train.json --out dataset/xquad_wordnet
python PaddleNLP/tools/make_concepts.py retrieved train.retrieved_nell_concepts.data --out dataset/squad_nell

`wordnet` reads the files of the Debian package wordnet-base (apt-get install wordnet-base) and writes lexicon.txt and
vectors.txt; without --texts of all its words. Its vectors are not trained: `graph` computes them from the relations of
WordNet (FastRP), so that related concepts have similar ones, `random` draws them. `retrieved` writes lexicon.txt of a
pickled file of the original program; vectors come from wn_concept2vec.txt or nell_concept2vec.txt, as they are.
"""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.files import read_lines  # noqa: E402
from common.text.concepts import WORD  # noqa: E402


def parser():
    """The command-line parser."""
    lines = __doc__.splitlines()
    options = Parser(prog="make_concepts.py", description=lines[0], epilog="\n".join(lines[2:]))
    options.add_argument("kind", choices=("wordnet", "retrieved"), help="where the concepts come from")
    options.add_argument("source", nargs="?", metavar="FILE", help="the pickled file of `retrieved`")
    options.add_argument("--wordnet", default="/usr/share/wordnet", metavar="FOLDER", help="the files of WordNet")
    options.add_argument("--texts", nargs="+", metavar="FILE", help="keeps the words of these text or JSON files")
    options.add_argument("--senses", type=positive_int, default=8, help="meanings of a word at most (default 8)")
    options.add_argument("--size", type=positive_int, default=112, help="numbers of a vector (default 112)")
    options.add_argument("--vectors", choices=("graph", "random"), default="graph", help="default graph")
    options.add_argument("--seed", type=int, default=0, help="of the vectors (default 0)")
    options.add_argument("--out", required=True, metavar="FOLDER", type=pathlib.Path, help="output folder")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), make_concepts, argv)


def make_concepts(args):
    """Writes the files of a kind."""
    if (args.kind == "retrieved") != bool(args.source):
        raise ConfigError("`retrieved` takes the pickled file, `wordnet` none")
    if args.kind == "retrieved":
        lexicon = retrieved_concepts(args.source)
        write_lines(args.out / "lexicon.txt", lexicon_lines(lexicon))
        sys.stdout.write(f"{args.out}: {len(lexicon)} phrases\n")
        return
    from common.data.transform import random_for
    from common.text.wordnet import WordNet, graph_vectors, random_vectors

    net = WordNet(args.wordnet)
    words = {word.lower() for path in args.texts or () for line in read_lines(path) for word in WORD.findall(line)}
    lexicon = {word: net.concepts_of(word)[: args.senses] for word in sorted(words or net.words())}
    lexicon = {word: concepts for word, concepts in lexicon.items() if concepts}
    if not lexicon:
        raise DataError("WordNet has none of the words of --texts")
    names = sorted({name for concepts in lexicon.values() for name in concepts})
    make = graph_vectors if args.vectors == "graph" else random_vectors
    vectors = make(net, names, args.size, random_for(args.seed))
    write_lines(args.out / "lexicon.txt", lexicon_lines(lexicon))
    rows = zip(names, vectors.tolist(), strict=True)
    write_lines(args.out / "vectors.txt", (f"{name} {' '.join(f'{x:.4f}' for x in row)}" for name, row in rows))
    counts = f"{len(lexicon)} words, {len(names)} concepts of {args.size} numbers"
    sys.stdout.write(f"{args.out}: {counts} ({args.vectors}, not trained)\n")


def lexicon_lines(lexicon):
    """The lines of a lexicon {phrase: names of its concepts}."""
    return (f"{phrase}\t{' '.join(names)}" for phrase, names in lexicon.items())


def write_lines(path, lines):
    """Writes the lines of a file, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def retrieved_concepts(path):
    """{phrase: names of concepts} of a pickled file: synsets of words, or samples with the concepts of their entities.

    Raises:
        EnvironmentProblem: the file holds more than plain values, none of which is executed.
        DataError: it has another form.
    """
    from common.weights.pdparams import read_pickled

    tree, found = read_pickled(path), {}
    try:
        if isinstance(tree, dict):
            pairs = list(tree.items())
        else:
            groups = [row[key] for row in tree for key in ("document_entities", "query_entities") if key in row]
            pairs = [(one["entity_string"], one["retrieved_concepts"]) for group in groups for one in group]
        for phrase, names in pairs:
            if WORD.search(phrase):
                known = found.setdefault(phrase, [])
                known += [str(name) for name in names if name not in known]
    except (KeyError, TypeError):
        raise DataError(f"{path}: neither synsets of words nor samples with concepts of their entities") from None
    found = {" ".join(WORD.findall(phrase)): names for phrase, names in found.items() if names}
    if not found:
        raise DataError(f"{path}: holds no concept")
    return found


if __name__ == "__main__":
    main()
