"""Parameter names of BERT and ERNIE in other libraries, and their names in this kit.

The official files of 2019 (`encoder_layer_0_multi_head_att_query_fc.w_0`), the `.pdparams` of the later Paddle
libraries (`bert.encoder.layers.0.self_attn.q_proj.weight`), and transformers' safetensors
(`bert.encoder.layer.0.attention.self.query.weight`, whose linear weights are transposed).
"""

import re

import numpy as np

FLUID = (
    (r"word_embedding", "embedding.weight"),
    (r"pos_embedding", "positions.weight"),
    (r"sent_embedding", "segment_embedding.weight"),
    (r"task_embedding", "task_embedding.weight"),
    (r"pre_encoder_layer_norm_(scale|bias)", r"norm.\1"),
    (r"encoder_layer_(\d+)_multi_head_att_(query|key|value|output)_fc\.([wb])_0", r"layers.\1.\2.\3"),
    (r"encoder_layer_(\d+)_post_att_layer_norm_(scale|bias)", r"layers.\1.attention_norm.\2"),
    (r"encoder_layer_(\d+)_ffn_fc_0\.([wb])_0", r"layers.\1.wide.\2"),
    (r"encoder_layer_(\d+)_ffn_fc_1\.([wb])_0", r"layers.\1.narrow.\2"),
    (r"encoder_layer_(\d+)_post_ffn_layer_norm_(scale|bias)", r"layers.\1.norm.\2"),
    (r"pooled_fc\.([wb])_0", r"pooler.\1"),
)
LATER = (
    (r"embeddings\.word_embeddings\.weight", "embedding.weight"),
    (r"embeddings\.position_embeddings\.weight", "positions.weight"),
    (r"embeddings\.token_type_embeddings\.weight", "segment_embedding.weight"),
    (r"embeddings\.task_type_embeddings\.weight", "task_embedding.weight"),
    (r"embeddings\.(?:layer_norm|LayerNorm)\.(\w+)", r"norm.\1"),
    (r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(\w+)", r"layers.\1.query.\2"),
    (r"encoder\.layers\.(\d+)\.self_attn\.k_proj\.(\w+)", r"layers.\1.key.\2"),
    (r"encoder\.layers\.(\d+)\.self_attn\.v_proj\.(\w+)", r"layers.\1.value.\2"),
    (r"encoder\.layers\.(\d+)\.self_attn\.out_proj\.(\w+)", r"layers.\1.output.\2"),
    (r"encoder\.layers\.(\d+)\.linear1\.(\w+)", r"layers.\1.wide.\2"),
    (r"encoder\.layers\.(\d+)\.linear2\.(\w+)", r"layers.\1.narrow.\2"),
    (r"encoder\.layers\.(\d+)\.norm1\.(\w+)", r"layers.\1.attention_norm.\2"),
    (r"encoder\.layers\.(\d+)\.norm2\.(\w+)", r"layers.\1.norm.\2"),
    (r"pooler\.dense\.(\w+)", r"pooler.\1"),
)
TRANSFORMERS = (
    (r"encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)\.(\w+)", r"layers.\1.\2.\3"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense\.(\w+)", r"layers.\1.output.\2"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.(\w+)", r"layers.\1.attention_norm.\2"),
    (r"encoder\.layer\.(\d+)\.intermediate\.dense\.(\w+)", r"layers.\1.wide.\2"),
    (r"encoder\.layer\.(\d+)\.output\.dense\.(\w+)", r"layers.\1.narrow.\2"),
    (r"encoder\.layer\.(\d+)\.output\.LayerNorm\.(\w+)", r"layers.\1.norm.\2"),
)
HEADS = (  # of pre-training
    (r"mask_lm_trans_fc\.([wb])_0", r"masked.dense.\1"),
    (r"mask_lm_trans_layer_norm_(scale|bias)", r"masked.norm.\1"),
    (r"mask_lm_out_fc\.b_0", "masked.bias"),
    (r"next_sent_fc\.([wb])_0", r"next.\1"),
    (r"cls\.predictions\.transform\.dense\.(\w+)", r"masked.dense.\1"),
    (r"cls\.predictions\.transform\.LayerNorm\.(\w+)", r"masked.norm.\1"),
    (r"cls\.predictions\.transform\.(weight|bias)", r"masked.dense.\1"),
    (r"cls\.predictions\.layer_norm\.(\w+)", r"masked.norm.\1"),
    (r"cls\.predictions\.(?:decoder_)?bias", "masked.bias"),
    (r"cls\.seq_relationship\.(\w+)", r"next.\1"),
)
LAST = {"w": "weight", "b": "bias", "scale": "weight", "gamma": "weight", "beta": "bias"}
PREFIX = re.compile(r"^(?:bert|ernie|model|encoder)\.(?=embeddings\.|encoder\.|pooler\.)")
COUNTED = re.compile(r"embeddings\.position_ids$")  # 0, 1, 2, ... as older versions of transformers wrote it
PRODUCT = re.compile(r"\.(query|key|value|output|wide|narrow|dense)\.weight$|(pooler|next)\.weight$")


def our_names(arrays):
    """The arrays under the names of this kit (`encoder.layers.0.query.weight`); unknown names stay, 0, 1, 2, ... goes.

    Args:
        arrays (dict): name -> array of one of the three kinds of files.
    """
    transposed = any(re.search(r"encoder\.layer\.\d+\.", name) for name in arrays)
    found = {}
    for name, array in arrays.items():
        if COUNTED.search(name):
            continue
        ours = our_name(name)
        if ours and transposed and PRODUCT.search(ours):
            array = np.ascontiguousarray(array.T)
        found[ours or name] = array
    return found


def our_name(name):
    """The name of one parameter in this kit, or None."""
    for pattern, replacement in HEADS:
        match = re.fullmatch(pattern, name)
        if match:
            head, _, last = match.expand(replacement).rpartition(".")
            return f"{head}.{LAST.get(last, last)}"
    plain = PREFIX.sub("", name)
    for pattern, replacement in (*FLUID, *LATER, *TRANSFORMERS):
        match = re.fullmatch(pattern, plain)
        if match:
            head, _, last = match.expand(replacement).rpartition(".")
            return f"encoder.{head}.{LAST.get(last, last)}"
    return None
