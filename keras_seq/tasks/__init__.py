"""Tasks: what all families of models share, and finding, training and loading a model of any of them."""

from keras_seq.tasks.load import load as load
from keras_seq.tasks.registry import ExampleCall as ExampleCall
from keras_seq.tasks.registry import Family as Family
from keras_seq.tasks.registry import families as families
from keras_seq.tasks.registry import family_named as family_named
from keras_seq.tasks.registry import register_family as register_family
from keras_seq.tasks.train import train as train
