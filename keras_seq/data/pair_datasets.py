"""The registered data sets of pairs of texts.

Most of the publishers' formats were seen, at the pinned commit or an earlier one; where a comment says that one was
not, the conversion follows a description of it. What it writes is compared with a SHA-256 all the same: `fetch` gives
the pinned content or an error.
"""

from collections.abc import Mapping
from functools import partial

from keras_seq.data.pair_conversions import assin_xml, parallel_lines, question_pairs_csv, scored_csv, sick_lines
from keras_seq.data.registry import DataFile, github_file, register_files

# Of a commit with twelve digits we know no more than these. A full one beside it is an earlier commit with the same
# file; the SHA-256 decides what is taken.
_STSB = "30de0dec4ee199b7f42351d3f1a0b19592955385"
_SICK = ("e1d3375f5b3b", "11bb9cf92419821f3bf907e9bd22291bed84d990")
_ASSIN = "f8ed74afb10d"
_MQP = ("6c7f7fd7a53c", "e8d15fafdc30b99f4ef9552307090cb19a6489a1")
_CASTORINI = "056cbbcbf997cc0b35032430110c5e5e5525700a"

_register = partial(register_files, task="pairs")


def _stsb(language: str, kind: str, **files: str) -> None:
    _register(
        f"stsb-{language}",
        f"Similarity of {kind} sentences: scores from 0 to 5, 8,628 pairs",
        {
            f"{language}.{split}.tsv": DataFile(
                (github_file("PhilipMay/stsb-multi-mt", _STSB, f"data/stsb-{language}-{split}.csv"),),
                sha256,
                scored_csv,
            )
            for split, sha256 in files.items()
        },
        language=language,
        licence="scores CC BY-SA 4.0; the sentences under the licences of their sources",
        citation="Cer et al., SemEval-2017 Task 1; in this form: May, STSb Multi MT, 2021",
        folder="stsb",
    )


_stsb(
    "en",
    "English",
    train="22d18d5ccad29f284eb0c827044796f02cb5202d19b7933f2ff1520c8a280f8d",
    dev="397ee21c4e6f3c623eb4ef780d0e542b8df681b19bb125f4a2578409aaf4c370",
    test="660e126ffd47ff2e9a3f3fdd03ac9dd926d8c139d24ae3822d44e5eb2f4dc90f",
)
_stsb(
    "pt",
    "machine-translated Portuguese",
    train="d2e677ae63c34aa495e4d5581984f7cbb37c8e960b6a70ad95fa72d446ccb064",
    dev="70bd37f2d9dbf192eb4de0114530a1fbe1d06e8f4ecd8c3df3e6f1de682aff32",
    test="9bd44ca16f70840a17054a453fa2edcd3d5307ee226a3c44dacc03668d5150af",
)
_register(
    "sick",
    "Relatedness of English sentences: scores from 1 to 5, and entailment, 9,927 pairs; NON-COMMERCIAL",
    {
        # The test file was not seen, but programs that read it by this name, and the other two.
        f"{split}.tsv": DataFile(
            tuple(github_file("brmson/dataset-sts", commit, f"data/sts/sick2014/{upstream}.txt") for commit in _SICK),
            sha256,
            sick_lines,
        )
        for split, upstream, sha256 in (
            ("train", "SICK_train", "8577520945ef4e93238ccb6b8197ba7807f9fbfdd8d4d0108e12262bf1728f0f"),
            ("dev", "SICK_trial", "9edef306cab267eaf7290b64f39769695a17874c9e8133345624463db9371194"),
            ("test", "SICK_test_annotated", "69a263db04d0dd4d61189ad0a0e3e0e7e99d4f7d8feab2bbfc3e126225615ee9"),
        )
    },
    licence="CC BY-NC-SA 3.0: no commercial use",
    citation="Marelli et al., A SICK cure for the evaluation of compositional distributional ..., LREC 2014",
)


def _assin(name: str, kind: str, size: str, upstream: Mapping[str, str], **files: str) -> None:
    # These files were not seen, but a small one of the same repository, and programs that read these by their names.
    _register(
        name,
        f"Similarity of {kind} sentences: scores from 1 to 5, and entailment, {size} pairs",
        {
            f"{name}.{split}.tsv": DataFile(
                (github_file("ruanchaves/assin", _ASSIN, f"sources/{upstream[split]}.xml"),), sha256, assin_xml
            )
            for split, sha256 in files.items()
        },
        language="pt",
        licence="not stated for the data; the repository's programs are MIT",
        citation="Real et al., The ASSIN 2 Shared Task, PROPOR 2020"
        if name == "assin2"
        else "Fonseca et al., Visão geral da avaliação de similaridade semântica e inferência textual, 2016",
        folder="assin",
    )


_assin(
    "assin1-ptbr",
    "Brazilian Portuguese",
    "5,000",
    {split: f"assin-ptbr-{split}" for split in ("train", "dev", "test")},
    train="8ee99b5d9e47ab45b63d6907859ded2e2a409f88e0566518b1b8f2e7d734aef2",
    dev="1dbc8945ebfdcf1dad6f9280c3ae94eadc54fdcaf24c5a3bef463eaa3deac24d",
    test="55620bd15f4b2c138cc1444476b419186ba76432c7f06d30471be68c1b7171a8",
)
_assin(
    "assin1-ptpt",
    "European Portuguese",
    "5,000",
    {split: f"assin-ptpt-{split}" for split in ("train", "dev", "test")},
    train="3ea649090a57d1b2b82b650536a811340c56dc1ec3dd7252856073ac38e0e4e2",
    dev="9cece277953128ac3ddf998ac0e4f838ec1bf541b7ef9cf03a051fe84c0a12cf",
    test="f333a2166114d11b1b8bbd24b61f1bdcc518662f55e791bbce85d26570dc8475",
)
_assin(
    "assin2",
    "Portuguese",
    "9,448",
    {"train": "assin2-train-only", "dev": "assin2-dev", "test": "assin2-test"},
    train="0cb000b289a142ccd6d5d45d0a3ed9092865a67fa57bb4b5d12bc1e237200d85",
    dev="550b90324d782d96e2fc30af5685977fb9386202e697ab977e857495379afc55",
    test="8bdfc19d0353223bdffb55f1c4e6e9c53bab57dab9a49b6435ed6446d21a56f3",
)
_register(
    "mqp",
    "Medical questions that ask the same (1) or not (0), each once and once: 3,048 pairs, split by first question",
    {
        f"{split}.tsv": DataFile(
            tuple(github_file("curai/medical-question-pair-dataset", commit, "mqp.csv") for commit in _MQP),
            sha256,
            partial(question_pairs_csv, split=split),
        )
        for split, sha256 in (
            ("train", "63f25468e47b48bb69066902945bbc4290fe583af3ca78ef62cc790fd4dbbae1"),
            ("dev", "a019df1acd4e8176640a49ba3bde188982688f5d9b4e7a6775da4059fa1acc7c"),
            ("test", "857be43a9ecec1c014db5d81414984f6b3771a746fa71595480fa90d296c4948"),
        )
    },
    licence="not stated by the source",
    citation="McCreery et al., Effective Transfer Learning for Identifying Similar Questions, KDD 2020",
)
_register(
    "twitter-url",
    "English tweets that are paraphrases (1) or not (0), tokenized: 51,524 pairs",
    {
        # Three downloads make a file: the publisher has one for each side, and one of labels.
        f"{split}.tsv": DataFile(
            (github_file("castorini/data", _CASTORINI, f"twitterPPDB/{split}/a.toks"),),
            sha256,
            parallel_lines,
            further_urls=tuple(
                github_file("castorini/data", _CASTORINI, f"twitterPPDB/{split}/{part}")
                for part in ("b.toks", "sim.txt")
            ),
        )
        for split, sha256 in (
            ("train", "698894b9dd944d0354ade74a2a205506b6d14a48de69715caaa9f9c1fc76c7ee"),
            ("test", "ce47bae42e3eb8a4f4a9214dbe6fe73c9cf15be95a92f7cd3b5ede70527d2a4c"),
        )
    },
    licence="not stated by the source; the tweets under the terms of Twitter: for research",
    citation="Lan et al., A Continuously Growing Dataset of Sentential Paraphrases, EMNLP 2017",
)
