"""One small tagger, for what all tasks share."""

from small_tagger import recipe as recipe
from small_tagger import run as run
