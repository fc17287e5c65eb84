"""Tasks: what all families of models share, and finding, training and loading a model of any of them."""

from typing import TYPE_CHECKING

from keras_seq.core.lazy import lazy_imports

if TYPE_CHECKING:
    from keras_seq.tasks.loading import load as load
    from keras_seq.tasks.registry import ExampleCall as ExampleCall
    from keras_seq.tasks.registry import Family as Family
    from keras_seq.tasks.registry import families as families
    from keras_seq.tasks.registry import family_named as family_named
    from keras_seq.tasks.registry import register_family as register_family
    from keras_seq.tasks.training_run import train as train
else:
    __getattr__, __dir__ = lazy_imports(__name__, __file__)
