"""Which tests belong to one family of models, and what each family's tests take.

Tests of one group run one after another in one worker, so that what they share is made once. A group is a family; the
other tests are grouped by their file. Long groups come first, so that the workers end together.
"""

from pathlib import PurePath

# From now on no family's own tests take longer, shared runs and exports included.
BUDGET_SECONDS = 60

# Family -> the names without `test_` of its files in `zoo/`; all others stand in `families/<family>/`.
FAMILIES = {
    "tagging": ("ner",),
    "classification": ("sentiment", "text_classifier", "transformer_classifier", "wide_part"),
    "pairs": ("siamese",),
    "images": ("siamese_image",),
    "language": ("language", "streaming"),
    "music": ("music",),
    "ngram": (),
}

# Files of one group that are no family's: what all commands do, tried on one small tagger.
COMMANDS = ("cli/test_commands.py", "cli/test_bad_input.py")
# What takes longest, families and others; then the other families, then all others in the order of their names.
LONG = ("classification", "pairs", "commands", "tagging", "test_docs.py", "layers/test_recurrent_files.py")


def family_of(path: str) -> str | None:
    """The family of a test file, by its path below `tests/`; `None` for the tests of all families."""
    folder, *rest = PurePath(path).parts
    if folder == "families" and len(rest) > 1:
        return rest[0]
    if folder != "zoo":
        return None
    name = PurePath(path).stem.removeprefix("test_")
    return next((family for family, names in FAMILIES.items() if name in names), None)


def group_of(path: str) -> str:
    """The group of a test file: its family, or the file itself."""
    return "commands" if path in COMMANDS else family_of(path) or path


def place_of(group: str) -> tuple[int, str]:
    """By what groups are sorted."""
    order = (*LONG, *FAMILIES)
    return (order.index(group) if group in order else len(order)), group
