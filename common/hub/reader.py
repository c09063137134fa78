"""Readers: how the samples of a dataset become inputs of a module, `hub.reader.ClassifyReader(dataset=..., ...)`.

A reader keeps what it is given; a task makes transforms of it, with the tokenizer of the module that it is built on.
"""

from common.errors import ConfigError


class TextReader:
    """Base class of the readers of texts.

    Args:
        dataset (BaseNLPDataset): None where texts are only predicted.
        vocab_path (str): the module's, as `module.get_vocab_path()` gives it.
        max_seq_len (int): tokens of a text at most; that of the module's context when None.
        do_lower_case (bool): whether a tokenizer of subwords lowers the letters; as the module does when None.
        random_seed (int): of the run; that of RunConfig when None.
        use_task_id (bool): the task embedding of ERNIE 2.0 has one row in use here; accepted.
        sp_model_path (str): the module's SentencePiece model; accepted.
        word_dict_path (str): the module's word segmentation; accepted.
        in_tokens (bool): the batch size counts tokens instead of texts.

    Raises:
        ConfigError: a number is below 3.
    """

    data = "LabeledTexts"  # the dataset of a configuration

    def __init__(
        self, dataset=None, vocab_path=None, max_seq_len=None, do_lower_case=None, random_seed=None, use_task_id=False,
        sp_model_path=None, word_dict_path=None, in_tokens=False,
    ):  # fmt: skip
        if max_seq_len is not None and max_seq_len < 3:
            raise ConfigError(f"{type(self).__name__}: max_seq_len is {max_seq_len}; it is 3 or more")
        self.dataset, self.vocab_path, self.max_seq_len = dataset, vocab_path, max_seq_len
        self.do_lower_case, self.random_seed, self.in_tokens = do_lower_case, random_seed, in_tokens
        self.sp_model_path, self.word_dict_path, self.use_task_id = sp_model_path, word_dict_path, use_task_id

    def data_type(self, phase):
        """The class that reads the files of a phase (str)."""
        return self.data


class ClassifyReader(TextReader):
    """Texts, or pairs of texts, with a label each."""


class LACClassifyReader(ClassifyReader):
    """Texts for a module that reads words, such as `lac`: its transforms split them."""


class MultiLabelClassifyReader(TextReader):
    """Texts with several labels that do not exclude each other."""

    data = "MultiLabelTexts"


class RegressionReader(TextReader):
    """Texts, or pairs of texts, with a number each."""

    data = "ScoredTexts"


class SequenceLabelReader(TextReader):
    """Texts with a tag for each token: CoNLL's columns (.txt), or LAC's format (.tsv)."""

    def data_type(self, phase):
        """ConllTags for a `.txt` file, else TaggedCharacters."""
        name = str(self.dataset.files.get(phase))
        return "ConllTags" if name.endswith((".txt", ".conll")) else "TaggedCharacters"


class ReadingComprehensionReader(TextReader):
    """Questions on texts, in overlapping windows.

    Args:
        dataset (BaseNLPDataset): with files in the JSON of SQuAD.
        vocab_path (str): the module's.
        do_lower_case (bool): see :class:`TextReader`.
        max_seq_len (int): tokens of a window.
        doc_stride (int): tokens between the starts of two windows.
        max_query_length (int): tokens of a question at most.
        random_seed (int): of the run.
        more (object): further arguments of :class:`TextReader`.
    """

    data = "SquadQuestions"

    def __init__(
        self, dataset=None, vocab_path=None, do_lower_case=None, max_seq_len=512, doc_stride=128, max_query_length=64,
        random_seed=None, **more,
    ):  # fmt: skip
        super().__init__(dataset, vocab_path, max_seq_len, do_lower_case, random_seed, **more)
        self.doc_stride, self.max_query_length = doc_stride, max_query_length


class ImageClassificationReader:
    """Images with a label each.

    Args:
        image_width (int): pixels; that of the module when None.
        image_height (int): pixels; that of the module when None.
        dataset (BaseCVDataset): None where images are only predicted.
        channel_order (str): RGB, which all modules here take.
        images_mean (list[float]): of each channel from 0 to 1; those of the module when None.
        images_std (list[float]): of each channel; those of the module when None.
        data_augmentation (bool): random crops and mirroring in training.
        random_seed (int): of the run; that of RunConfig when None.

    Raises:
        ConfigError: the channels are in another order.
    """

    def __init__(
        self, image_width=None, image_height=None, dataset=None, channel_order="RGB", images_mean=None, images_std=None,
        data_augmentation=False, random_seed=None,
    ):  # fmt: skip
        if channel_order != "RGB":
            raise ConfigError(f"ImageClassificationReader: channel_order is {channel_order!r}; modules here take RGB")
        self.image_width, self.image_height, self.dataset = image_width, image_height, dataset
        self.images_mean, self.images_std = images_mean, images_std
        self.data_augmentation, self.random_seed = data_augmentation, random_seed

    def data_type(self, phase):
        """The class that reads the lists (str)."""
        return "ImageNetList"
