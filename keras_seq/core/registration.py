"""The one decorator that registers classes with Keras."""

import keras

register = keras.saving.register_keras_serializable(package="keras_seq")
"""Class decorator: a `.keras` file that holds the class loads without `custom_objects`.

Example:

>>> from keras_seq.core.registration import register
>>> register.__name__
'decorator'
"""
