"""What a matcher of images says of a pair."""

from __future__ import annotations

from keras_seq.tasks.results import Match


class MatchedImages(Match):
    """A pair of images: `similarity`, `duplicate`; of a file also `pair`, its number from 0."""

    def sides(self) -> tuple[str, ...]:
        """The number of the pair: images have no text."""
        return (f"pair {self['pair']}",) if "pair" in self else ()
