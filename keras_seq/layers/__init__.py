"""Keras layers for sequences; every one keeps masks of any form."""

from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.character_encoder import CharacterEncoder
from keras_seq.layers.concatenate_features import ConcatenateFeatures
from keras_seq.layers.crf import CRF
from keras_seq.layers.gru import GRU, GRUCell
from keras_seq.layers.lstm import LSTM, LSTMCell
from keras_seq.layers.pytorch_weights import load_torch_weights, torch_weights
from keras_seq.layers.recurrent_stack import RecurrentStack
from keras_seq.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from keras_seq.layers.token_dropout import TokenDropout

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "Bidirectional",
    "CharacterEncoder",
    "ConcatenateFeatures",
    "GRUCell",
    "LSTMCell",
    "RecurrentStack",
    "SimpleRNN",
    "SimpleRNNCell",
    "TokenDropout",
    "load_torch_weights",
    "torch_weights",
]
