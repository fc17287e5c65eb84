"""Keras layers for sequences; every one keeps masks of any form."""

from keras_seq.layers.attention_pooling import AttentionPooling
from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.character_encoder import CharacterEncoder
from keras_seq.layers.concatenate_features import ConcatenateFeatures
from keras_seq.layers.crf import CRF
from keras_seq.layers.gru import GRU, GRUCell
from keras_seq.layers.hashed_bigrams import HashedBigrams
from keras_seq.layers.last_step import LastStep
from keras_seq.layers.lstm import LSTM, LSTMCell
from keras_seq.layers.mask_from_ids import MaskFromIds
from keras_seq.layers.max_pooling import MaxPooling
from keras_seq.layers.mean_layer import MeanLayer
from keras_seq.layers.position_encoding import PositionEncoding
from keras_seq.layers.pytorch_weights import load_torch_weights, torch_weights
from keras_seq.layers.recurrent_stack import RecurrentStack
from keras_seq.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from keras_seq.layers.step_convolution import StepConvolution
from keras_seq.layers.subword_embedding import SubwordEmbedding
from keras_seq.layers.sum_features import SumFeatures
from keras_seq.layers.tied_embedding import TiedEmbedding
from keras_seq.layers.token_dropout import TokenDropout
from keras_seq.layers.token_softmax import TokenSoftmax
from keras_seq.layers.transformer_block import TransformerBlock
from keras_seq.layers.transformer_stack import TransformerStack
from keras_seq.layers.triplet_loss_layer import TripletLossLayer
from keras_seq.layers.unit_length import UnitLength
from keras_seq.layers.wide_scores import WideScores

__all__ = [
    "AttentionPooling",
    "Bidirectional",
    "CRF",
    "CharacterEncoder",
    "ConcatenateFeatures",
    "GRU",
    "GRUCell",
    "HashedBigrams",
    "LSTM",
    "LSTMCell",
    "LastStep",
    "MaskFromIds",
    "MaxPooling",
    "MeanLayer",
    "PositionEncoding",
    "RecurrentStack",
    "SimpleRNN",
    "SimpleRNNCell",
    "StepConvolution",
    "SubwordEmbedding",
    "SumFeatures",
    "TiedEmbedding",
    "TokenDropout",
    "TokenSoftmax",
    "TransformerBlock",
    "TransformerStack",
    "TripletLossLayer",
    "UnitLength",
    "WideScores",
    "load_torch_weights",
    "torch_weights",
]
