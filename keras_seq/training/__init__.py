"""Training: the typed recipe, the optimizer, the loop with exact resume, checkpoints, run directory, TensorBoard."""

from typing import TYPE_CHECKING

from keras_seq.core.lazy import lazy_imports

if TYPE_CHECKING:
    from keras_seq.training.callbacks import Position, Progress, TrainingCallback, show_work
    from keras_seq.training.carried_states import CarriedStates
    from keras_seq.training.checkpoints import CheckpointStore
    from keras_seq.training.drawing_curves import draw_precision_recall, draw_roc, draw_similarities
    from keras_seq.training.feeding import Batches
    from keras_seq.training.gradient_norms import GradientNorms, hidden_gradient_norms
    from keras_seq.training.gradient_norms_per_step import GradientNormsPerStep
    from keras_seq.training.loop import FitResult, TrainingInterrupted, compile_model, fit, jit_setting
    from keras_seq.training.optimizers import averaged_weights, build_optimizer
    from keras_seq.training.origin import Origin
    from keras_seq.training.panels import Panels
    from keras_seq.training.pretraining import pretrained_vectors
    from keras_seq.training.pretraining_recipe import PretrainingSection
    from keras_seq.training.projector import write_projector
    from keras_seq.training.recipe import KerasRecipe, Recipe
    from keras_seq.training.run_directory import RunDirectory
    from keras_seq.training.tensorboard import TensorBoard
    from keras_seq.training.word_pretraining import NegativeSampling, composed_vectors, pretrain_word_vectors
else:
    __getattr__, __dir__ = lazy_imports(__name__, __file__)

__all__ = [
    "Batches",
    "CarriedStates",
    "CheckpointStore",
    "FitResult",
    "GradientNorms",
    "GradientNormsPerStep",
    "KerasRecipe",
    "NegativeSampling",
    "Origin",
    "Panels",
    "Position",
    "PretrainingSection",
    "Progress",
    "Recipe",
    "RunDirectory",
    "TensorBoard",
    "TrainingCallback",
    "TrainingInterrupted",
    "averaged_weights",
    "build_optimizer",
    "compile_model",
    "composed_vectors",
    "draw_precision_recall",
    "draw_roc",
    "draw_similarities",
    "fit",
    "hidden_gradient_norms",
    "jit_setting",
    "pretrain_word_vectors",
    "pretrained_vectors",
    "show_work",
    "write_projector",
]
