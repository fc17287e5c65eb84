"""Strings <-> ids: vocabularies, tokenizers, the encoder. Needs TensorFlow."""

from keras_seq.text.character_vocabulary import CharacterVocabulary as CharacterVocabulary
from keras_seq.text.encoding import CASE_CLASSES as CASE_CLASSES
from keras_seq.text.encoding import NUM_CASE_CLASSES as NUM_CASE_CLASSES
from keras_seq.text.encoding import TokenEncoder as TokenEncoder
from keras_seq.text.language_encoder import LanguageEncoder as LanguageEncoder
from keras_seq.text.neighbours import neighbours as neighbours
from keras_seq.text.pieces import PieceTokenizer as PieceTokenizer
from keras_seq.text.pieces import PieceVocabulary as PieceVocabulary
from keras_seq.text.subwords import SubwordHashing as SubwordHashing
from keras_seq.text.tfidf_vectors import tfidf_vectors as tfidf_vectors
from keras_seq.text.tokenizer import TOKENIZERS as TOKENIZERS
from keras_seq.text.tokenizer import Tokenizer as Tokenizer
from keras_seq.text.tokenizer import WordParts as WordParts
from keras_seq.text.tokenizer import WordTokenizer as WordTokenizer
from keras_seq.text.tokenizer import load_tokenizer as load_tokenizer
from keras_seq.text.tokenizer import register_tokenizer as register_tokenizer
from keras_seq.text.tokenizer import save_tokenizer as save_tokenizer
from keras_seq.text.vector_files import load_word_vectors as load_word_vectors
from keras_seq.text.vector_files import save_word_vectors as save_word_vectors
from keras_seq.text.vocabulary import Vocabulary as Vocabulary
from keras_seq.text.word_vectors import cooccurrence_vectors as cooccurrence_vectors
