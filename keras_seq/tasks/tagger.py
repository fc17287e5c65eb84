"""The tagger: named entities and other spans, from CoNLL files to served text."""

from __future__ import annotations

import itertools
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from keras_seq.core.errors import RunError
from keras_seq.core.files import atomic_write
from keras_seq.data import Sentence
from keras_seq.export import verify, write_saved_model
from keras_seq.export.tagging import Asset, SavedTaggingFunctions, TaggingFunctions, read_tag_names
from keras_seq.ops.spans import entities
from keras_seq.tasks.tagging_data import check_tags, read_sentences, tagging_scores
from keras_seq.text import TokenEncoder, WordTokenizer

MODEL_FILE, ENCODER_FOLDER, TAGS_FILE = "model.keras", "encoder", "tags.txt"

# Sentences that are served in one call hold about this many tokens, padding included.
TOKENS_PER_CALL = 4096
# What is read of a file before it is tagged: of what was tagged, only the tags are kept.
SENTENCES_PER_CHUNK = 4096
MAX_LENGTH = 10_000


class Tagger:
    """A trained model that finds entities in text.

    Make one with `keras_seq.load(name_or_folder)`, or train one with `keras_seq.tasks.train`.

    Args:
        functions: `keras_seq.export.TaggingFunctions`, or those of a SavedModel.
        name: what the model is called.

    Example:
        >>> import keras_seq
        >>> tagger = keras_seq.load("ner_pt")  # doctest: +SKIP
        >>> tagger.predict(["O juiz Paulo Souza decidiu."])[0]["entities"]  # doctest: +SKIP
        [{'start': 7, 'end': 18, 'type': 'PESSOA', 'text': 'Paulo Souza', 'score': 0.99}]
    """

    task = "tagger"

    def __init__(self, functions: TaggingFunctions | SavedTaggingFunctions, name: str = "tagger") -> None:
        self.functions = functions
        self.name = name

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Find the entities in raw texts.

        Args:
            texts: the texts.

        Returns:
            For each text `{"text": ..., "entities": [{"start", "end", "type", "text", "score"}]}`: character offsets,
            so that `text[start:end]` is the entity; the score is the smallest marginal probability of its tokens' tags.

        Raises:
            TypeError: if `texts` is one string, or holds something else than strings.
        """
        if isinstance(texts, (str, bytes)) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"`texts` must be a list of strings. Received: texts={texts!r}. Put one text in a list.")
        results: list[dict[str, Any]] = [{} for _ in texts]
        # A character is at most one token.
        for rows in _calls([len(text) // 4 + 1 for text in texts]):
            # What a Python string holds and UTF-8 does not (lone surrogates) counts as one character either way.
            encoded = [texts[row].encode("utf-8", errors="surrogatepass") for row in rows]
            outputs = {key: value.numpy() for key, value in self.functions.text(encoded).items()}
            for position, row in enumerate(rows):
                results[row] = _entities_of(texts[row], {key: value[position] for key, value in outputs.items()})
        return results

    def predict_tokens(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Tag sentences that are split already.

        Args:
            sentences: lists of tokens, none of them empty strings.

        Returns:
            A list of BIO tags for each sentence.
        """
        results: list[list[str]] = [[] for _ in sentences]
        for rows in _calls([len(sentence) for sentence in sentences]):
            width = max(len(sentences[row]) for row in rows)
            tokens = [[*sentences[row], *[""] * (width - len(sentences[row]))] for row in rows]
            tags = self.functions.tokenized(tokens)["tags"].numpy() if width else np.zeros((len(rows), 0))
            for position, row in enumerate(rows):
                results[row] = [tag.decode() for tag in tags[position, : len(sentences[row])]]
        return results

    def evaluate(
        self,
        data: str | Path,
        on_progress: Callable[[int], None] | None = None,
        *,
        max_length: int = MAX_LENGTH,
    ) -> dict[str, Any]:
        """Score the tagger on a CoNLL file.

        Args:
            data: the file, in any tag scheme.
            max_length: a sentence of more tokens is an error.
            on_progress: called with the number of sentences that were tagged since the last call.

        Returns:
            `entity_f1`, `entity_precision`, `entity_recall` (conlleval's rules), `token_accuracy`, `examples`
            (sentences) and `types`, the scores of each entity type.

        Raises:
            DataError: if the file is broken, or has an entity type that the model does not know.
        """
        true, predicted = [], []
        for chunk in _chunks(read_sentences(data, "BIO", max_length), SENTENCES_PER_CHUNK):
            for sentence in chunk:
                check_tags(data, sentence, self.functions.tag_names)
            true += [sentence.tags for sentence in chunk]
            predicted += self.predict_tokens([sentence.tokens for sentence in chunk])
            if on_progress is not None:
                on_progress(len(chunk))
        return {**tagging_scores(true, predicted), "examples": len(true)}

    @property
    def model(self) -> keras.Model:
        """The Keras model.

        Raises:
            RunError: if the tagger was loaded from a SavedModel, which holds no Keras model.
        """
        return self._parts().model

    def save(self, directory: str | Path) -> None:
        """Write `model.keras`, `encoder/` and `tags.txt` into a folder."""
        parts = self._parts()
        directory = Path(directory)
        parts.encoder.save(directory / ENCODER_FOLDER)
        _write_tags(directory / TAGS_FILE, parts.tag_names)
        # Last: its presence says that the others are there.
        temporary = directory / f".{MODEL_FILE}.tmp.keras"
        _save_model(parts.model, temporary)
        temporary.replace(directory / MODEL_FILE)

    @classmethod
    def load(cls, directory: str | Path, name: str | None = None) -> Self:
        """Read what `save` wrote.

        Raises:
            RunError: if something is missing.
        """
        directory = Path(directory)
        for part in (MODEL_FILE, ENCODER_FOLDER, TAGS_FILE):
            if not (directory / part).exists():
                raise RunError(f"{directory}: holds no {part}; name a run that `keras-seq train` has ended")
        try:
            model = keras.saving.load_model(directory / MODEL_FILE, compile=False)
        except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split())[:200]
            raise RunError(
                f"{directory / MODEL_FILE}: cannot be loaded ({reason}); train or export it again"
            ) from error
        encoder = TokenEncoder.load(directory / ENCODER_FOLDER)
        tag_names = read_tag_names(directory / TAGS_FILE)
        if len(tag_names) != model.output_shape[-1]:
            raise RunError(
                f"{directory / TAGS_FILE}: holds {len(tag_names)} tags, the model has {model.output_shape[-1]}; "
                "train or export it again"
            )
        functions = TaggingFunctions(model, WordTokenizer(), encoder, tag_names)
        return cls(functions, name or directory.resolve().name)

    def export(
        self, target: str | Path, version: int = 1, beside: dict[str, Callable[[Path], None]] | None = None
    ) -> Path:
        """Write a SavedModel that takes raw text, and verify it in a fresh process.

        Args:
            target: the model's folder; the SavedModel becomes `<target>/<version>/`.
            version: its version.
            beside: further files of the model's folder: file name -> function that writes it.

        Returns:
            The folder of the version.

        Raises:
            InputError: if the version exists already.
            ExportError: if the SavedModel answers differently, or holds an op that a stock runtime lacks.
        """
        functions = self._parts()
        with tempfile.TemporaryDirectory() as scratch:
            tags = Path(scratch) / TAGS_FILE
            _write_tags(tags, functions.tag_names)
            return write_saved_model(
                Path(target),
                functions.signatures(),
                trackables=[functions, Asset(tags)],
                version=version,
                beside={
                    MODEL_FILE: lambda path: _save_model(functions.model, path),
                    ENCODER_FOLDER: functions.encoder.save,
                    TAGS_FILE: lambda path: _write_tags(path, functions.tag_names),
                    **(beside or {}),
                },
                check=lambda folder: verify(folder, functions),
            )

    def _parts(self) -> TaggingFunctions:
        if not isinstance(self.functions, TaggingFunctions):
            raise RunError(
                f"{self.name}: is a SavedModel, which can only predict; name the run that it was exported from"
            )
        return self.functions


def _save_model(model: keras.Model, path: Path) -> None:
    """Save a model without its optimizer, which is three times as large."""
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)


def _write_tags(path: Path, tag_names: Sequence[str]) -> None:
    with atomic_write(path, "w") as file:
        file.write("".join(f"{name}\n" for name in tag_names))


def _entities_of(text: str, row: dict[str, np.ndarray]) -> dict[str, Any]:
    tags = [tag.decode() for tag in row["tags"] if tag]
    found = []
    for kind, first, end in entities(tags):
        start, stop = int(row["starts"][first]), int(row["ends"][end - 1])
        score = float(row["scores"][first:end].min())
        found.append({"start": start, "end": stop, "type": kind, "text": text[start:stop], "score": round(score, 4)})
    return {"text": text, "entities": found}


def _calls(lengths: Sequence[int]) -> list[list[int]]:
    """Rows to send together: of similar length, so that little is padded, and not too many."""
    calls: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        width = max(lengths[row], 1)
        if calls and width * (len(calls[-1]) + 1) <= TOKENS_PER_CALL:
            calls[-1].append(row)
        else:
            calls.append([row])
    return calls


def _chunks(items: Iterable[Sentence], size: int) -> Iterable[list[Sentence]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
