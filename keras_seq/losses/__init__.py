"""Training losses that ignore padding."""

from keras_seq.losses.class_cross_entropy import ClassCrossEntropy
from keras_seq.losses.contrastive_loss import ContrastiveLoss
from keras_seq.losses.crf_negative_log_likelihood import CRFNegativeLogLikelihood
from keras_seq.losses.euclidean_triplet_loss import EuclideanTripletLoss
from keras_seq.losses.info_nce_loss import InfoNCELoss
from keras_seq.losses.masked_cross_entropy import MaskedCrossEntropy
from keras_seq.losses.multi_similarity_loss import MultiSimilarityLoss
from keras_seq.losses.note_cross_entropy import NoteCrossEntropy
from keras_seq.losses.pair_logistic_loss import PairLogisticLoss
from keras_seq.losses.similarity_loss import SimilarityLoss
from keras_seq.losses.triplet_batch_all_loss import TripletBatchAllLoss
from keras_seq.losses.triplet_batch_hard_loss import TripletBatchHardLoss
from keras_seq.losses.triplet_loss import TripletLoss
from keras_seq.losses.triplet_semi_hard_loss import TripletSemiHardLoss

__all__ = [
    "CRFNegativeLogLikelihood",
    "ClassCrossEntropy",
    "ContrastiveLoss",
    "EuclideanTripletLoss",
    "InfoNCELoss",
    "MaskedCrossEntropy",
    "MultiSimilarityLoss",
    "NoteCrossEntropy",
    "PairLogisticLoss",
    "SimilarityLoss",
    "TripletBatchAllLoss",
    "TripletBatchHardLoss",
    "TripletLoss",
    "TripletSemiHardLoss",
]
