"""A BERT encoder with mean pooling, written down as an ONNX graph.

Node by node, from the model's weights, in the fused operations that both runtimes know: a traced model has ten times as
many nodes, most of them about shapes and masks, and takes a fifth longer for a question. ``export`` checks the graph's
vectors against the model's own.

Devlin et al. 2019, BERT, doi:10.18653/v1/N19-1423; mean pooling as in Reimers and Gurevych 2019, Sentence-BERT,
doi:10.18653/v1/D19-1410. The operations are those of ONNX and of ONNX Runtime's domain ``com.microsoft``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.errors import EncoderError

#: Raised when the graph changes, so that an export is made anew where there is an older one.
GRAPH_VERSION = 2
_FUSED = "com.microsoft"
_OPSET, _IR_VERSION = 17, 8
_EMBEDDINGS = "embeddings"


def write_graph(config: Any, weights: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    """Writes the graph: ``input_ids`` and ``attention_mask`` (texts, tokens) int64 to ``vector`` (texts, dimension).

    The vectors have length 1. What the mask leaves out has no effect on them.

    Args:
        config: of the transformers library, of a BERT model.
        weights: all of the model's, by their names there.
        path: of the file.

    Raises:
        EncoderError: the model is of another kind.
    """
    kind, activation = getattr(config, "model_type", None), getattr(config, "hidden_act", None)
    if (kind, activation) != ("bert", "gelu"):
        raise EncoderError(
            f"model of type {kind!r} with activation {activation!r}: expected 'bert' with 'gelu'; only mean-pooled, "
            "normalised BERT models can be exported"
        )
    try:
        _Graph(config, weights).save(path)
    except KeyError as error:
        raise EncoderError(f"model: has no weights {error}; expected those of a BERT encoder") from error


class _Graph:
    """The nodes and weights so far. A node is named after what comes out of it."""

    def __init__(self, config: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self._config, self._weights = config, weights
        self._nodes: list[Any] = []
        self._held: list[Any] = []
        states = self._embedded()
        for layer in range(config.num_hidden_layers):
            states = self._layer(f"encoder.layer.{layer}", states)
        self._pool(states)

    def save(self, path: Path) -> None:
        import onnx
        from onnx import TensorProto, helper

        tokens = ["texts", "tokens"]
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, tokens) for n in ("input_ids", "attention_mask")]
        output = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["texts", self._config.hidden_size])
        graph = helper.make_graph(self._nodes, "encoder", inputs, [output], self._held)
        domains = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=_IR_VERSION), str(path))

    def _embedded(self) -> str:
        """Words and places, summed and normalised; all tokens are of the first type."""
        from onnx import TensorProto

        ids = self._node("Cast", ["input_ids"], "ids", to=TensorProto.INT32)
        self._node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        words, places, types = (
            self._weights[f"{_EMBEDDINGS}.{of}_embeddings.weight"] for of in ("word", "position", "token_type")
        )
        tables = [self._hold("words", words), self._hold("places", places + types[0])]
        norm = self._norm(f"{_EMBEDDINGS}.LayerNorm")
        self._node("EmbedLayerNormalization", [ids, "", *tables, "", *norm, ""], "embedded", _FUSED,
                   also=("embedded.mask",), epsilon=self._config.layer_norm_eps)  # fmt: skip
        return "embedded"

    def _layer(self, name: str, states: str) -> str:
        heads = self._config.num_attention_heads
        of = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        joined = np.concatenate([self._matrix(part) for part in of], axis=1)
        biases = np.concatenate([self._weights[f"{part}.bias"] for part in of])
        into = [self._hold(f"{name}.joined", joined), self._hold(f"{name}.joined.bias", biases)]
        seen = self._node("Attention", [states, *into, "mask"], f"{name}.seen", _FUSED, num_heads=heads)
        attended = self._added(f"{name}.attention.output", seen, states)
        wide = self._product(f"{name}.intermediate.dense", attended)
        bias = self._hold(f"{name}.intermediate.bias", self._weights[f"{name}.intermediate.dense.bias"])
        active = self._node("BiasGelu", [wide, bias], f"{name}.active", _FUSED)
        return self._added(f"{name}.output", active, attended)

    def _added(self, name: str, states: str, before: str) -> str:
        """A product of ``states``, added to what was there before, normalised."""
        product = self._product(f"{name}.dense", states)
        bias = self._hold(f"{name}.bias", self._weights[f"{name}.dense.bias"])
        inputs = [product, before, *self._norm(f"{name}.LayerNorm"), bias]
        return self._node("SkipLayerNormalization", inputs, name, _FUSED, epsilon=self._config.layer_norm_eps)

    def _pool(self, states: str) -> None:
        """The sum over a text's tokens; its length does not matter, for the vector gets length 1.

        Not as a product of matrices: with 16-bit floats the vectors would be three times as far from the exact ones.
        """
        from onnx import TensorProto

        places, last = self._hold("places axis", np.array([1])), self._hold("last axis", np.array([2]))
        counted = self._node("Cast", ["attention_mask"], "counted", to=TensorProto.FLOAT)
        weighted = self._node("Mul", [states, self._node("Unsqueeze", [counted, last], "weights")], "weighted")
        total = self._node("ReduceSum", [weighted, places], "total", keepdims=0)
        self._node("LpNormalization", [total], "vector", axis=1, p=2)

    def _product(self, name: str, states: str) -> str:
        return self._node("MatMul", [states, self._hold(f"{name}.weight", self._matrix(name))], f"{name}.product")

    def _matrix(self, name: str) -> NDArray[np.float32]:
        return self._weights[f"{name}.weight"].T

    def _norm(self, name: str) -> list[str]:
        return [self._hold(f"{name}.{part}", self._weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    def _hold(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._held.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, operation: str, inputs: Sequence[str], output: str, domain: str = "", also: Sequence[str] = (),
              **attributes: Any) -> str:  # fmt: skip
        from onnx import helper

        node = helper.make_node(operation, inputs, [output, *also], name=output, domain=domain, **attributes)
        self._nodes.append(node)
        return output
