"""Tests of the code conventions in CONTRIBUTING.md."""

import ast
import functools
import io
import re
import tokenize

import pytest

from common.config.kits import shipped_kits
from tests.made.tracked import ROOT, tracked

KITS = [kit.name for kit in shipped_kits()]
MAX_FILE, MAX_FUNCTION = 400, 60
LONGER_FILES = {}  # file: lines; this list only shrinks
LONGER_FUNCTIONS = {}  # file::function: lines; this list only shrinks
SLOW = {
    r"\blog_softmax\(": "log(softmax(x)): its time grows with the square of the classes",
    r"\.mean\(\s*(axis=)?\[2, 3\]": "adaptive_avg_pool2d(x, 1)",
    r"\blogsumexp\(": "x.max + log(sum(exp(x - max)))",
    r"\.mean\(\s*(axis=)?\(2, 3\)": "adaptive_avg_pool2d(x, 1)",
}
UNSAFE = {"pickle", "dill", "joblib", "marshal", "shelve"}
AVOID = {  # a regular expression: the field's term; this list only grows
    "pictures?": "image",
    "colours?|colour(ed|ful|ing)": "color",
    "gr[e]ys?": "gray",
    "centre[ds]?": "center",
    "(un)?labell(ed|ing|er)": "labeled, labeling",
    "(re)?(initial|normal|quant|synchron|recogn|optim|minim|maxim|serial|summar|organ|general|regular|final|util)is"
    "(e[drs]?|ing|ations?)": "-ize, -ization",
    "behaviours?|neighbour(s|ing)?|favour(s|ed|ite)?|honour(s|ed)?|licences?": "American spelling",
    "misspelt|learnt|spelt|spoilt": "misspelled, learned, ...",
    "hyper-parameters?": "hyperparameter",
    "on-line|off-line": "online, offline",
    "data sets?": "dataset",
    "(?<!maximum )suppression": "NMS",
    "made[ -]up": "synthetic",
    "takers?": "consumer",
    "told|hears?|heard": "configured, known; processes, receives",
    "(is|was|are) held to": "must match",
    "go(es)? on (from|with)": "resume",
    "for want of": "early stopping: no improvement for N evaluations",
    "flatter(s|ing)?": "too optimistic",
    "sa(id|ys) so": "reports, warns",
    "both ways": "symmetric, in both directions",
    "(?-i:(is|are) none)": "say what is missing",
    "of one's own": "your own",
    "wholly|anew|thereof": "completely, again",
    "(one|lines?|samples?|numbers?|tokens?|values?|frames|batches|pixels?) an? "
    "(line|row|sample|batch|epoch|second|column|channel|class|file|image)": "per",
}
NAMED_TWICE = {
    "describe",
    "refuse_other",
}  # public functions of common/ with equal names in two packages; this list only shrinks
WORDS_ARE_CHECKED_IN = [  # paths in which only the field's terms are used; this list only grows
    *("common", "deploy", "docs", "tools", "benchmarks", "README.md", "CONTRIBUTING.md"),
    *(f"PaddleCV/{part}" for part in ("configs", "data", "metrics", "models", "tools", "tests", "README.md")),
    *(f"PaddleNLP/{part}" for part in ("configs", "data", "metrics", "models", "tools", "tests", "README.md")),
    *(f"PaddleRec/{part}" for part in ("configs", "data", "metrics", "models", "tools", "tests", "README.md")),
    *(f"PaddleSlim/{part}" for part in ("configs", "models", "tools", "tests", "README.md")),
    *(f"PaddleSpeech/{part}" for part in ("configs", "data", "metrics", "models", "tools", "tests", "README.md")),
    "PaddleRL",
    "PaddleST",
    *(f"{kit}/notebooks" for kit in KITS),
    *(f"tests/common/{part}" for part in ("audio", "build", "commands", "config", "data", "optim", "search", "system")),
    *(f"tests/common/{part}" for part in ("table", "text", "training", "vision", "weights")),
    *(f"tests/test_{name}" for name in ("api", "architecture", "cli", "configs", "convert", "documents", "fork")),
    *(f"tests/test_{name}" for name in ("samplers_in_runs", "text_inference", "train_run", "zoo")),
    "tests/bad_inputs",
    "tests/tools",
]


PYTHON = tracked("*.py")
SOURCES = [path for path in PYTHON if not {"tests", "benchmarks"} & set(path.relative_to(ROOT).parts)]


def name(path):
    return path.relative_to(ROOT).as_posix()


@functools.cache
def text_of(path):
    return path.read_text(encoding="utf-8")


@functools.cache
def nodes(path):
    """All nodes of a source file's syntax tree, the module first."""
    return list(ast.walk(ast.parse(text_of(path))))


def offenders(paths, rule):
    """What breaks a rule, with its file: `rule(path)` yields texts."""
    assert paths
    return [f"{name(path)}: {text}" for path in paths for text in rule(path)]


def test_files_are_short():
    def rule(path):
        lines, most = len(text_of(path).splitlines()), LONGER_FILES.get(name(path), MAX_FILE)
        if lines > most:
            yield f"{lines} lines, {most} at most: split it by subject"

    assert offenders(PYTHON, rule) == []


def test_functions_are_short():
    def rule(path):
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if length > LONGER_FUNCTIONS.get(f"{name(path)}::{node.name}", MAX_FUNCTION):
                    yield f"{node.name} has {length} lines"

    assert offenders(SOURCES, rule) == []


def test_nothing_forbidden_is_called_or_imported():
    paths = [path for path in SOURCES if name(path) != "common/weights/pdparams.py"]
    assert offenders(paths, lambda path: [text for node in nodes(path) for text in forbidden(node)]) == []


def forbidden(node):
    """What no source file may do outside common/weights/pdparams.py."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
        return [f"line {node.lineno}: imports {m}" for m in modules if m.split(".")[0] in UNSAFE]
    if isinstance(node, ast.ExceptHandler) and node.type is None:
        return [f"line {node.lineno}: bare except"]
    if not isinstance(node, ast.Call):
        return []
    call = ast.unparse(node.func)
    bad = call in ("eval", "exec", "paddle.load", "yaml.load", "os.system", "print") or call.endswith(".extractall")
    bad |= any(k.arg in ("allow_pickle", "shell") and getattr(k.value, "value", None) is True for k in node.keywords)
    return [f"line {node.lineno}: calls {call}"] if bad else []


@pytest.mark.parametrize(
    "line", ["import pickle", "eval('1')", "run('ls', shell=True)", "a.extractall()", "try: x\nexcept: y"]
)
def test_forbidden_lines_are_noticed(line):
    assert [text for node in ast.walk(ast.parse(line)) for text in forbidden(node)]


def test_slow_operators_are_avoided():
    def rule(path):
        return [f"{pattern}: use {better}" for pattern, better in SLOW.items() if re.search(pattern, text_of(path))]

    assert offenders(SOURCES, rule) == []


def test_kits_import_common_and_themselves_only():
    """A kit imports itself relatively, and never another kit; common imports no kit."""

    def rule(path):
        for node in nodes(path):
            modules = []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            yield from (f"line {node.lineno}: imports {m}" for m in modules if m.split(".")[0] in KITS)

    assert offenders([path for path in SOURCES if name(path).startswith((*KITS, "common"))], rule) == []


def test_models_are_written_in_plain_layers():
    """oneDNN comes in by a pass (common/layers/fast_conv.py), after a model is built."""
    models = [path for path in SOURCES if path.relative_to(ROOT).parts[1:2] == ("models",)]
    rule = re.compile(r"common\.layers(\.| import )(fused_conv|onednn)")
    assert offenders(models, lambda path: rule.findall(text_of(path))) == []


def test_init_files_hold_imports_only():
    kinds = (ast.Import, ast.ImportFrom, ast.Expr)

    def rule(path):
        return [f"line {node.lineno}" for node in nodes(path)[0].body if not isinstance(node, kinds)]

    assert offenders([path for path in SOURCES if path.name == "__init__.py"], rule) == []


def test_public_definitions_have_docstrings():
    def rule(path):
        module = nodes(path)[0]
        if not ast.get_docstring(module):
            yield "the file"
        for node in module.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                yield node.name

    assert offenders(SOURCES, rule) == []


def test_scripts_shared_by_all_kits_are_identical():
    """A kit is used by its own path, so each has these few lines; here is what keeps them equal."""
    kits = [kit for kit in KITS if (ROOT / kit).is_dir()]
    for file in ("run.sh", *(f"tools/{tool}.py" for tool in ("train", "eval", "export", "infer", "check", "search"))):
        texts = {kit: (ROOT / kit / file).read_text() for kit in KITS if (ROOT / kit / file).is_file()}
        assert len(texts) >= len(kits) - (file == "tools/search.py") and len(set(texts.values())) == 1, file


def test_file_names_are_specific():
    bad = re.compile(r"^(utils?|helpers?|misc|stuff|.*_?manager)\.py$")
    assert not [name(path) for path in PYTHON if bad.match(path.name)]


def test_no_generated_file_is_committed():
    endings = {".pdparams", ".pdopt", ".safetensors", ".pdiparams", ".onnx", ".pyc", ".so", ".log"}
    sources = [p for p in tracked() if "tests" not in p.parts or p.stat().st_size > 200_000]
    assert not [name(p) for p in sources if p.suffix in endings or p.stat().st_size > 1_000_000]


def prose(path):
    """The docstrings, comments, strings and names of a Python file, or the lines of another one: (line, text)."""
    text = text_of(path)
    if path.suffix != ".py":
        return list(enumerate(text.splitlines(), 1))
    kinds = (tokenize.STRING, tokenize.COMMENT, tokenize.NAME)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(token.start[0], " ".join(token.string.split())) for token in tokens if token.type in kinds]


def test_words_are_those_of_the_field():
    def pattern(words):
        return re.compile(rf"(?<![a-z])({words})(?![a-z])", re.IGNORECASE)

    any_of_them, avoided = pattern("|".join(AVOID)), {pattern(word): term for word, term in AVOID.items()}

    @functools.cache  # names recur
    def found(text):
        if not any_of_them.search(text):
            return []
        return [f"'{match[0]}': {term}" for word, term in avoided.items() if (match := word.search(text))]

    paths = [path for path in tracked("*.py", "*.yml", "*.md") if name(path).startswith(tuple(WORDS_ARE_CHECKED_IN))]
    wrong = [f"{name(path)}:{line}: {word}" for path in paths for line, text in prose(path) for word in found(text)]
    assert len(paths) > 100 and not wrong


def test_docstrings_begin_with_a_verb_or_a_noun():
    starts = re.compile(r"(What|Whether|How|Where|Which) ")
    paths = [path for path in SOURCES if name(path).startswith(tuple(WORDS_ARE_CHECKED_IN))]
    wrong = [
        f"{name(path)}:{node.lineno if hasattr(node, 'lineno') else 1}: {docstring.splitlines()[0]}"
        for path in paths
        for node in nodes(path)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and (docstring := ast.get_docstring(node))
        and starts.match(docstring)
    ]
    assert not wrong


def test_a_public_function_of_common_is_named_once():
    """Equal names in two packages; `common/api.py` repeats those of the commands on purpose."""
    packages = {}
    for path in tracked("common/*.py"):
        for node in nodes(path)[0].body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and path.name != "api.py":
                packages.setdefault(node.name, set()).add(path.relative_to(ROOT).parts[1])
    twice = sorted(name for name, found in packages.items() if len(found) > 1)
    assert not set(twice) - NAMED_TWICE
