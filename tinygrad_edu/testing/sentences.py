"""What the reports on exercises say, in English and in Japanese."""

__all__ = ["LANGUAGES", "SENTENCES", "WORDS", "check_language", "in_language"]

#: The languages that reports are written in.
LANGUAGES = ("en", "ja")

# What a finding says, by its code.
SENTENCES: dict[str, tuple[str, str]] = {
    # Likely causes of a wrong gradient: each explains the numbers.
    "sign": (
        "The sign: there is a minus too many, or one is missing.",
        "符号が逆です。マイナスが一つ余分か、足りません。",
    ),
    "size": (
        "A factor of {factor}: {size} is {what}. Is a mean taken where a sum is needed, or a sum "
        "where a mean is?",
        "{factor} 倍になっています。{size} は {what} です。平均と和を取り違えていませんか。",
    ),
    "factor": (
        "A constant factor: it is {factor} times the expected gradient.",
        "定数倍の誤りです。期待される勾配の {factor} 倍になっています。",
    ),
    "zero": (
        "It is zero everywhere. Was an array of zeros made but never filled?",
        "すべて 0 です。0 で初期化した配列に、値を入れ忘れていませんか。",
    ),
    "transposed": (
        "It is the expected gradient, transposed (dimensions in the order {order}).",
        "期待される勾配を転置したもの (次元の順序 {order}) になっています。",
    ),
    "operand": (
        "It would be right if {name} were transposed: use {name}.T (or the other way round).",
        "{name} を転置すると正しくなります。{name}.T とするか、余分な .T を外してください。",
    ),
    "sum": (
        "A sum is missing: {name} was broadcast over dim {dims} of the gradient (the "
        "batch?), so its gradient is the sum over it: {call}.",
        "和をとり忘れています。{name} は勾配の次元 {dims} (おそらくバッチ) に沿って"
        "ブロードキャストされているので、その次元で和をとってください: {call}。",
    ),
    "expand": (
        "The numbers are right, but every element of {name} needs its own: expand to the shape "
        "{shape}, for example with `* tg.ones_like({name})`.",
        "値は正しいのですが、{name} の要素それぞれに勾配が必要です。形 {shape} に広げてください "
        "(例: `* tg.ones_like({name})`)。",
    ),
    "reshape": (
        "The numbers are right, the shape is not: .reshape({sizes}).",
        "値は正しいのですが、形が違います: .reshape({sizes})。",
    ),
    "upstream": (
        "The chain rule: the incoming gradient is not multiplied in. (It was changed, and this "
        "gradient stayed the same.)",
        "連鎖律が抜けています。上流から来た勾配を掛けていません "
        "(上流の勾配を変えても、この勾配は変わりませんでした)。",
    ),
    "at_output": (
        "The derivative is taken at the output instead of at the input {name}: the rule for the "
        "input was given the result.",
        "導関数を、入力 {name} ではなく出力の値で計算しています。"
        "入力で表した導関数の式に、出力を代入していませんか。",
    ),
    "at_input": (
        "The derivative is written in terms of the output, but is taken at the input {name}: save "
        "the result of forward and use it here.",
        "出力で表した導関数の式に、入力 {name} を代入しています。"
        "forward で出力を保存しておき、それを使ってください。",
    ),
    "diagonal": (
        "Only the own element counts in it, but every element of {name} has a part in several "
        "elements of the result: sum over all of them.",
        "同じ位置の出力への影響しか考慮していません。{name} の各要素は出力の複数の要素に影響する"
        "ので、そのすべてについて和をとってください。",
    ),
    "swapped": (
        "This is the gradient of {other}: return the gradients in the order of forward's "
        "arguments.",
        "これは {other} の勾配です。forward の引数と同じ順序で返してください。",
    ),
    "independent": (
        "The result does not depend on {name}: its gradient is zero.",
        "結果は {name} に依存しないので、勾配は 0 です。",
    ),
    "not_finite": (
        "It is not finite: does the rule divide by zero, or leave the domain of a function?",
        "NaN か無限大になっています。0 で割ったり、関数の定義域を外れたりしていませんか。",
    ),
    "none": (
        "None was returned: `return` the gradient of {name} (a function without `return` answers "
        "None).",
        "None が返されました。{name} の勾配を `return` してください "
        "(`return` のない関数は None を返します)。",
    ),
    "missing": (
        "No gradient was returned for {name}.",
        "{name} の勾配が返されていません。",
    ),
    "not_a_tensor": (
        "A {kind} was returned; return a tensor: compute with tensors, or wrap a NumPy array with "
        "tg.from_numpy(...).",
        "{kind} が返されました。テンソルを返してください。テンソルのまま計算するか、NumPy 配列なら "
        "tg.from_numpy(...) で包みます。",
    ),
    # About backward as a whole.
    "unwritten": (
        "not written yet: until then, gradients come from numerical differentiation.",
        "まだ書かれていません。それまでは数値微分で勾配を求めます。",
    ),
    "raised": (
        "{where} raised {kind}: {message}{line}",
        "{where} で例外 {kind} が起きました: {message}{line}",
    ),
    "hint_saved": (
        "ctx.saved_tensors holds {count} tensors: those that forward gave to "
        "ctx.save_for_backward(...).",
        "ctx.saved_tensors には {count} 個のテンソルがあります。"
        "forward で ctx.save_for_backward(...) に渡したものです。",
    ),
    "hint_attribute": (
        "forward has to set it first: `ctx.{name} = ...`.",
        "先に forward で設定してください: `ctx.{name} = ...`。",
    ),
    "hint_forward": (
        "Its arguments are ctx and then the inputs: `def forward(ctx, x, ...)`.",
        "引数は ctx と、それに続く入力です: `def forward(ctx, x, ...)`。",
    ),
    "hint_backward": (
        "Its arguments are ctx and then one gradient for each result: `def backward(ctx, grad)`.",
        "引数は ctx と、それに続く結果ごとの勾配です: `def backward(ctx, grad)`。",
    ),
    "hint_shapes": (
        "The incoming gradient has the shape of the result, {shapes}: write the shapes beside each "
        "factor, and transpose where they do not fit.",
        "上流から来る勾配の形は結果と同じ {shapes} です。"
        "各因子の形を書き出し、合わないところを転置してください。",
    ),
    "list": (
        "backward returned a list: return a tuple, `return grad_x, grad_y`.",
        "backward がリストを返しました。タプルで返してください: `return grad_x, grad_y`。",
    ),
    "count": (
        "backward returned {got} gradients, but forward took {expected} arguments: return one for "
        "each, None for those that have none.",
        "backward は {got} 個の勾配を返しましたが、forward の引数は {expected} 個です。"
        "引数ごとに一つ、勾配のない引数には None を返してください。",
    ),
    "not_none": (
        "{name} is not a tensor and has no gradient: return None in its place.",
        "{name} はテンソルではなく、勾配がありません。その位置には None を返してください。",
    ),
    "spoilt": (
        "backward changed {name} in place. Others still use it: work on a copy, `x = x.clone()`.",
        "backward が {name} をその場で書き換えました。ほかでも使われるので、"
        "`x = x.clone()` のようにコピーを使ってください。",
    ),
    "spoilt_result": (
        "backward changed the result of forward in place. Others still use it: work on a copy, "
        "`y = y.clone()`.",
        "backward が forward の結果をその場で書き換えました。ほかでも使われるので、"
        "`y = y.clone()` のようにコピーを使ってください。",
    ),
    "spoilt_gradient": (
        "backward changed the incoming gradient in place: work on a copy, `grad = grad.clone()`.",
        "backward が上流から来た勾配をその場で書き換えました。"
        "`grad = grad.clone()` のようにコピーを使ってください。",
    ),
    # About forward.
    "forward_unwritten": (
        "not written yet: `def forward(ctx, x, ...)` computes the result.",
        "まだ書かれていません。`def forward(ctx, x, ...)` で結果を計算します。",
    ),
    "forward_spoilt": (
        "forward changed {name} in place: work on a copy, `x = x.clone()`, or say so with "
        "ctx.mark_dirty({name}).",
        "forward が {name} をその場で書き換えました。`x = x.clone()` のようにコピーを使うか、"
        "ctx.mark_dirty({name}) で宣言してください。",
    ),
    "forward_type": (
        "forward returned {kind}: return a tensor of floating-point numbers, or a tuple of them.",
        "forward が {kind} を返しました。浮動小数点数のテンソルか、そのタプルを返してください。",
    ),
    "forward_count": (
        "forward returned {got} results; the reference has {expected}.",
        "forward の結果は {got} 個ですが、正解は {expected} 個です。",
    ),
    "forward_shape": (
        "The result has the shape {got}; expected {expected}.",
        "結果の形が {got} です。正しくは {expected} です。",
    ),
    "forward_value": (
        "The result is wrong in {wrong} of {elements} elements; at {index}: expected {expected}, "
        "got {got}.",
        "結果の要素 {elements} 個中 {wrong} 個が違います ({index}: 期待値 {expected}、"
        "実際の値 {got})。",
    ),
    "not_repeatable": (
        "forward gives other values for equal inputs: draw random numbers with tg.rand, tg.randn "
        "or tg.bernoulli, which repeat from a seed.",
        "同じ入力に対して forward の値が変わります。乱数には、シードで再現できる tg.rand、"
        "tg.randn、tg.bernoulli を使ってください。",
    ),
    "narrowed": (
        "forward computes in {dtype} though its inputs are float64, too coarse to differentiate "
        "numerically: make tensors with dtype=x.dtype, or with tg.zeros_like(x).",
        "入力は float64 なのに、forward が {dtype} で計算しています。数値微分には精度が足りません。"
        "テンソルは dtype=x.dtype や tg.zeros_like(x) で作ってください。",
    ),
    "forward_not_finite": (
        "The result is not finite at these inputs: choose others, within the domain.",
        "この入力では結果が NaN か無限大になります。定義域に収まる入力を選んでください。",
    ),
    "other_inputs": (
        "The inputs were drawn, with the shapes {shapes}. If forward needs others, say so: "
        "check(shapes=[...]) or check(x, ...).",
        "入力は自動で作りました (形 {shapes})。別の入力が必要なら、check(shapes=[...]) または "
        "check(x, ...) で指定してください。",
    ),
    # Notes, which do not count.
    "kink": (
        "{name} is at a kink of the function in {count} elements: there, any slope between those "
        "on either side is accepted.",
        "{name} の {count} 個の要素で関数が折れ曲がっています。"
        "そこでは、左右の傾きの間のどの値も正解とします。",
    ),
    "printed": ("{where} printed: {text}", "{where} の出力: {text}"),
}

# What stands around the findings.
WORDS: dict[str, tuple[str, str]] = {
    "gradients": ("{right} of {all} gradients right", "勾配 {all} 個中 {right} 個が正解"),
    "solved": ("solved", "完成"),
    "ungraded": ("the gradients were not graded", "勾配は採点されませんでした"),
    "right": ("right", "正解"),
    "wrong": (
        "wrong in {wrong} of {elements} elements; at {index}: expected {expected}, got {got}",
        "要素 {elements} 個中 {wrong} 個が不正解 ({index}: 期待値 {expected}、実際の値 {got})",
    ),
    "misshapen": (
        "wrong shape: {got} instead of {shape}, that of the input",
        "形が違います: {got}。正しくは入力と同じ {shape}",
    ),
    "amiss": ("wrong", "不正解"),
    "unwritten": ("to be written; its shape is {shape}", "未実装 (形は {shape})"),
    "ungradable": ("not graded", "採点されていません"),
    "forward": ("forward", "forward (順伝播)"),
    "matches": ("right", "正解"),
    "not_compared": (
        "runs (there is no reference to compare it with)",
        "実行できました (正解との比較はしていません)",
    ),
    "cause": ("Likely cause:", "考えられる原因:"),
    "note": ("Note:", "補足:"),
    "head": ("what|verdict|likely cause", "対象|判定|考えられる原因"),
    "one": ("the only element", "唯一の要素"),
}


def check_language(language: str) -> None:
    """Raise ValueError for a language that reports are not written in."""
    if language not in LANGUAGES:
        raise ValueError(f"language is one of {', '.join(LANGUAGES)}; got {language!r}.")


def in_language(versions: tuple[str, str], language: str) -> str:
    """The version of a text in this language."""
    check_language(language)
    return versions[LANGUAGES.index(language)]
