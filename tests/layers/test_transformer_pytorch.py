"""The transformer layers against PyTorch with the same weights: its modules, and two published architectures."""

import functools

import keras
import numpy as np
import pytest
import torch
from keras import ops

from keras_seq.layers import TransformerBlock, TransformerStack

ROWS, STEPS, FEATURES, HEADS, INNER = 3, 6, 8, 2, 12
CONTEXT_STEPS = 4
generator = np.random.default_rng(0)
SEQUENCES = generator.standard_normal((ROWS, STEPS, FEATURES)).astype("float32")
CONTEXT = generator.standard_normal((ROWS, CONTEXT_STEPS, FEATURES)).astype("float32")
MASK = np.arange(STEPS) < np.array([6, 3, 1])[:, None]
CONTEXT_MASK = np.array([[1, 0, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1]], bool)
ARGUMENTS = {"d_model": FEATURES, "nhead": HEADS, "dim_feedforward": INNER, "batch_first": True}
# Not `torch.nn.GELU(approximate="tanh")`: the fast path of PyTorch's layer computes the exact one for it.
GELU_TANH = functools.partial(torch.nn.functional.gelu, approximate="tanh")


def random_weights(module):
    """All weights of a module random, those that begin as zeros and ones as well."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return module.eval()


def numpy_of(module, *names):
    weights = [getattr(module, name) for name in names]
    return [weight.detach().numpy() for weight in weights if weight is not None]


def load_norm(norm, module):
    norm.set_weights(numpy_of(module, "weight", "bias"))


def load_dense(dense, module):
    kernel, *bias = numpy_of(module, "weight", "bias")
    dense.set_weights([kernel.T, *bias])


def load_attention(attention, in_kernels, in_biases, out_kernel, out_bias):
    """Kernels as `torch.nn.Linear` holds them, of queries, keys and values, and of the output."""
    heads = (-1, attention.num_heads, attention.head_dim)
    parts = (attention.query_dense, attention.key_dense, attention.value_dense)
    for dense, kernel, bias in zip(parts, in_kernels, in_biases, strict=True):
        dense.set_weights([kernel.T.reshape(heads), *([] if bias is None else [bias.reshape(heads[1:])])])
    out_kernel = out_kernel.T.reshape((*heads[1:], -1))
    attention.output_dense.set_weights([out_kernel, *([] if out_bias is None else [out_bias])])


def load_module(attention, module):
    """The weights of a `torch.nn.MultiheadAttention`."""
    (kernels,), biases = numpy_of(module, "in_proj_weight"), numpy_of(module, "in_proj_bias")
    (out_kernel, *out_bias) = numpy_of(module.out_proj, "weight", "bias")
    biases = np.split(biases[0], 3) if biases else [None] * 3
    load_attention(attention, np.split(kernels, 3), biases, out_kernel, out_bias[0] if out_bias else None)


def load_layer(block, module):
    """The weights of a `torch.nn.TransformerEncoderLayer` or `TransformerDecoderLayer`."""
    load_module(block.attention, module.self_attn)
    norms = [block.attention_norm, block.feed_forward_norm]
    if block.cross_attention:
        load_module(block.context_attention, module.multihead_attn)
        norms.insert(1, block.context_norm)
    for index, norm in enumerate(norms):
        load_norm(norm, getattr(module, f"norm{index + 1}"))
    load_dense(block.inner, module.linear1)
    load_dense(block.outer, module.linear2)


def torch_outputs(module, *inputs, **arguments):
    with torch.no_grad():
        return module(*(torch.from_numpy(array) for array in inputs), **arguments)


def test_attention_is_that_of_multihead_attention():
    module = random_weights(torch.nn.MultiheadAttention(FEATURES, HEADS, batch_first=True))
    block = TransformerBlock(HEADS, cross_attention=True)
    block(SEQUENCES, CONTEXT)
    load_module(block.context_attention, module)
    real = ops.convert_to_tensor(CONTEXT_MASK[:, None, None, :])
    outputs, weights = block.context_attention.attend(SEQUENCES, [block.read_context(CONTEXT)], real)
    expected, expected_weights = torch_outputs(
        module,
        SEQUENCES,
        CONTEXT,
        CONTEXT,
        key_padding_mask=torch.from_numpy(~CONTEXT_MASK),
        average_attn_weights=False,
    )
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-6)


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize(("activation", "of_torch"), [("gelu", "gelu"), ("gelu_tanh", GELU_TANH), ("relu", "relu")])
def test_block_is_transformer_encoder_layer(norm, activation, of_torch):
    bias = activation != "relu"
    module = random_weights(
        torch.nn.TransformerEncoderLayer(**ARGUMENTS, activation=of_torch, norm_first=norm == "pre", bias=bias)
    )
    block = TransformerBlock(HEADS, feed_forward_units=INNER, norm=norm, activation=activation, use_bias=bias)
    outputs = block(SEQUENCES)
    load_layer(block, module)
    outputs = ops.convert_to_numpy(block(SEQUENCES, mask=MASK))
    expected = torch_outputs(module, SEQUENCES, src_key_padding_mask=torch.from_numpy(~MASK))
    np.testing.assert_allclose(outputs[MASK], expected.numpy()[MASK], atol=1e-5)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_stack_is_transformer_decoder(norm):
    layer = torch.nn.TransformerDecoderLayer(**ARGUMENTS, activation="gelu", norm_first=norm == "pre")
    module = random_weights(torch.nn.TransformerDecoder(layer, 2, norm=torch.nn.LayerNorm(FEATURES)))
    stack = TransformerStack(
        2,
        HEADS,
        feed_forward_units=INNER,
        positions=None,
        norm=norm,
        final_norm=True,
        causal=True,
        cross_attention=True,
    )
    stack(SEQUENCES, CONTEXT)
    for block, of_torch in zip(stack.blocks, module.layers, strict=True):
        load_layer(block, of_torch)
    load_norm(stack.last_norm, module.norm)
    outputs = ops.convert_to_numpy(stack(SEQUENCES, CONTEXT, mask=MASK, context_mask=CONTEXT_MASK))
    expected = torch_outputs(
        module,
        SEQUENCES,
        CONTEXT,
        tgt_mask=torch.triu(torch.ones(STEPS, STEPS, dtype=torch.bool), 1),
        tgt_key_padding_mask=torch.from_numpy(~MASK),
        memory_key_padding_mask=torch.from_numpy(~CONTEXT_MASK),
    )
    np.testing.assert_allclose(outputs[MASK], expected.numpy()[MASK], atol=1e-5)


def test_gradients_are_those_of_transformer_encoder_layer():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are taken with TensorFlow")
    import tensorflow as tf

    module = random_weights(torch.nn.TransformerEncoderLayer(**ARGUMENTS, activation="gelu", norm_first=True))
    block = TransformerBlock(HEADS, feed_forward_units=INNER)
    block(SEQUENCES)
    load_layer(block, module)
    inputs, real = torch.from_numpy(SEQUENCES).requires_grad_(), torch.from_numpy(MASK)
    module(inputs, src_key_padding_mask=~real)[real].square().sum().backward()
    variable = tf.Variable(SEQUENCES)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(block(variable, mask=MASK)[MASK]))
    weights = [block.inner.kernel.value, block.attention.output_dense.kernel.value]
    found = tape.gradient(loss, [variable, *weights])
    of_output = module.self_attn.out_proj.weight.grad.T.reshape(HEADS, -1, FEATURES)
    expected = [inputs.grad, module.linear1.weight.grad.T, of_output]
    for ours, of_torch in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, of_torch, atol=1e-4, rtol=1e-4)


# --- The two published architectures, under the names of their published weights, written out in plain PyTorch


def random_tensors(shapes):
    torch.manual_seed(1)
    return {name: 0.4 * torch.randn(shape) for name, shape in shapes.items()}


def torch_attention(query, key, value, visible):
    """`(batch, steps, features)` each; `visible` to be broadcast to `(batch, heads, queries, keys)`."""
    query, key, value = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in (query, key, value))
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    weights = torch.softmax(scores.masked_fill(~visible, -torch.inf), dim=-1)
    return (weights @ value).transpose(1, 2).flatten(2)


BERT_LAYER = {
    **{f"attention.self.{part}": (FEATURES, FEATURES) for part in ("query", "key", "value")},
    "attention.output.dense": (FEATURES, FEATURES),
    "attention.output.LayerNorm": (FEATURES,),
    "intermediate.dense": (INNER, FEATURES),
    "output.dense": (FEATURES, INNER),
    "output.LayerNorm": (FEATURES,),
}


def bert(weights, embeddings, mask):
    def linear(x, name):
        return torch.nn.functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, (FEATURES,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12)

    x = embeddings + weights["embeddings.position_embeddings.weight"][: embeddings.shape[1]]
    x = norm(x, "embeddings.LayerNorm")
    for index in range(2):
        layer = f"encoder.layer.{index}"
        parts = (linear(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        attended = linear(torch_attention(*parts, mask[:, None, None, :]), f"{layer}.attention.output.dense")
        x = norm(x + attended, f"{layer}.attention.output.LayerNorm")
        inner = torch.nn.functional.gelu(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


def test_weights_of_bert():
    shapes = {"embeddings.LayerNorm": (FEATURES,)}
    shapes |= {f"encoder.layer.{index}.{name}": shape for index in range(2) for name, shape in BERT_LAYER.items()}
    weights = random_tensors(
        {f"{name}.weight": shape for name, shape in shapes.items()}
        | {f"{name}.bias": shape[:1] for name, shape in shapes.items()}
        | {"embeddings.position_embeddings.weight": (9, FEATURES)}
    )
    stack = TransformerStack(
        2,
        HEADS,
        feed_forward_units=INNER,
        positions="learned",
        max_steps=9,
        norm="post",
        norm_epsilon=1e-12,
        input_norm=True,
    )
    stack(SEQUENCES)
    arrays = {name: weight.numpy() for name, weight in weights.items()}

    def both(name):
        return arrays[f"{name}.weight"], arrays[f"{name}.bias"]

    stack.position_encoding.set_weights([arrays["embeddings.position_embeddings.weight"]])
    stack.first_norm.set_weights(both("embeddings.LayerNorm"))
    for index, block in enumerate(stack.blocks):
        layer = f"encoder.layer.{index}"
        parts = [both(f"{layer}.attention.self.{part}") for part in ("query", "key", "value")]
        kernels, biases = zip(*parts, strict=True)
        load_attention(block.attention, kernels, biases, *both(f"{layer}.attention.output.dense"))
        block.attention_norm.set_weights(both(f"{layer}.attention.output.LayerNorm"))
        for dense, name in ((block.inner, "intermediate.dense"), (block.outer, "output.dense")):
            kernel, bias = both(f"{layer}.{name}")
            dense.set_weights([kernel.T, bias])
        block.feed_forward_norm.set_weights(both(f"{layer}.output.LayerNorm"))
    outputs = ops.convert_to_numpy(stack(SEQUENCES, mask=MASK))
    expected = bert(weights, torch.from_numpy(SEQUENCES), torch.from_numpy(MASK)).numpy()
    np.testing.assert_allclose(outputs[MASK], expected[MASK], atol=1e-5)
    # Padding on the other side moves nothing: positions count real steps.
    turned = np.zeros_like(SEQUENCES)
    for row, real in enumerate(MASK):
        turned[row, STEPS - real.sum() :] = SEQUENCES[row, real]
    outputs = ops.convert_to_numpy(stack(turned, mask=MASK[:, ::-1]))
    np.testing.assert_allclose(outputs[MASK[:, ::-1]], expected[MASK], atol=1e-5)


GPT2_LAYER = {
    "ln_1": (FEATURES,),
    "attn.c_attn": (FEATURES, 3 * FEATURES),
    "attn.c_proj": (FEATURES, FEATURES),
    "ln_2": (FEATURES,),
    "mlp.c_fc": (FEATURES, INNER),
    "mlp.c_proj": (INNER, FEATURES),
}


def gpt2(weights, embeddings):
    def linear(x, name):
        return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def norm(x, name):
        return torch.nn.functional.layer_norm(x, (FEATURES,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5)

    steps = embeddings.shape[1]
    visible = torch.ones(steps, steps, dtype=torch.bool).tril()
    x = embeddings + weights["wpe.weight"][:steps]
    for index in range(2):
        parts = linear(norm(x, f"h.{index}.ln_1"), f"h.{index}.attn.c_attn").chunk(3, dim=-1)
        x = x + linear(torch_attention(*parts, visible), f"h.{index}.attn.c_proj")
        inner = linear(norm(x, f"h.{index}.ln_2"), f"h.{index}.mlp.c_fc")
        x = x + linear(torch.nn.functional.gelu(inner, approximate="tanh"), f"h.{index}.mlp.c_proj")
    return norm(x, "ln_f")


def test_weights_of_gpt2():
    shapes = {"ln_f": (FEATURES,)}
    shapes |= {f"h.{index}.{name}": shape for index in range(2) for name, shape in GPT2_LAYER.items()}
    weights = random_tensors(
        {f"{name}.weight": shape for name, shape in shapes.items()}
        | {f"{name}.bias": shape[-1:] for name, shape in shapes.items()}
        | {"wpe.weight": (9, FEATURES)}
    )
    stack = TransformerStack(
        2, HEADS, feed_forward_units=INNER, positions="learned", max_steps=9, activation="gelu_tanh", causal=True
    )
    stack(SEQUENCES)
    arrays = {name: weight.numpy() for name, weight in weights.items()}

    def both(name):
        return arrays[f"{name}.weight"], arrays[f"{name}.bias"]

    stack.position_encoding.set_weights([arrays["wpe.weight"]])
    for index, block in enumerate(stack.blocks):
        block.attention_norm.set_weights(both(f"h.{index}.ln_1"))
        kernels, biases = (np.split(array, 3, axis=-1) for array in both(f"h.{index}.attn.c_attn"))
        out_kernel, out_bias = both(f"h.{index}.attn.c_proj")
        load_attention(block.attention, [kernel.T for kernel in kernels], biases, out_kernel.T, out_bias)
        block.feed_forward_norm.set_weights(both(f"h.{index}.ln_2"))
        block.inner.set_weights(both(f"h.{index}.mlp.c_fc"))
        block.outer.set_weights(both(f"h.{index}.mlp.c_proj"))
    stack.last_norm.set_weights(both("ln_f"))
    expected = gpt2(weights, torch.from_numpy(SEQUENCES)).numpy()
    np.testing.assert_allclose(stack(SEQUENCES), expected, atol=1e-5)
    state, outputs = stack.initial_state(ROWS), []
    for step in range(STEPS):
        output, state = stack.step(SEQUENCES[:, step : step + 1], state)
        outputs.append(ops.convert_to_numpy(output))
    np.testing.assert_allclose(np.concatenate(outputs, axis=1), expected, atol=1e-5)
