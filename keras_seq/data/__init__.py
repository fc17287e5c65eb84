"""Files -> examples -> batches: CoNLL files, tag schemes, bucketed batches, registered data sets."""

from keras_seq.data.batching import Batch as Batch
from keras_seq.data.batching import BucketedBatches as BucketedBatches
from keras_seq.data.batching import make_arrays as make_arrays
from keras_seq.data.conll import Sentence as Sentence
from keras_seq.data.conll import detect_scheme as detect_scheme
from keras_seq.data.conll import read_conll as read_conll
from keras_seq.data.conll import write_conll as write_conll
from keras_seq.data.fetch import fetch as fetch
from keras_seq.data.registry import Dataset as Dataset
from keras_seq.data.registry import find_data as find_data
from keras_seq.data.registry import get_dataset as get_dataset
from keras_seq.data.registry import list_datasets as list_datasets
