"""A language model of a few thousand random weights, and its tokenizer of bytes, as files that any server can load."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

_END = "<|end|>"
_TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "
_WIDTH, _INNER, _HEADS = 16, 32, 2


def tiny_model(folder: Path, *, ends: int) -> Path:
    """Writes it to ``folder``, and gives that.

    Args:
        ends: of its 257 tokens so many end a reply: none is one that never ends.
    """
    folder.mkdir(parents=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate([_END, *alphabet])}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    size = 1 + len(alphabet)
    _write(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": _END, "pad_token": _END, "chat_template": _TEMPLATE,
    })  # fmt: skip
    _write(folder / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": size, "hidden_size": _WIDTH,
        "intermediate_size": _INNER, "num_hidden_layers": 1, "num_attention_heads": _HEADS,
        "num_key_value_heads": _HEADS, "max_position_embeddings": 65_536, "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True, "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0, "dtype": "float32",
    })  # fmt: skip
    ending: dict[str, object] = {"eos_token_id": list(range(ends)) or None, "pad_token_id": 0}
    _write(folder / "generation_config.json", ending | {"do_sample": True})
    save_file(_weights(size), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _weights(size: int) -> dict[str, NDArray[np.float32]]:
    random, layer = np.random.default_rng(0), "model.layers.0"

    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        return random.normal(0, 0.05, (rows, columns)).astype(np.float32)

    attention = {f"{layer}.self_attn.{x}_proj.weight": matrix(_WIDTH, _WIDTH) for x in "qkvo"}
    ahead = {f"{layer}.mlp.{x}_proj.weight": matrix(_INNER, _WIDTH) for x in ("gate", "up")}
    norms = ("model.norm", f"{layer}.input_layernorm", f"{layer}.post_attention_layernorm")
    return {
        "model.embed_tokens.weight": matrix(size, _WIDTH), **attention, **ahead,
        f"{layer}.mlp.down_proj.weight": matrix(_WIDTH, _INNER),
        **{f"{name}.weight": np.ones(_WIDTH, np.float32) for name in norms},
    }  # fmt: skip


def _write(path: Path, record: dict[str, object]) -> None:
    path.write_text(json.dumps(record), "utf-8")
