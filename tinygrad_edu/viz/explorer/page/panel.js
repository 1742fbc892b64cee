/* The panel: what happens at the present step, with all its values. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { element } = explorer;
    const say = (...words) => explorer.say(...words);
    const plain = (...words) => explorer.plain(...words);

    const nodeOf = (id) => (id === null ? null : explorer.graph.nodes[id]);
    const subscript = (i) => String(i).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

    /* A button with the name of a node, which goes there. */
    const link = (id, text = null) => {
        const name = plain(text ?? nodeOf(id).name, 60);
        return element(
            "button",
            {
                type: "button",
                class: "link",
                "aria-label": say("goTo", { name }),
                onclick: () => explorer.act.goTo(id),
            },
            element("bdi", {}, name),
        );
    };

    // Which foldable parts are open is remembered from step to step.
    const opened = new Map();
    const fold = (key, title, make, open = false) => {
        const details = element("details", { class: "fold" }, element("summary", {}, title));
        const fillIn = () => {
            if (details.open && details.children.length === 1) details.append(...[make()].flat());
        };
        details.open = opened.get(key) ?? open;
        fillIn();
        details.addEventListener("toggle", () => {
            opened.set(key, details.open);
            fillIn();
        });
        return details;
    };

    const part = (title, ...children) =>
        element("section", { class: "part" }, element("h3", {}, title), ...children);
    const math = (text, mark = null) =>
        element("p", { class: "math", "data-role": mark }, element("bdi", {}, plain(text)));
    const titled = (...words) => element("h4", {}, ...words);

    /* A value with the role that a test or a style finds it by. */
    const shown = (role, value, name, missing) => {
        const view = explorer.valueView(value, name, missing);
        view.dataset.role = role;
        return view;
    };

    // Heading.

    const path = (chain) => {
        if (!chain.length) return null;
        const crumbs = [...chain].reverse().map((module) => {
            const name = plain(explorer.labelOf(module), 60);
            const label = say(explorer.graph.collapsed.has(module.id) ? "expand" : "collapse", {
                name,
            });
            const button = {
                type: "button",
                class: "link",
                "aria-label": label,
                title: label,
                onclick: () => explorer.act.toggle(module),
            };
            return element("li", {}, element("button", button, element("bdi", {}, name)));
        });
        return element("ol", { class: "path", "aria-label": say("modules") }, crumbs);
    };

    const heading = (box, step) => {
        const { graph } = explorer;
        const chain = box.node ? graph.chainOf(box.node) : graph.chains.get(box.module.id);
        return [
            element("p", { class: "phase" }, explorer.stepInWords(step)),
            element("h2", {}, element("bdi", {}, explorer.nameOf(box))),
            element("p", { class: "kind" }, explorer.kindOf(box)),
            path(chain),
        ];
    };

    // The forward pass at an operation or leaf.

    const inputs = (node) =>
        node.inputs.map((input) => {
            const from = input.node === null ? null : link(input.node);
            const title = titled(
                element("span", { class: "argument" }, plain(input.name)),
                from ? [" ← ", from] : null,
            );
            // A number or another argument that is no tensor.
            if (input.text !== null && input.text !== undefined)
                return [title, element("p", { class: "single" }, plain(input.text))];
            return [title, shown("input", input.value, plain(input.name), input.missing)];
        });

    const users = (node) => {
        const edges = explorer.graph.users[node.id];
        const ids = [...new Set(edges.map((edge) => edge.to))];
        return element(
            "p",
            { class: "users" },
            say("usedBy"),
            ": ",
            ids.length ? ids.flatMap((id, i) => [i ? ", " : null, link(id)]) : say("usedNowhere"),
        );
    };

    const output = (node) => {
        if (node.missing === "several") {
            const each = explorer
                .resultsOf(node)
                .map((result) => [
                    titled(link(result.id)),
                    shown("output", result.output, plain(result.name), result.missing),
                ]);
            return part(say("resultsValue"), each);
        }
        return oneOutput(node);
    };

    const oneOutput = (node) =>
        part(
            node.inputs.length ? say("outputValue") : say("value"),
            shown("output", node.output, say("outputValue"), node.missing),
        );

    const forwardOf = (node) => [
        node.formula ? part(say("formula"), math(node.formula, "formula")) : null,
        node.inputs.length ? part(say("inputs"), inputs(node)) : null,
        output(node),
        users(node),
    ];

    // The backward pass.

    /* What arrived, and how it was added up. */
    const incoming = (node) => {
        const title = node.inputs.length ? say("incoming") : say("gradient");
        // A named result is "h: Tanh".
        const name = say("gradientOf", {
            name: plain(node.inputs.length ? node.name.split(": ")[0] : node.name, 40),
        });
        if (node.why === "several") {
            return part(
                title,
                element("p", {}, say("arriving")),
                node.arrivals.map((arrival) => [
                    titled(...around("arrival", "name", link(arrival.from))),
                    shown("arrival", arrival.value, name),
                ]),
            );
        }
        if (!node.grad)
            return part(
                title,
                element(
                    "p",
                    { class: "none" },
                    node.why ? explorer.sayCode(node.why) : say("noGradient"),
                ),
            );
        const children = [];
        if (node.result) children.push(element("p", {}, say("startsAtOne")));
        if (node.arrivals.length > 1) {
            const letters = node.arrivals.map((_, i) => `g${subscript(i + 1)}`);
            children.push(
                element("p", {}, say("sumOf", { n: node.arrivals.length })),
                math(`g = ${letters.join(" + ")}`, "sum"),
                node.arrivals.map((arrival, i) =>
                    element(
                        "div",
                        { class: "arrival" },
                        titled(`${letters[i]} `, ...around("arrival", "name", link(arrival.from))),
                        shown("arrival", arrival.value, letters[i]),
                    ),
                ),
                titled(`g = ${name}`, ` (${say("total")})`),
            );
        } else {
            children.push(
                titled(
                    name,
                    node.arrivals.length
                        ? [" · ", ...around("arrival", "name", link(node.arrivals[0].from))]
                        : null,
                ),
            );
        }
        children.push(shown("grad", node.grad, name));
        if (node.kind === "parameter")
            children.push(
                element(
                    "p",
                    { class: "hint" },
                    say("parameterGrad", { name: plain(node.name, 60) }),
                ),
            );
        return part(title, children);
    };

    /* Words with an element in the place of one of their {keys}. */
    const around = (key, hole, inner) => {
        const [before, after] = say(key, { [hole]: "\u0000" }).split("\u0000");
        return [before, inner, after];
    };

    const outgoing = (node) => {
        if (!node.inputs.some((input) => input.node !== null)) return null;
        const rules = new Map(node.rules);
        const each = node.inputs
            .filter((input) => input.node !== null)
            .map((input) => {
                const rule = rules.get(input.name);
                const title = titled(
                    ...around(
                        "to",
                        "name",
                        element("span", { class: "argument" }, plain(input.name)),
                    ),
                    " → ",
                    link(input.node),
                );
                if (!input.grad) {
                    const why = input.why ?? nodeOf(input.node).why;
                    return element(
                        "div",
                        { class: "input" },
                        title,
                        element(
                            "p",
                            { class: "none" },
                            why ? explorer.sayCode(why) : say("noGradient"),
                        ),
                    );
                }
                return element(
                    "div",
                    { class: "input" },
                    title,
                    rule ? math(rule, "rule") : null,
                    input.local
                        ? [
                              element("h5", {}, say("local")),
                              shown("local", input.local, say("local")),
                          ]
                        : null,
                    input.local ? element("h5", {}, say("outgoingOne")) : null,
                    shown("passed", input.grad, say("gradientOf", { name: plain(input.name) })),
                );
            });
        const remarks = node.rules
            .filter(([name]) => !name)
            .map(([, text]) => element("p", { class: "hint" }, plain(text)));
        return part(say("outgoing"), each, remarks);
    };

    const backwardOf = (node) => [
        incoming(node),
        node.inputs.length && (node.grad || node.arrivals.length) ? outgoing(node) : null,
        fold("forward", say("forwardValues"), () => forwardOf(node).flat().filter(Boolean), true),
    ];

    // What the other kinds of panel are made of too.
    explorer.parts = { link, fold, part, titled, shown };

    explorer.stepInWords = (step) =>
        step.phase === "start"
            ? say("start")
            : say("phaseStep", { phase: say(step.phase), i: step.index + 1, n: step.count });

    /* Fill the panel for a step, or for a box that is only looked at. */
    explorer.showPanel = (panel, view, step, looked) => {
        const box = looked ?? step.box;
        const isBack = step.phase === "backward";
        panel.classList.toggle("backward", isBack);
        const children = box
            ? [
                  heading(box, step),
                  looked
                      ? element(
                            "p",
                            { class: "hint" },
                            say("lookedAt"),
                            " ",
                            element(
                                "button",
                                {
                                    type: "button",
                                    class: "link",
                                    onclick: () => explorer.act.look(null),
                                },
                                say("backTo"),
                            ),
                        )
                      : null,
                  box.module
                      ? explorer.moduleParts(box, isBack)
                      : isBack
                        ? backwardOf(box.node)
                        : forwardOf(box.node),
              ]
            : explorer.introParts(view);
        panel.replaceChildren(...children.flat(Infinity).filter(Boolean));
    };

    /* The same step in a sentence, for those who hear the page. */
    explorer.tell = (view, step, looked) => {
        const box = looked ?? step.box;
        if (!box)
            return say("sayStart", {
                forward: view.forward.length,
                backward: view.backward.length,
            });
        const values = {
            i: step.index + 1,
            n: step.count,
            name: explorer.nameOf(box),
            kind: explorer.kindOf(box),
            detail: "",
        };
        const [node] = explorer.leaving(box);
        if (step.phase === "backward") {
            const details = [];
            if (node.grad) {
                const value = explorer.inWords(node.grad);
                details.push(
                    node.arrivals.length > 1
                        ? say("saySum", { value, n: node.arrivals.length })
                        : say("sayGradient", { value }),
                );
                const names = box.node
                    ? node.inputs
                          .filter((input) => input.grad)
                          .map((input) => plain(nodeOf(input.node).name, 40))
                    : [];
                if (names.length) details.push(say("sayPasses", { names: names.join(", ") }));
            } else if (node.why) details.push(explorer.sayCode(node.why));
            values.detail = details.join(" ");
        } else if (node.output) {
            const formula = box.node && node.formula ? `${plain(node.formula, 120)}.` : "";
            values.detail = say("sayOutput", {
                formula,
                value: explorer.inWords(node.output),
            }).trim();
        }
        if (looked) return say("sayLook", values);
        return say(step.phase === "backward" ? "sayBackward" : "sayForward", values);
    };
})();
