"""Tasks: what users call. Each joins a model to its text and data side, loss, metrics and signatures."""

from keras_seq.tasks.classifier import Classifier as Classifier
from keras_seq.tasks.image_matcher import ImageMatcher as ImageMatcher
from keras_seq.tasks.load import load as load
from keras_seq.tasks.music import MusicModel as MusicModel
from keras_seq.tasks.ngram import NgramLanguageModel as NgramLanguageModel
from keras_seq.tasks.pair_matcher import PairMatcher as PairMatcher
from keras_seq.tasks.tagger import Tagger as Tagger
from keras_seq.tasks.train import train as train
