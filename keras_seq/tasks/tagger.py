"""The tagger: named entities and other spans, from CoNLL files to served text."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_seq.core.errors import InputError, RecipeError, RunError
from keras_seq.core.files import atomic_write
from keras_seq.data import BucketedBatches, Sentence
from keras_seq.data.tag_schemes import tag_names
from keras_seq.export import verify, write_saved_model
from keras_seq.export.tagging import Asset, SavedTaggingFunctions, TaggingFunctions
from keras_seq.losses import CRFNegativeLogLikelihood, MaskedCrossEntropy
from keras_seq.metrics import confusion_matrix, entity_scores
from keras_seq.ops.spans import entities
from keras_seq.ops.tag_decoding import decode_tags
from keras_seq.tasks.tagging_data import TaggedBatches, TaggedSentences, check_tags, read_sentences
from keras_seq.text import NUM_CASE_CLASSES, TokenEncoder, WordTokenizer, cooccurrence_vectors
from keras_seq.training import Recipe
from keras_seq.zoo.registry import get_builder

MODEL_FILE, ENCODER_FOLDER, TAGS_FILE = "model.keras", "encoder", "tags.txt"

# Sentences that are served in one call hold about this many tokens, padding included.
TOKENS_PER_CALL = 4096
# What is read of a file before it is tagged, so that memory does not grow with the file.
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

    def evaluate(self, data: str | Path, on_progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Score the tagger on a CoNLL file.

        Args:
            data: the file, in any tag scheme.
            on_progress: called with the number of sentences that were tagged since the last call.

        Returns:
            `entity_f1`, `entity_precision`, `entity_recall` (conlleval's rules), `token_accuracy`, `examples`
            (sentences) and `types`, the scores of each entity type.

        Raises:
            DataError: if the file is broken, or has an entity type that the model does not know.
        """
        true, predicted = [], []
        for chunk in _chunks(read_sentences(data, "BIO", MAX_LENGTH), SENTENCES_PER_CHUNK):
            for sentence in chunk:
                check_tags(data, sentence, self.functions.tag_names)
            true += [sentence.tags for sentence in chunk]
            predicted += self.predict_tokens([sentence.tokens for sentence in chunk])
            if on_progress is not None:
                on_progress(len(chunk))
        return {**_scores(true, predicted), "examples": len(true)}

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
        model = keras.saving.load_model(directory / MODEL_FILE, compile=False)
        encoder = TokenEncoder.load(directory / ENCODER_FOLDER)
        tag_names = (directory / TAGS_FILE).read_text(encoding="utf-8").split()
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


class TaggerTraining:
    """What `keras_seq.tasks.train` needs of a tagger: model, loss, batches, and the scores of an epoch.

    Reading and checking the files comes first, so that a broken file leaves no trace.

    Args:
        recipe: the recipe.
        train, validation: the CoNLL files.
        test: the file of the final score, which is only checked here.

    Raises:
        DataError: if a file is broken, or the validation file has a tag that the training file does not have.
        RecipeError: if the builder does not take the arguments of the recipe.
    """

    shown_scores = ("entity_f1", "entity_precision", "entity_recall")

    def __init__(
        self, recipe: Recipe, train: str | Path, validation: str | Path, test: str | Path | None = None
    ) -> None:
        data = recipe.data

        def sentences(path: str | Path) -> Iterable[Sentence]:
            return read_sentences(path, data.scheme, data.max_length)

        types = {tag[2:] for sentence in sentences(train) for tag in sentence.tags if tag != "O"}
        self.tag_names = tag_names(types, data.scheme)
        if not types:
            raise InputError(f"{train}: holds no entity, every tag is O; train with a file that has some")
        self.encoder = TokenEncoder.build(
            (sentence.tokens for sentence in sentences(train)),
            min_count=data.min_count,
            min_character_count=data.min_character_count,
            max_characters=data.max_characters,
        )
        training = TaggedSentences(sentences(train), self.encoder, self.tag_names, train)
        self.validation = TaggedSentences(sentences(validation), self.encoder, self.tag_names, validation)
        if test is not None:
            for sentence in sentences(test):
                check_tags(test, sentence, self.tag_names)
        try:
            builder = get_builder(recipe.model.builder)
        except ValueError as error:
            raise RecipeError(f"key `model.builder`: {error}") from None
        recipe, features = self._with_sizes(recipe)
        keras.utils.set_random_seed(recipe.seed)
        self.model = recipe.build_model(
            builder,
            vocabulary_size=len(self.encoder.vocabulary),
            num_tags=self.tag_names,
            features=features,
        )
        if recipe.model.word_vectors == "cooccurrence":
            self._set_word_vectors(training, recipe)
        inputs = [tensor.name for tensor in self.model.inputs]
        batching = recipe.batching
        order = BucketedBatches(
            training.lengths,
            batch_size=batching.batch_size,
            tokens_per_batch=batching.tokens_per_batch or None,
            bucket_boundaries=batching.bucket_boundaries or None,
            seed=recipe.seed,
        )
        self.batches = TaggedBatches(training, order, inputs, data.replace_mentions)
        self.validation_batches = TaggedBatches(
            self.validation,
            BucketedBatches(self.validation.lengths, batch_size=64, tokens_per_batch=TOKENS_PER_CALL, shuffle=False),
            inputs,
        )
        self.loss = CRFNegativeLogLikelihood() if len(self.model.output_shape) == 4 else MaskedCrossEntropy()
        self.task = Tagger(TaggingFunctions(self.model, WordTokenizer(), self.encoder, self.tag_names), recipe.name)
        self._decoder = _decoder(self.model, recipe.fit.jit_compile)
        self._last: tuple[list[list[str]], list[list[str]]] = ([], [])

    def evaluate(self, model: keras.Model) -> dict[str, float]:
        """The scores of the present weights on the validation data: overall, and `f1/<type>` for each entity type."""
        true: list[list[str]] = [[] for _ in self.validation]
        predicted: list[list[str]] = [[] for _ in self.validation]
        batches = self.validation_batches
        for batch in batches.order.epoch(0):
            inputs, labels = batches.arrays(batch, 0)
            tag_ids = self._decoder.predict_on_batch(inputs)
            for row, index in enumerate(batch.indices):
                real = labels[row] >= 0
                if index >= 0:
                    true[index] = [self.tag_names[tag] for tag in labels[row][real]]
                    predicted[index] = [self.tag_names[tag] for tag in tag_ids[row][real]]
        self._last = (true, predicted)
        scores = _scores(true, predicted)
        by_type = {f"f1/{kind}": values["f1"] for kind, values in scores.pop("types").items()}
        return {**scores, **by_type}

    def confusion(self) -> tuple[list[str], np.ndarray]:
        """Names and counts of the confusion matrix of the last evaluation."""
        return confusion_matrix(*self._last)

    def samples(self, count: int = 8) -> str:
        """Predictions of the last evaluation as Markdown: true and found entities of sentences that have some."""
        true, predicted = self._last
        chosen = [index for index, tags in enumerate(true) if any(tag != "O" for tag in tags)][:count]
        rows = ["| sentence | true | found |", "| --- | --- | --- |"]
        for index in chosen:
            tokens = self.validation.tokens(index)
            cells = [" ".join(tokens), _listed(tokens, true[index]), _listed(tokens, predicted[index])]
            rows.append("| " + " | ".join(cell.replace("|", "&#124;") for cell in cells) + " |")
        return "\n".join(rows)

    def _set_word_vectors(self, training: TaggedSentences, recipe: Recipe) -> None:
        embedding = self.model.get_layer("word_embedding")
        ids = (example["token_ids"] for example in training)
        vectors = cooccurrence_vectors(ids, embedding.input_dim, embedding.output_dim, seed=recipe.seed)
        # Words without neighbours keep the vectors that the layer began with.
        known = np.any(vectors != 0, axis=1, keepdims=True)
        embedding.set_weights([np.where(known, vectors, embedding.get_weights()[0])])

    def _with_sizes(self, recipe: Recipe) -> tuple[Recipe, dict[str, Any]]:
        """Take `features` out of the recipe's arguments and complete them with what the data decides."""
        arguments = dict(recipe.model.arguments)
        features = dict(arguments.pop("features", {}))
        if "characters" in features:
            features["characters"] = {**features["characters"], "vocabulary_size": len(self.encoder.characters)}
            features["max_characters"] = self.encoder.max_characters
        if "case_dim" in features:
            features["num_cases"] = NUM_CASE_CLASSES
        return recipe.model_copy(update={"model": recipe.model.model_copy(update={"arguments": arguments})}), features


class _TagDecoder(keras.layers.Layer):
    """The best tag ids from what a tagger puts out and its token ids."""

    def call(self, outputs: Any, token_ids: Any) -> Any:
        return decode_tags(outputs, ops.not_equal(token_ids, 0))

    def compute_output_spec(self, outputs: Any, token_ids: Any) -> keras.KerasTensor:
        return keras.KerasTensor(token_ids.shape, dtype="int32")


def _decoder(model: keras.Model, jit_compile: Any) -> keras.Model:
    inputs = {tensor.name: tensor for tensor in model.inputs}
    decoder = keras.Model(inputs, _TagDecoder()(model.output, inputs["token_ids"]))
    decoder.compile(jit_compile=jit_compile)
    return decoder


def _save_model(model: keras.Model, path: Path) -> None:
    """Save a model without its optimizer, which is three times as large."""
    bare = keras.Model.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)


def _write_tags(path: Path, tag_names: Sequence[str]) -> None:
    with atomic_write(path, "w") as file:
        file.write("".join(f"{name}\n" for name in tag_names))


def _scores(true: list, predicted: list) -> dict[str, Any]:
    scores = entity_scores(true, predicted)
    tokens = sum(len(tags) for tags in true)
    right = sum(a == b for x, y in zip(true, predicted, strict=True) for a, b in zip(x, y, strict=True))
    return {
        **{key: scores[key] for key in ("entity_f1", "entity_precision", "entity_recall")},
        "token_accuracy": right / max(tokens, 1),
        "types": scores["types"],
    }


def _entities_of(text: str, row: dict[str, np.ndarray]) -> dict[str, Any]:
    tags = [tag.decode() for tag in row["tags"] if tag]
    found = []
    for kind, first, end in entities(tags):
        start, stop = int(row["starts"][first]), int(row["ends"][end - 1])
        score = float(row["scores"][first:end].min())
        found.append({"start": start, "end": stop, "type": kind, "text": text[start:stop], "score": round(score, 4)})
    return {"text": text, "entities": found}


def _listed(tokens: Sequence[str], tags: Sequence[str]) -> str:
    return "; ".join(f"{kind}: {' '.join(tokens[first:end])}" for kind, first, end in entities(tags))


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
