"""A plugin of pytest: where Keras' own tests say `layers.LSTM`, they get ours."""

import keras.src.layers

import keras_seq.layers

NAMES = ("SimpleRNN", "SimpleRNNCell", "GRU", "GRUCell", "LSTM", "LSTMCell", "Bidirectional")

for _name in NAMES:
    setattr(keras.src.layers, _name, getattr(keras_seq.layers, _name))
