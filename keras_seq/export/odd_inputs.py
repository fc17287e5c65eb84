"""Strings that break programs: every model that reads text is tried on them before it is shipped."""

import numpy as np

LONG_TEXT_TOKENS = 10_000
LONG_TOKEN_CHARACTERS = 50_000

ODD_STRINGS: dict[str, bytes] = {
    "the empty string": b"",
    "only spaces": b" \t \n\xc2\xa0\xe3\x80\x80 ",
    "emoji": "Olá 👋🏽 👩‍👩‍👧‍👦 🇧🇷🇵🇹 ❤️ 1️⃣ 🏳️‍🌈!".encode(),
    "bytes that are not UTF-8": b"Jo\xe3o \xff\xfe mora em S\xc3 Paulo \xed\xa0\x80 \xf0\x9f",
    "a NUL character": b"antes\x00depois \x00",
    "mixed scripts": "Ana Анна 安娜 アンナ אנה آنا अन्ना แอนนา Ἄννα".encode(),
    "combining marks": "a\u0303 e\u0301 c\u0327\u0303 \u0301 Z\u0351\u036b\u0343\u036a\u0302 o\u0308\u0304".encode(),
    "controls and joiners": "\ufeffx\u200by\u200d\u202ez\u2028w\u0085\x1b[0m\ue000\U0010ffff".encode(),
    "punctuation": "...!?--«»“”’()[]{}<>/\\|@#$%^&*_+=~`¨´ºª§°".encode(),
}


def odd_texts() -> dict[str, np.ndarray]:
    """Name -> batch of texts `(batch,)`: each odd string alone, all together, a long text, a long token, no row."""
    batches = {name: _strings([value]) for name, value in ODD_STRINGS.items()}
    batches["all odd strings in one batch"] = _strings(list(ODD_STRINGS.values()))
    batches[f"{LONG_TEXT_TOKENS} tokens"] = _strings([b"Maria " * LONG_TEXT_TOKENS])
    batches["one very long token"] = _strings([b"a" * LONG_TOKEN_CHARACTERS])
    batches["a batch without rows"] = _strings([])
    return batches


def odd_tokens() -> dict[str, np.ndarray]:
    """Name -> batch of tokens `(batch, steps)`: as `odd_texts`, and padding on the left, within, and alone."""
    batches = {name: _strings([[value]]) for name, value in ODD_STRINGS.items()}
    batches["all odd strings in one row"] = _strings([list(ODD_STRINGS.values())])
    batches["padding left, within and alone"] = _strings(
        [[b"", b"Ana", b"mora"], [b"Ana", b"", b"mora"], [b"", b"", b""], [b"Ana", b"mora", b""]]
    )
    batches[f"{LONG_TEXT_TOKENS} tokens"] = _strings([[b"Maria"] * LONG_TEXT_TOKENS])
    batches["one very long token"] = _strings([[b"a" * LONG_TOKEN_CHARACTERS]])
    batches["a batch without rows"] = np.empty((0, 3), object)
    batches["rows without tokens"] = np.empty((2, 0), object)
    return batches


def _strings(values: list) -> np.ndarray:
    return np.array(values, object)
