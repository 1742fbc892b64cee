"""What the lints say of the loss, of the output, and of calls that raise an error."""

from __future__ import annotations

__all__ = ["LOSS_TEXTS"]

# The same for every call that raised an error.
_READ = (
    "The message tells what does not fit, and often what to write instead. The other lints, which "
    "need this to work, were not tried."
)
_READ_JA = (
    "何が合っていないのかはメッセージに書かれています。多くの場合、正しい書き方も示されています。"
    "この処理が動かないと調べられない項目は、まだ調べていません。"
)

#: code: {language: (sentence, remedy)}
LOSS_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    # Loss and output.
    "softmax-before-cross-entropy": {
        "en": (
            "The cross-entropy is given the output of a softmax, but applies a softmax itself.",
            "Leave the softmax out: the network ends with the logits. Applied twice, it keeps the "
            "probabilities close together and the gradients small. For probabilities to look at, "
            "use softmax after training.",
        ),
        "ja": (
            "交差エントロピー誤差に softmax の出力が渡されていますが、この損失関数は内部で "
            "softmax を計算します。",
            "ネットワークの最後の softmax を取り除き、logits (softmax の前の値) を渡してください。"
            "softmax を 2 回かけると、確率の差が小さくなり、勾配も小さくなります。"
            "確率を見たいときは、学習後に softmax を使ってください。",
        ),
    },
    "log-softmax-before-cross-entropy": {
        "en": (
            "The cross-entropy is given log-probabilities, but computes them itself.",
            "The result is the same, at twice the work: leave log_softmax out, or use nn.NLLLoss "
            "after it.",
        ),
        "ja": (
            "交差エントロピー誤差に対数確率が渡されていますが、この損失関数は内部で対数確率を"
            "計算します。",
            "結果は同じですが、計算が 2 倍になります。log_softmax を取り除くか、log_softmax の後に "
            "nn.NLLLoss を使ってください。",
        ),
    },
    "sigmoid-before-bce-with-logits": {
        "en": (
            "The binary cross-entropy with logits is given the output of {function}, but applies a "
            "sigmoid itself.",
            "Leave {function} out, or use nn.BCELoss after it.",
        ),
        "ja": (
            "logits 用の 2 値交差エントロピー誤差に {function} の出力が渡されていますが、"
            "この損失関数は内部で sigmoid を計算します。",
            "{function} を取り除くか、{function} の後に nn.BCELoss を使ってください。",
        ),
    },
    "activation-before-loss": {
        "en": (
            "The logits of the {loss} come from {function}, so that they cannot take every value.",
            "Leave {function} out behind the last layer: logits are any numbers, and negative ones "
            "say that a class is improbable.",
        ),
        "ja": (
            "{loss} に渡される logits が {function} の出力なので、取りうる値が制限されています。",
            "最後の層の後の {function} を取り除いてください。logits は任意の実数で、負の値は"
            "そのクラスの確率が低いことを表します。",
        ),
    },
    "dropout-before-loss": {
        "en": (
            "The output of the network comes from dropout: some outputs of each sample are 0 by "
            "chance.",
            "Dropout stands between layers; leave it out behind the last one.",
        ),
        "ja": (
            "ネットワークの出力がドロップアウトの出力なので、出力の一部が無作為に 0 になります。",
            "ドロップアウトは層と層の間に置くものです。最後の層の後からは取り除いてください。",
        ),
    },
    "softmax-over-the-batch": {
        "en": (
            "{function} runs over dimension 0, the {samples} samples, so that the numbers of each "
            "class add up to 1 over the batch.",
            "Name the dimension of the classes: dim=1.",
        ),
        "ja": (
            "{function} が次元 0、つまり {samples} 個のサンプルの方向に計算されています。"
            "そのため、サンプルごとではなくクラスごとに、値の和が 1 になっています。",
            "クラスの次元を指定してください: dim=1。",
        ),
    },
    "nll-loss-without-log-softmax": {
        "en": (
            "NLLLoss expects log-probabilities, whose exponentials add up to 1; here the sum is "
            "{total}.",
            "Use nn.CrossEntropyLoss on the logits, or end the network with nn.LogSoftmax(dim=1).",
        ),
        "ja": (
            "NLLLoss には対数確率 (exp の和が 1) を渡しますが、渡された値の exp の和は "
            "{total} です。",
            "logits に対して nn.CrossEntropyLoss を使うか、ネットワークの最後を "
            "nn.LogSoftmax(dim=1) にしてください。",
        ),
    },
    "targets-broadcast": {
        "en": (
            "The output has shape {output}, the target {target}: the loss broadcasts them and "
            "compares outputs with the targets of other samples.",
            "Give both one shape: `target.reshape(output.shape)` or `output.squeeze(1)`.",
        ),
        "ja": (
            "出力の形状は {output}、正解の形状は {target} です。損失の計算でブロードキャストされ、"
            "出力がほかのサンプルの正解とも比較されています。",
            "形状をそろえてください: `target.reshape(output.shape)` または `output.squeeze(1)`。",
        ),
    },
    "targets-out-of-range": {
        "en": (
            "The targets of the binary cross-entropy reach from {low} to {high}; they are "
            "probabilities, between 0 and 1.",
            "Give each class 0 or 1: -1 and 1 become `(target + 1) / 2`; for more than two classes "
            "there is nn.CrossEntropyLoss.",
        ),
        "ja": (
            "2 値交差エントロピー誤差の正解が {low} から {high} までの値をとっています。"
            "正解は 0 から 1 までの確率でなければなりません。",
            "クラスを 0 と 1 で表してください。-1 と 1 なら `(target + 1) / 2` です。"
            "3 クラス以上なら nn.CrossEntropyLoss を使います。",
        ),
    },
    "labels-out-of-range": {
        "en": (
            "The labels reach from {low} to {high}, the network's {classes} outputs stand for the "
            "classes 0 to {last}.",
            "Count labels from 0 (`target - target.min()`), or give the last layer as many outputs "
            "as there are classes.",
        ),
        "ja": (
            "ラベルの値は {low} から {high} までですが、ネットワークの {classes} 個の出力が表すのは"
            "クラス 0 から {last} までです。",
            "ラベルを 0 から数えるか (`target - target.min()`)、最後の層の出力の数をクラスの数に"
            "合わせてください。",
        ),
    },
    "labels-are-floats": {
        "en": (
            "The labels are {dtype}; classes are integers.",
            "Convert them: `target.long()`.",
        ),
        "ja": (
            "ラベルの型が {dtype} です。クラスの番号は整数でなければなりません。",
            "変換してください: `target.long()`。",
        ),
    },
    "targets-do-not-fit": {
        "en": (
            "The loss does not take targets of shape {shape} and type {dtype} for an output of "
            "shape {output}.",
            "It takes `{fix}`.",
        ),
        "ja": (
            "形状 {output} の出力に対して、形状 {shape}、型 {dtype} の正解は損失関数に渡せません。",
            "`{fix}` なら渡せます。",
        ),
    },
    "loss-not-a-number": {
        "en": (
            "The loss has shape {shape}; backward() starts from a single number.",
            "Average it: `loss.mean()`, or reduction='mean' of the loss function.",
        ),
        "ja": (
            "損失の形状が {shape} です。backward() を呼べるのは、損失が 1 つの数のときだけです。",
            "平均をとってください: `loss.mean()`、または損失関数の reduction='mean'。",
        ),
    },
    "loss-not-finite": {
        "en": (
            "The loss of this batch is {value}.",
            "Look for log(0), a division by 0, or exp of a large number; tg.autograd."
            "detect_anomaly() names the operation that made it.",
        ),
        "ja": (
            "このバッチの損失が {value} です。",
            "log(0)、0 での割り算、大きな数の exp などがないか調べてください。"
            "tg.autograd.detect_anomaly() を使うと、原因の演算がわかります。",
        ),
    },
    "loss-without-gradient": {
        "en": (
            "The loss is not connected with the parameters: it does not require a gradient.",
            "Look for no_grad(), detach(), item(), numpy() or tg.tensor(...) on the way from the "
            "parameters to the loss, and for argmax or rounding, which have no derivative.",
        ),
        "ja": (
            "損失がパラメータとつながっていません (requires_grad が False です)。",
            "パラメータから損失までの途中に no_grad()、detach()、item()、numpy()、tg.tensor(...) "
            "や、微分のない argmax、丸めなどがないか調べてください。",
        ),
    },
    # Calls that raise.
    "forward-fails": {
        "en": ("The model does not take this batch: {error}", _READ),
        "ja": ("モデルがこのバッチでエラーになります: {error}", _READ_JA),
    },
    "loss-fails": {
        "en": ("The loss function does not take output and target: {error}", _READ),
        "ja": ("損失関数がエラーになります: {error}", _READ_JA),
    },
    "backward-fails": {
        "en": ("backward() raises an error: {error}", _READ),
        "ja": ("backward() がエラーになります: {error}", _READ_JA),
    },
    "step-fails": {
        "en": ("A training step raises an error: {error}", _READ),
        "ja": ("学習の 1 ステップがエラーになります: {error}", _READ_JA),
    },
    "evaluation-fails": {
        "en": ("The evaluation raises an error: {error}", _READ),
        "ja": ("評価がエラーになります: {error}", _READ_JA),
    },
}
