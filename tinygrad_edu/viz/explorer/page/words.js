/* All words of the page, in English and Japanese. `explorer.say("step", { n: 3 })` fills in {n}. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    // key: [English, Japanese]
    const WORDS = {
        page: ["backprop explorer", "逆伝播エクスプローラ"],
        otherLanguage: ["日本語", "English"],
        themeLight: ["Theme: light. Switch to dark", "配色: ライト。ダークに切り替える"],
        themeDark: ["Theme: dark. Switch to light", "配色: ダーク。ライトに切り替える"],
        help: ["Keyboard and help", "キー操作とヘルプ"],
        close: ["Close", "閉じる"],

        search: ["Search name, operation, module", "名前、演算、モジュールを検索"],
        previousMatch: ["Previous match", "前の一致"],
        nextMatch: ["Next match", "次の一致"],
        foundNone: ["no match", "一致なし"],
        foundSome: ["{n} matches", "{n} 件"],
        foundOne: ["1 match", "1 件"],
        foundAt: ["{i} of {n}", "{n} 件中 {i}"],

        graph: ["Graph", "グラフ"],
        graphHelp: [
            "Computation graph. Arrow keys pan, plus and minus zoom, Tab goes to the present node.",
            "計算グラフ。矢印キーで移動、プラスとマイナスで拡大縮小、Tab で現在のノードに移ります。",
        ],
        zoom: ["Zoom", "拡大縮小"],
        zoomIn: ["Zoom in", "拡大"],
        zoomOut: ["Zoom out", "縮小"],
        fit: ["Fit the whole graph", "全体を表示"],
        modules: ["Modules", "モジュール"],
        collapseAll: ["Collapse all", "すべて折りたたむ"],
        expandAll: ["Expand all", "すべて展開"],
        collapse: ["Collapse {name}", "{name} を折りたたむ"],
        expand: ["Expand {name}", "{name} を展開"],
        goTo: ["Go to {name}", "{name} に移動"],
        nodeCount: ["{n} nodes", "{n} ノード"],
        nodeCountOne: ["1 node", "1 ノード"],

        panel: ["Present step", "現在のステップ"],
        controls: ["Steps", "ステップ操作"],
        first: ["To the start", "最初へ"],
        back: ["Step back", "一つ戻る"],
        next: ["Step forward", "一つ進む"],
        last: ["To the end", "最後へ"],
        play: ["Play", "再生"],
        pause: ["Pause", "一時停止"],
        speed: ["Speed", "速さ"],
        progress: ["Progress", "進み具合"],
        start: ["Start", "開始"],
        forward: ["Forward", "順伝播"],
        backward: ["Backward", "逆伝播"],
        phaseStep: ["{phase} {i} / {n}", "{phase} {i} / {n}"],
        backTo: ["Back to the present step", "現在のステップに戻る"],
        lookedAt: [
            "Looked at; the steps have not moved.",
            "表示のみで、ステップは動いていません。",
        ],

        parameter: ["parameter", "パラメータ"],
        leaf: ["leaf that requires a gradient", "勾配を求める葉"],
        constant: ["data (no gradient)", "データ (勾配なし)"],
        operation: ["operation", "演算"],
        output: ["one of several results", "複数の結果の一つ"],
        module: ["collapsed module", "折りたたまれたモジュール"],
        result: ["the loss", "損失"],

        sayStart: [
            "Start. {forward} steps forward, {backward} steps backward.",
            "開始。順伝播 {forward} ステップ、逆伝播 {backward} ステップ。",
        ],
        sayForward: [
            "Forward step {i} of {n}: {name}, {kind}. {detail}",
            "順伝播 {n} ステップ中 {i}: {name}、{kind}。{detail}",
        ],
        sayBackward: [
            "Backward step {i} of {n}: {name}, {kind}. {detail}",
            "逆伝播 {n} ステップ中 {i}: {name}、{kind}。{detail}",
        ],
        sayLook: ["{name}, {kind}. {detail}", "{name}、{kind}。{detail}"],
        sayOutput: ["{formula} Output {value}.", "{formula} 出力は {value}。"],
        sayGradient: ["Gradient {value}.", "勾配は {value}。"],
        saySum: [
            "Gradient {value}, the sum of {n} contributions.",
            "勾配は {value}、{n} 個の寄与の和です。",
        ],
        sayPasses: ["Passed on to {names}.", "{names} に渡します。"],
        sayShape: ["of shape {shape}, norm {norm}", "形状 {shape}、ノルム {norm}"],
        sayMatches: ["{n} matches for {query}", "「{query}」に一致: {n} 件"],
        sayCollapsed: ["{name} collapsed, {n} boxes", "{name} を折りたたみました。箱は {n} 個です"],
        sayExpanded: ["{name} expanded, {n} boxes", "{name} を展開しました。箱は {n} 個です"],
        sayAll: ["{n} boxes", "箱は {n} 個です"],
        sayPlaying: ["Playing", "再生中"],
        sayPaused: ["Paused", "一時停止しました"],

        introTitle: [
            "One step of training, one node at a time",
            "学習の 1 ステップを、ノードごとにたどる",
        ],
        intro: [
            "Every box is a value: data, a parameter, or the result of an operation. The forward pass computes them from top to bottom, up to the loss. The backward pass returns from the loss (gradient 1) to the leaves: each operation takes the gradient of its result, multiplies it by its local derivative, and hands it on to its inputs.",
            "箱はそれぞれ一つの値です。データ、パラメータ、または演算の結果を表します。順伝播では上から下へ順に計算し、損失に至ります。逆伝播では損失 (勾配は 1) から葉へ戻ります。各演算は自分の結果に対する勾配を受け取り、局所微分を掛けて、入力へ渡します。",
        ],
        introSteps: [
            "{nodes} nodes, {forward} steps forward and {backward} steps backward.",
            "{nodes} ノード。順伝播は {forward} ステップ、逆伝播は {backward} ステップです。",
        ],
        introHow: [
            "Press → or the button below for the next step, Space to play, ? for all keys. A click on a box goes to its step.",
            "→ キーか下のボタンで次のステップへ進みます。Space で再生、? でキーの一覧を表示します。箱をクリックすると、そのステップに移ります。",
        ],
        notKept: [
            "Some values are missing: they were not kept. Compute the loss inside “with tg.viz.keep_values():” to see all of them.",
            "一部の値は保存されていないため表示できません。「with tg.viz.keep_values():」の中で損失を計算すると、すべて表示されます。",
        ],
        results: ["{n} results", "結果は {n} 個"],
        resultsOne: ["1 result", "結果は 1 個"],
        resultsValue: ["Results", "結果"],
        arriving: ["What arrives at its results:", "それぞれの結果に届く勾配:"],
        legend: ["What the boxes show", "箱の見方"],
        legendTodo: ["not yet computed", "まだ計算されていない"],
        legendForward: ["computed (forward)", "計算済み (順伝播)"],
        legendBackward: [
            "gradient computed (backward); ‖∇‖ is its norm",
            "勾配を計算済み (逆伝播)。‖∇‖ はそのノルム",
        ],
        legendPresent: ["present step", "現在のステップ"],
        legendConstant: ["data: no gradient", "データ: 勾配なし"],
        legendParameter: ["parameter or other leaf", "パラメータなどの葉"],
        legendModule: ["collapsed module", "折りたたまれたモジュール"],

        formula: ["Formula", "式"],
        inputs: ["Inputs", "入力"],
        outputValue: ["Output", "出力"],
        value: ["Value", "値"],
        usedBy: ["Used by", "使われる先"],
        usedNowhere: ["nothing: here the forward pass ends.", "なし。ここで順伝播が終わります。"],
        incoming: ["Incoming gradient", "受け取る勾配"],
        gradient: ["Gradient", "勾配"],
        gradientOf: ["∂L/∂{name}", "∂L/∂{name}"],
        startsAtOne: [
            "The backward pass begins here: ∂L/∂L = 1.",
            "逆伝播はここから始まります: ∂L/∂L = 1。",
        ],
        sumOf: [
            "This value is used {n} times, so the gradients that come back are added up:",
            "この値は {n} 回使われているので、戻ってきた勾配を足し合わせます。",
        ],
        arrival: ["from {name}", "{name} から"],
        total: ["sum", "和"],
        outgoing: ["Outgoing gradients", "送り出す勾配"],
        to: ["to {name}", "{name} へ"],
        outgoingOne: ["Outgoing gradient", "送り出す勾配"],
        rule: ["Rule", "規則"],
        local: ["Local derivative", "局所微分"],
        forwardValues: ["Values of the forward pass", "順伝播の値"],
        parameterGrad: [
            "backward() adds this to {name}.grad, which the optimizer uses.",
            "backward() はこの値を {name}.grad に足します。オプティマイザは {name}.grad を使います。",
        ],
        noGradient: ["No gradient", "勾配なし"],
        noValue: ["No value", "値なし"],
        entering: ["Goes in", "入る値"],
        leaving: ["Comes out", "出る値"],
        enteringGradient: ["Gradient that comes back", "戻ってくる勾配"],
        leavingGradient: ["Gradient that is passed on", "渡す勾配"],
        insideGradients: ["Gradients of its parameters", "パラメータの勾配"],
        inside: ["Inside ({n} nodes)", "内部 ({n} ノード)"],

        scalar: ["scalar", "スカラー"],
        min: ["min", "最小"],
        max: ["max", "最大"],
        mean: ["mean", "平均"],
        std: ["std", "標準偏差"],
        norm: ["norm", "ノルム"],
        zeros: ["zeros", "0 の個数"],
        nonfinite: ["NaN or infinite", "NaN・無限大"],
        empty: ["no elements", "要素なし"],
        block: ["[{index}, :, :]", "[{index}, :, :]"],
        heatMap: [
            "Heat map, {rows} rows by {columns} columns, from {low} to {high}",
            "ヒートマップ。{rows} 行 {columns} 列、{low} から {high} まで",
        ],
        tiles: ["the first {n} of {of} matrices", "{of} 個の行列のうち最初の {n} 個"],
        pixel: [
            "each pixel is the mean of {rows}×{columns} numbers",
            "1 画素は {rows}×{columns} 個の平均",
        ],
        call: ["{label} (call {i}/{n})", "{label} ({i}/{n} 回目)"],
        cell: ["row {row}, column {column}: about {value}", "{row} 行 {column} 列: およそ {value}"],
        row: ["row {i}", "{i} 行"],

        helpTitle: ["Keyboard and help", "キー操作とヘルプ"],
        helpText: [
            "Drag moves the graph, the wheel or two fingers zoom. A click on a box goes to its step; a double click on it collapses its module, or expands it.",
            "ドラッグでグラフを移動し、ホイールか 2 本指で拡大縮小します。箱をクリックするとそのステップに移り、ダブルクリックするとモジュールを折りたたむか展開します。",
        ],
        shortcuts: ["Single-key shortcuts", "1 文字のショートカットを使う"],
        keyStep: ["next / previous step", "次 / 前のステップ"],
        keyEnds: ["first / last step", "最初 / 最後のステップ"],
        keyPlay: ["play, pause", "再生、一時停止"],
        keyBackward: ["to the loss, where the backward pass begins", "逆伝播が始まる損失へ"],
        keySpeed: ["slower / faster", "遅く / 速く"],
        keySearch: [
            "search; then Enter and Shift+Enter for the next and previous match",
            "検索。Enter で次、Shift+Enter で前の一致へ",
        ],
        keyZoom: ["zoom in / out", "拡大 / 縮小"],
        keyFit: ["fit the whole graph", "全体を表示"],
        keyPan: [
            "pan (without Shift while the graph has the focus)",
            "移動 (グラフにフォーカスがあれば Shift は不要)",
        ],
        keyNodes: [
            "on a box: go to its inputs, users, neighbours; Enter jumps to its step",
            "箱の上で: 入力、使われる先、隣へ。Enter でそのステップに移る",
        ],
        keyModule: [
            "collapse or expand the module of the present node",
            "現在のノードのモジュールを折りたたむ、展開する",
        ],
        keyAll: ["collapse / expand all modules", "すべてのモジュールを折りたたむ / 展開する"],
        keyModules: ["list of modules", "モジュールの一覧"],
        keyLanguage: ["English, Japanese", "日本語、英語"],
        keyTheme: ["light, dark", "ライト、ダーク"],
        keyHelp: ["this help", "このヘルプ"],
        keyEscape: ["close help, clear the search, stop", "ヘルプを閉じる、検索を消す、止める"],
    };

    // What Python sends as codes: why there is no gradient or value, what an image shows.
    const CODES = {
        constant: [
            "It is data that does not require a gradient, so none is computed.",
            "勾配を必要としないデータなので、勾配は計算されません。",
        ],
        frozen: [
            "The parameter is frozen (requires_grad=False).",
            "このパラメータは固定されています (requires_grad=False)。",
        ],
        integers: [
            "Integers and booleans carry no gradient.",
            "整数と真偽値には勾配がありません。",
        ],
        "no rule": [
            "The operation has no derivative with respect to this input.",
            "この演算には、この入力についての微分がありません。",
        ],
        unused: [
            "No gradient arrives: what uses it passes none on.",
            "これを使う演算が勾配を渡さないので、勾配は届きません。",
        ],
        several: [
            "It has several results, each in a box of its own.",
            "結果が複数あり、それぞれ別の箱に表示されます。",
        ],
        "not kept": [
            "The value was not kept. Compute the loss inside “with tg.viz.keep_values():”.",
            "値は保存されていません。「with tg.viz.keep_values():」の中で損失を計算してください。",
        ],
        changed: [
            "The value was changed in place since.",
            "値はその後、インプレース演算で変更されました。",
        ],
        "mean over blocks": ["mean over blocks", "区画ごとの平均"],
        "first of several": ["only the first are shown", "先頭の一部のみ"],
    };

    const LANGUAGES = ["en", "ja"];
    explorer.language = "en";

    const fill = (text, values) =>
        text.replace(/\{(\w+)\}/g, (all, key) => (key in values ? String(values[key]) : all));

    explorer.say = (key, values = {}) =>
        fill(WORDS[key][LANGUAGES.indexOf(explorer.language)], values);

    /* The words for a code, or the text itself where it is none. */
    explorer.sayCode = (code) =>
        Object.hasOwn(CODES, code)
            ? CODES[code][LANGUAGES.indexOf(explorer.language)]
            : explorer.plain(code);

    explorer.sayCount = (n) =>
        n === 1 ? explorer.say("nodeCountOne") : explorer.say("nodeCount", { n });

    explorer.words = { WORDS, CODES, LANGUAGES };
})();
