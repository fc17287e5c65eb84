"""Files -> examples -> batches: CoNLL files, texts, music, images, bucketed batches, registered data sets."""

from keras_seq.data import image_datasets as _image_datasets  # noqa: F401 (registers them)
from keras_seq.data import language_datasets as _language_datasets  # noqa: F401 (registers them)
from keras_seq.data import pair_datasets as _pair_datasets  # noqa: F401 (registers them)
from keras_seq.data import text_datasets as _text_datasets  # noqa: F401 (registers them)
from keras_seq.data.batching import Batch as Batch
from keras_seq.data.batching import BucketedBatches as BucketedBatches
from keras_seq.data.batching import make_arrays as make_arrays
from keras_seq.data.conll import Sentence as Sentence
from keras_seq.data.conll import detect_scheme as detect_scheme
from keras_seq.data.conll import read_conll as read_conll
from keras_seq.data.conll import write_conll as write_conll
from keras_seq.data.corpus import Corpus as Corpus
from keras_seq.data.corpus import StreamBatches as StreamBatches
from keras_seq.data.distinct_batches import DistinctBatches as DistinctBatches
from keras_seq.data.distinct_batches import groups_of_pairs as groups_of_pairs
from keras_seq.data.fetch import fetch as fetch
from keras_seq.data.image_augmentation import AffineRanges as AffineRanges
from keras_seq.data.image_augmentation import augment_images as augment_images
from keras_seq.data.images import LabelledImages as LabelledImages
from keras_seq.data.images import OneShotRuns as OneShotRuns
from keras_seq.data.images import check_image_classes as check_image_classes
from keras_seq.data.images import has_runs as has_runs
from keras_seq.data.images import read_image_pairs as read_image_pairs
from keras_seq.data.images import read_images as read_images
from keras_seq.data.images import read_one_shot_runs as read_one_shot_runs
from keras_seq.data.images import resize_images as resize_images
from keras_seq.data.labelled_text import LabelledText as LabelledText
from keras_seq.data.labelled_text import read_labelled_text as read_labelled_text
from keras_seq.data.labels import check_classes as check_classes
from keras_seq.data.labels import check_labels as check_labels
from keras_seq.data.labels import labels_of as labels_of
from keras_seq.data.midi import read_midi as read_midi
from keras_seq.data.midi import write_midi as write_midi
from keras_seq.data.pairs import TextPair as TextPair
from keras_seq.data.pairs import check_pair_labels as check_pair_labels
from keras_seq.data.pairs import read_pairs as read_pairs
from keras_seq.data.pairs import read_unlabelled_pairs as read_unlabelled_pairs
from keras_seq.data.piano_rolls import read_piano_rolls as read_piano_rolls
from keras_seq.data.registry import Dataset as Dataset
from keras_seq.data.registry import find_data as find_data
from keras_seq.data.registry import get_dataset as get_dataset
from keras_seq.data.registry import list_datasets as list_datasets
from keras_seq.data.splits import hold_out as hold_out
from keras_seq.data.splits import hold_out_groups as hold_out_groups
from keras_seq.data.splits import split_of_folds as split_of_folds
from keras_seq.data.text_lines import read_examples as read_examples
