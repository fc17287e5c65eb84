"""Classification: one label of a text, or several."""

from keras_seq.families.classification.card import data_sentences
from keras_seq.families.classification.task import Classifier
from keras_seq.families.classification.training import ClassifierTraining
from keras_seq.tasks.registry import Family

FAMILY = Family(
    name=Classifier.task,
    unit=Classifier.unit,
    task=Classifier,
    training=ClassifierTraining,
    monitor="accuracy",
    data_sentences=data_sentences,
)
