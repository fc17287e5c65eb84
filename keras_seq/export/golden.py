"""Golden outputs: what a shipped model answered when it was exported, so that every later answer can be compared."""

import os
from collections.abc import Sequence

import numpy as np

from keras_seq.core.errors import DataError
from keras_seq.core.files import atomic_write
from keras_seq.core.reading import read_arrays
from keras_seq.export import stock_runtime
from keras_seq.export.saved_model import find_saved_model
from keras_seq.export.served import Served
from keras_seq.export.verify import (
    Sample,
    answer_of,
    compare,
    given_samples,
    read_signatures,
    run_in_fresh_process,
)

# Invented for this purpose: no sentence of a data set, no living person.
GOLDEN_TEXTS = (
    "A ministra Helena Quaresma, do Supremo Tribunal Federal, suspendeu o julgamento em 14 de março de 2019.",
    "O juiz Paulo Souza, do TRF da 1ª Região, decidiu com base na Lei nº 11.340/2006.",
    "Maria da Graça mora em Belo Horizonte desde 1998 e trabalha no Banco do Brasil.",
    "Conforme o art. 5º, inciso LV, da Constituição Federal, a defesa é ampla.",
    "Trata-se de recurso interposto por Construtora Alvorada Ltda. contra o Município de Campinas.",
    "A Universidade de Coimbra recebeu, na terça-feira, o escritor Joaquim Teles d'Água.",
    "Acórdão nº 2.317/2014, Relator: Ministro Anselmo Peixoto, Brasília/DF, 02/09/2014.",
    "SENTENÇA PROFERIDA EM PORTO ALEGRE PELA DRA. LÚCIA FERRAZ.",
    "choveu muito ontem , mas ninguém saiu de casa .",
    "O Rio Verde transbordou perto de Santa Rita; a Defesa Civil retirou 320 famílias.",
    "Ana, Bruno e Célia viajaram de Lisboa para o Porto com a TransNorte.",
    "Empire of Glass by Nora Whitfield opens at the Orion Theatre in Leeds on Friday!",
    "@marta_k just landed in Nairobi :) can't wait to see Lake Turkana #travel",
    "Dr. Samuel Okoro joined Brightwater Labs in Toronto after ten years at Helix Corp.",
    "We'll watch Harbour City vs. Northgate United tonight, 8pm at Kingsmead Stadium.",
    "new phone from Zentro is out... still prefer my old Pixelon 3 tbh",
    "THE GREEN PARROTS ARE PLAYING IN AUSTIN NEXT MONTH",
    "nothing to see here , move along",
    "https://example.org/news/42 says Queen Ilse visited Oslo & Bergen 👑🇳🇴",
    "Zürich, Kraków, São Tomé e Reykjavík ficam longe de Ouro Preto.",
    "",
)


def write_golden(
    path: str | os.PathLike, source: Served | str | os.PathLike, samples: Sequence[str | Sample] = GOLDEN_TEXTS
) -> None:
    """Write samples and what a model answers to them as an NPZ file, readable without pickle.

    Use only samples that may be published: the file is shipped with the model.

    Args:
        path: The file to write.
        source: Whose answers: the functions that were exported, or the folder of a SavedModel, which is run in a fresh
            process.
        samples: Texts, which become one batch for `serving_default`, and `Sample`s.

    Raises:
        ExportError: if a sample does not fit the signatures, or fails.
    """
    if isinstance(source, str | os.PathLike):
        folder = find_saved_model(source)
        given = given_samples(samples, read_signatures(folder))
        _, answers = run_in_fresh_process(folder, given)
    else:
        given = given_samples(samples, {name: source.inputs(name) for name in source.signatures()})
        answers = [answer_of(source, sample) for sample in given]
    arrays = {}
    for index, (sample, outputs) in enumerate(zip(given, answers, strict=True)):
        for part, values in ((stock_runtime.INPUTS, sample.inputs), (stock_runtime.OUTPUTS, outputs)):
            # A signature keeps its outputs in no order.
            for name, value in sorted(values.items()):
                arrays[f"{index}/{sample.signature}/{part}/{name}"] = value
    with atomic_write(path) as file:
        np.savez_compressed(file, **stock_runtime.pack(arrays))  # type: ignore[arg-type]


def check_golden(saved_model_dir: str | os.PathLike, golden_path: str | os.PathLike, tolerance: float = 1e-4) -> float:
    """Run the samples of a golden file through a SavedModel, in a fresh process, and compare the answers.

    Args:
        saved_model_dir: The folder with `saved_model.pb`, or a model's folder, of which the latest version is taken.
        golden_path: What `write_golden` wrote.
        tolerance: As of `verify`.

    Returns:
        The largest difference between floating-point outputs.

    Raises:
        DataError: if the golden file is missing or damaged.
        ExportError: if answers differ.
    """
    folder = find_saved_model(saved_model_dir)
    inputs, outputs = _read_golden(golden_path)
    samples = [Sample(f"golden sample {index}", arrays, signature) for (index, signature), arrays in inputs.items()]
    samples = given_samples(samples, read_signatures(folder))
    _, answers = run_in_fresh_process(folder, samples)
    return max(
        compare(folder, sample, expected, answer, tolerance)
        for sample, expected, answer in zip(samples, outputs, answers, strict=True)
    )


def _read_golden(path):
    try:
        arrays = stock_runtime.unpack(read_arrays(path))
        inputs: dict[tuple[int, str], dict] = {}
        outputs: dict[tuple[int, str], dict] = {}
        for key, array in arrays.items():
            index, signature, part, name = key.split("/", 3)
            side = {stock_runtime.INPUTS: inputs, stock_runtime.OUTPUTS: outputs}[part]
            side.setdefault((int(index), signature), {})[name] = array
        if not inputs or set(inputs) != set(outputs):
            raise ValueError("no samples, or samples without answers")
    except OSError as error:
        raise DataError(path, None, f"cannot be read ({error.strerror})", "name a golden.npz") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(path, None, f"damaged ({error})", "write it again with the model it belongs to") from None
    return inputs, [outputs[key] for key in inputs]
