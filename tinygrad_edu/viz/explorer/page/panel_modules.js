/* The panel for a collapsed module, and for the start. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { element } = explorer;
    const { link, fold, part, titled, shown } = explorer.parts;
    const say = (...words) => explorer.say(...words);
    const plain = (...words) => explorer.plain(...words);

    // A collapsed module: what goes through it.

    const listed = (nodes, role, valueOf) =>
        nodes.map((node) => [
            titled(link(node.id)),
            shown(role, valueOf(node), plain(node.name), node.missing),
        ]);

    explorer.moduleParts = (box, isBack) => {
        const entering = explorer.entering(box);
        const leaving = explorer.leaving(box);
        const parts = [];
        if (isBack) {
            parts.push(
                part(
                    say("enteringGradient"),
                    leaving.map((node) => [
                        titled(link(node.id)),
                        shown("grad", node.grad, plain(node.name), node.why),
                    ]),
                ),
            );
            const passed = entering.map((node) => {
                const contributions = node.arrivals.filter((arrival) =>
                    box.nodes.some((inner) => inner.id === arrival.from),
                );
                const values = contributions.map((arrival) =>
                    shown("passed", arrival.value, plain(node.name)),
                );
                return [
                    titled(link(node.id)),
                    values.length
                        ? values
                        : element(
                              "p",
                              { class: "none" },
                              node.why ? explorer.sayCode(node.why) : say("noGradient"),
                          ),
                ];
            });
            if (passed.length) parts.push(part(say("leavingGradient"), passed));
            const parameters = box.nodes.filter((node) => node.kind === "parameter");
            if (parameters.length) {
                parts.push(
                    fold(
                        "parameters",
                        `${say("insideGradients")} (${parameters.length})`,
                        () =>
                            parameters.flatMap((node) => [
                                titled(link(node.id)),
                                shown("parameter", node.grad, plain(node.name), node.why),
                            ]),
                        parameters.length <= 4,
                    ),
                );
            }
        } else {
            if (entering.length)
                parts.push(
                    part(
                        say("entering"),
                        listed(entering, "input", (node) => node.output),
                    ),
                );
            parts.push(
                part(
                    say("leaving"),
                    listed(leaving, "output", (node) => node.output),
                ),
            );
        }
        parts.push(
            fold("inside", say("inside", { n: box.nodes.length }), () =>
                element(
                    "ul",
                    { class: "inside" },
                    box.nodes.map((node) =>
                        element(
                            "li",
                            {},
                            link(node.id),
                            node.formula
                                ? [" ", element("code", {}, plain(node.formula, 120))]
                                : null,
                        ),
                    ),
                ),
            ),
        );
        return parts;
    };

    // The start.

    const swatch = (kinds, text) => {
        const box = explorer.drawn("g", { class: `box ${kinds}`, transform: "translate(3 3)" });
        if (kinds.includes("module"))
            box.append(
                explorer.drawn("rect", {
                    class: "behind",
                    x: 3,
                    y: 3,
                    width: 34,
                    height: 16,
                    rx: 4,
                }),
            );
        const round = kinds.includes("constant") || kinds.includes("parameter");
        box.append(
            explorer.drawn("rect", { class: "frame", width: 34, height: 16, rx: round ? 8 : 4 }),
        );
        return element(
            "li",
            {},
            explorer.drawn("svg", { width: 44, height: 25, "aria-hidden": "true" }, box),
            text,
        );
    };

    explorer.introParts = (view) => {
        const { data } = explorer.graph;
        return [
            element("p", { class: "phase" }, say("start")),
            element("h2", {}, say("introTitle")),
            element("p", {}, say("intro")),
            element(
                "p",
                {},
                say("introSteps", {
                    nodes: data.nodes.length,
                    forward: view.forward.length,
                    backward: view.backward.length,
                }),
            ),
            element("p", { class: "hint" }, say("introHow")),
            data.values_kept ? null : element("p", { class: "none" }, say("notKept")),
            part(
                say("legend"),
                element(
                    "ul",
                    { class: "swatches" },
                    swatch("operation", say("legendTodo")),
                    swatch("operation done", say("legendForward")),
                    swatch("operation done back", say("legendBackward")),
                    swatch("operation done present", say("legendPresent")),
                    swatch("parameter done", say("legendParameter")),
                    swatch("constant done", say("legendConstant")),
                    swatch("module done", say("legendModule")),
                ),
            ),
        ];
    };
})();
