"""The command line, and a tiny tagger, which is what a command of another family refuses."""

from command_line import corpus as corpus
from command_line import each_model_is_loaded_once as each_model_is_loaded_once
from command_line import invoke as invoke
from command_line import trained as trained
