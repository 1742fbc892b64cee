"""What the lints say: for each code a sentence and a remedy, in English and Japanese."""

from __future__ import annotations

from .loss_texts import LOSS_TEXTS

__all__ = ["LANGUAGES", "NOTHING", "TEXTS"]

LANGUAGES = ("en", "ja")

NOTHING = {"en": "Nothing was found.", "ja": "問題は見つかりませんでした。"}

#: code: {language: (sentence, remedy)}
TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    **LOSS_TEXTS,
    # The batch.
    "not-finite": {
        "en": (
            "The {where} has {count} elements that are NaN or infinite.",
            "Every parameter becomes NaN in the first step. Find these samples "
            "(`tg.isfinite(x).all(1)`) and repair them or leave them out.",
        ),
        "ja": (
            "バッチの {where} に NaN または無限大の要素が {count} 個あります。",
            "最初の更新ですべてのパラメータが NaN になります。該当するサンプルを探し "
            "(`tg.isfinite(x).all(1)`)、修正するか取り除いてください。",
        ),
    },
    "inputs-not-scaled": {
        "en": (
            "The inputs reach from {low} to {high}, with mean {mean} and standard deviation {std}.",
            "Scale them to about mean 0 and deviation 1: `(x - mean) / std` with those of the "
            "training set, or `x / 255` for images.",
        ),
        "ja": (
            "入力の値が {low} から {high} にわたっています (平均 {mean}、標準偏差 {std})。",
            "平均 0、標準偏差 1 程度にしてください。訓練データの平均と標準偏差で "
            "`(x - mean) / std` とするか、画像なら `x / 255` とします。",
        ),
    },
    "inputs-nearly-zero": {
        "en": (
            "The largest input is {high} in size: to the network all samples look alike.",
            "Were they scaled twice, by 255 and by 255 again? Scale them to about deviation 1.",
        ),
        "ja": (
            "入力の絶対値は最大でも {high} で、ネットワークにはどのサンプルもほぼ同じに見えます。",
            "255 で 2 回割るなど、正規化が重複していませんか。標準偏差 1 程度にしてください。",
        ),
    },
    "features-of-different-scale": {
        "en": (
            "Feature {large} of the inputs reaches {high}, feature {small} only {low}: the small "
            "ones hardly count.",
            "Scale each feature by its own mean and deviation over the training set: "
            "`(x - x.mean(0)) / x.std(0)`.",
        ),
        "ja": (
            "入力の特徴量 {large} の大きさは {high} に達しますが、特徴量 {small} は {low} まで"
            "です。小さいほうの特徴量は学習にほとんど影響しません。",
            "特徴量ごとに、訓練データの平均と標準偏差で正規化してください: "
            "`(x - x.mean(0)) / x.std(0)`。",
        ),
    },
    "inputs-are-integers": {
        "en": (
            "The inputs are {dtype}, which the model cannot multiply with its weights.",
            "Convert them: `x.float()`; images of bytes: `x.float() / 255`.",
        ),
        "ja": (
            "入力の型が {dtype} なので、重みと掛け合わせることができません。",
            "変換してください: `x.float()`。0 から 255 の画像なら `x.float() / 255`。",
        ),
    },
    "identical-samples": {
        "en": (
            "All {count} inputs of the batch are the same.",
            "Look at how the batch is made: is one sample repeated, or everything zero?",
        ),
        "ja": (
            "バッチの {count} 個の入力がすべて同じです。",
            "バッチの作り方を確認してください。同じサンプルの繰り返しや、"
            "すべて 0 になっていませんか。",
        ),
    },
    "one-class-batch": {
        "en": (
            "All {count} labels of the batch are {label}.",
            "If the data are sorted by class, shuffle them: DataLoader(..., shuffle=True).",
        ),
        "ja": (
            "バッチの {count} 個のラベルがすべて {label} です。",
            "データがクラス順に並んでいるなら、シャッフルしてください: "
            "DataLoader(..., shuffle=True)。",
        ),
    },
    "batch-of-one": {
        "en": (
            "The batch is a single sample, and {layer} normalises over the batch.",
            "Use larger batches, nn.LayerNorm or nn.GroupNorm; to predict for one sample, call "
            "model.eval() first.",
        ),
        "ja": (
            "バッチのサンプルが 1 つだけですが、{layer} はバッチ全体で正規化します。",
            "バッチを大きくするか、nn.LayerNorm または nn.GroupNorm を使ってください。"
            "1 つのサンプルの予測なら、先に model.eval() を呼びます。",
        ),
    },
    "last-batch-of-one": {
        "en": (
            "{samples} samples in batches of {size} leave a last batch of one, and {layer} "
            "normalises over the batch.",
            "Leave that batch out: DataLoader(..., drop_last=True), or choose another batch_size.",
        ),
        "ja": (
            "{samples} 個のサンプルを {size} 個ずつに分けると最後のバッチが 1 個になりますが、"
            "{layer} はバッチ全体で正規化します。",
            "そのバッチを使わないか (DataLoader(..., drop_last=True))、batch_size を変えて"
            "ください。",
        ),
    },
    # Parameters and layers.
    "nothing-to-train": {
        "en": (
            "No parameter of the model requires a gradient.",
            "Free what is to be trained: `model.requires_grad_()`, or that of a layer; and create "
            "weights of your own with nn.Parameter.",
        ),
        "ja": (
            "requires_grad が True のパラメータがモデルに 1 つもありません。",
            "学習する部分の凍結を解除してください (`model.requires_grad_()`、または層ごとに)。"
            "自作の重みは nn.Parameter で作ります。",
        ),
    },
    "parameters-outside-optimizer": {
        "en": (
            "The optimizer does not have {names}, so they are never updated.",
            "Give it all of them, `model.parameters()`, after the model is complete. To freeze "
            "them, requires_grad_(False) says so.",
        ),
        "ja": (
            "{names} はオプティマイザに渡されていないので、更新されません。",
            "モデルが完成した後に `model.parameters()` をすべて渡してください。"
            "凍結するつもりなら、requires_grad_(False) としてください。",
        ),
    },
    "unregistered-parameters": {
        "en": (
            "{count} tensors that require gradients take part in the loss, but are no parameters "
            "of the model: shapes {shapes}. No optimizer gets them from model.parameters().",
            "Layers in a list or dict belong into nn.ModuleList or nn.ModuleDict, a tensor of your "
            "own into nn.Parameter.",
        ),
        "ja": (
            "勾配を必要とする {count} 個のテンソルが損失の計算に使われていますが、モデルの"
            "パラメータとして登録されていません (形状 {shapes})。"
            "model.parameters() に含まれないので、オプティマイザに渡りません。",
            "リストや辞書に入れた層は nn.ModuleList や nn.ModuleDict に、自作のテンソルは "
            "nn.Parameter にしてください。",
        ),
    },
    "optimizer-of-another-model": {
        "en": (
            "The optimizer has no parameter of this model.",
            "Make it again after the model: `optimizer = optim.SGD(model.parameters(), ...)`. A "
            "model that was made or copied anew has new parameters.",
        ),
        "ja": (
            "オプティマイザにこのモデルのパラメータがありません。",
            "モデルを作った後で、もう一度作ってください: "
            "`optimizer = optim.SGD(model.parameters(), ...)`。"
            "モデルを作り直したりコピーしたりすると、パラメータは別のものになります。",
        ),
    },
    "parameters-without-gradient": {
        "en": (
            "For this batch {names} got no gradient.",
            "Does forward() use them? Look for a layer that is never called, or whose result is "
            "overwritten or detached.",
        ),
        "ja": (
            "このバッチでは {names} に勾配が届きませんでした。",
            "forward() の中で使われていますか。呼ばれていない層や、結果が上書きされたり "
            "detach されたりしている層がないか調べてください。",
        ),
    },
    "gradients-all-zero": {
        "en": (
            "Every gradient of this batch is exactly 0.",
            "The way back is cut: dead ReLUs, a saturated sigmoid, a factor of 0, or a loss that "
            "does not depend on the output.",
        ),
        "ja": (
            "このバッチの勾配がすべて 0 です。",
            "勾配の経路が途切れています。出力がすべて 0 の ReLU、飽和した sigmoid、0 の掛け算、"
            "出力に依存しない損失などがないか調べてください。",
        ),
    },
    "constant-outputs": {
        "en": (
            "The model answers the same for every sample; from {layer} on, nothing of the input is "
            "left.",
            "Look at the weights and the scale of the values there: dead ReLUs, saturated "
            "sigmoids, weights of 0, or initial weights that are too small for the depth.",
        ),
        "ja": (
            "どのサンプルに対してもモデルの出力が同じです。{layer} から先には入力の情報が"
            "残っていません。",
            "その層の重みと値の大きさを確認してください。出力がすべて 0 の ReLU、飽和した sigmoid、"
            "0 の重み、層の深さに対して小さすぎる初期値などが考えられます。",
        ),
    },
    "identical-units": {
        "en": (
            "All units of {layer} have the same weights, and get the same gradients: they stay one "
            "unit.",
            "Start from random weights: nn.init.kaiming_normal_(layer.weight).",
        ),
        "ja": (
            "{layer} のすべてのユニットの重みが同じです。勾配も同じになるので、"
            "いつまでも 1 つのユニットと変わりません。",
            "乱数で初期化してください: nn.init.kaiming_normal_(layer.weight)。",
        ),
    },
    "no-activation-between": {
        "en": (
            "{second} follows {first} without an activation between them: together they are one "
            "linear layer.",
            "Put an activation between the two, for example nn.ReLU().",
        ),
        "ja": (
            "{first} の直後に、活性化関数なしで {second} が続いています。"
            "2 つ合わせても 1 つの線形層と同じです。",
            "2 つの間に nn.ReLU() などの活性化関数を入れてください。",
        ),
    },
    # The loop.
    "random-in-evaluation": {
        "en": (
            "In evaluation mode two passes over the same batch differ.",
            "Something random does not ask for the mode: F.dropout(x, p, training=self.training), "
            "or nn.Dropout as a layer of the model.",
        ),
        "ja": (
            "評価モードなのに、同じバッチに対する 2 回の出力が異なります。",
            "モードを見ていない乱数の処理があります。F.dropout(x, p, training=self.training) と"
            "するか、nn.Dropout をモデルの層として使ってください。",
        ),
    },
    "evaluation-in-train-mode": {
        "en": (
            "The evaluation runs the model in training mode, which changes its outputs (dropout, "
            "batch normalisation).",
            "Call model.eval() before the evaluation and model.train() after it.",
        ),
        "ja": (
            "評価のときにモデルが学習モードのままなので、出力が変わってしまいます "
            "(ドロップアウト、バッチ正規化)。",
            "評価の前に model.eval()、後に model.train() を呼んでください。",
        ),
    },
    "evaluation-records-a-graph": {
        "en": (
            "The evaluation records a graph for gradients that nobody asks for.",
            "Wrap it: `with tg.no_grad():`. It is faster and needs less memory.",
        ),
        "ja": (
            "評価のときに、使われない勾配のための計算グラフが記録されています。",
            "`with tg.no_grad():` の中で評価してください。速くなり、メモリも節約できます。",
        ),
    },
    "training-in-eval-mode": {
        "en": (
            "The training step runs the model in evaluation mode, where dropout and batch "
            "normalisation do not do their work.",
            "Call model.train() before the loop, and again after each evaluation.",
        ),
        "ja": (
            "学習のステップでモデルが評価モードになっているので、ドロップアウトや "
            "バッチ正規化が働きません。",
            "学習ループの前と、毎回の評価の後に、model.train() を呼んでください。",
        ),
    },
    "missing-zero-grad": {
        "en": (
            "The training step adds its gradients to those of the step before.",
            "Call optimizer.zero_grad() before loss.backward().",
        ),
        "ja": (
            "学習のステップで、前のステップの勾配に新しい勾配が足されています。",
            "loss.backward() の前に optimizer.zero_grad() を呼んでください。",
        ),
    },
    "step-changes-nothing": {
        "en": (
            "After a training step every parameter is as before.",
            "Is optimizer.step() called, after loss.backward() and without zero_grad() between "
            "them? Is the learning rate 0, or the optimizer that of another model?",
        ),
        "ja": (
            "学習のステップの後も、パラメータがまったく変わっていません。",
            "loss.backward() の後に optimizer.step() を呼んでいますか。その間に zero_grad() を"
            "呼んでいませんか。学習率が 0 だったり、オプティマイザが別のモデルのものだったり"
            "しませんか。",
        ),
    },
    "loss-grows": {
        "en": (
            "In {steps} steps on this one batch the loss went from {before} to {after}; it should "
            "fall.",
            "Try a learning rate ten times smaller. If that does not help, look at the sign of the "
            "loss, and whether the gradients are zeroed before each step.",
        ),
        "ja": (
            "このバッチだけで {steps} ステップ学習すると、損失が {before} から {after} に"
            "なりました。本来は減るはずです。",
            "学習率を 10 分の 1 にしてみてください。それでも減らなければ、損失の符号と、"
            "各ステップの前に勾配を 0 にしているかを確認してください。",
        ),
    },
}
