/* The graph as SVG: boxes, arrows, the modules behind them; and what is marked at a step. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { drawn } = explorer;
    const say = (...words) => explorer.say(...words);

    const NAME = "600 13px system-ui, sans-serif";
    const SMALL = "11px system-ui, sans-serif";

    /* A curve that leaves and arrives vertically and passes through the bends. */
    const curve = (points) => {
        const numbers = points.map(([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
        let path = `M${numbers[0].join(" ")}`;
        for (let i = 1; i < numbers.length; i += 1) {
            const [x, y] = numbers[i - 1];
            const [to, below] = numbers[i];
            const half = (y + below) / 2;
            path += x === to ? `V${below}` : `C${x} ${half} ${to} ${half} ${to} ${below}`;
        }
        return path;
    };

    const inResults = (n) => (n === 1 ? say("resultsOne") : say("results", { n }));
    const shapesIn = (nodes) => [...new Set(nodes.map((node) => explorer.shape(node)))].join(", ");

    /* The shapes that a box makes, or the number itself; for a module what goes in and out. */
    explorer.shapesOf = (box) => {
        if (box.module) {
            const into = shapesIn(explorer.entering(box).filter((node) => !isLeaf(node)));
            const out = shapesIn(explorer.leaving(box));
            return into ? `${into} → ${out}` : out;
        }
        if (box.node.missing === "several") return inResults(explorer.resultsOf(box.node).length);
        const numbers = box.node.output?.numbers;
        return numbers?.length === 1
            ? `= ${explorer.number(numbers[0])}`
            : explorer.shape(box.node);
    };

    /* Those, and the norm of the gradient once it is known; it alone where there is no room. */
    const facts = (box, reached, room) => {
        const shapes = explorer.shapesOf(box);
        const grad = box.node ? box.node.grad : null;
        if (!reached || !grad) return shapes;
        const norm = `‖∇‖ ${explorer.number(grad.stats.norm, 3)}`;
        const both = `${shapes} · ${norm}`;
        return explorer.textWidth(both, SMALL) > room ? norm : both;
    };

    /* The boxes of an operation's results, where it has several. */
    explorer.resultsOf = (node) =>
        [...new Set(explorer.graph.users[node.id].map((edge) => edge.to))].map(
            (id) => explorer.graph.nodes[id],
        );

    const isLeaf = (node) => node.kind === "parameter" || node.kind === "leaf";

    /* Nodes that a box takes values from, and nodes inside whose values are used outside. */
    explorer.entering = (box) =>
        [...new Set(box.into.flatMap((arrow) => arrow.edges.map((edge) => edge.from)))].map(
            (id) => explorer.graph.nodes[id],
        );
    explorer.leaving = (box) => {
        if (box.node) return [box.node];
        const ids = new Set(box.out.flatMap((arrow) => arrow.edges.map((edge) => edge.from)));
        const used = [...ids].map((id) => explorer.graph.nodes[id]).filter((node) => !isLeaf(node));
        return used.length ? used : [box.nodes.findLast((node) => node.result) ?? box.nodes.at(-1)];
    };

    explorer.nameOf = (box) =>
        explorer.plain(box.node ? box.node.name : explorer.labelOf(box.module));
    explorer.kindOf = (box) => {
        if (box.module) return say("module");
        return box.node.result ? `${say(box.node.kind)}, ${say("result")}` : say(box.node.kind);
    };

    explorer.Picture = class {
        constructor(world, act) {
            this.world = world;
            this.act = act; // jump, toggle
            this.groups = new Map();
            this.paths = new Map();
        }

        draw(view) {
            this.view = view;
            this.groups.clear();
            this.paths.clear();
            const bubbles = drawn("g");
            const arrows = drawn("g");
            const boxes = drawn("g");
            this.drawModules(view, bubbles);
            for (const arrow of view.arrows) {
                const path = drawn("path", { class: "arrow", d: curve(arrow.points) });
                this.paths.set(arrow, path);
                arrows.append(path);
            }
            for (const box of view.boxes) boxes.append(this.drawBox(box));
            this.world.replaceChildren(bubbles, arrows, boxes);
        }

        drawBox(box) {
            const group = drawn("g", {
                class: "box",
                "data-key": box.key,
                role: "button",
                tabindex: "-1",
                transform: `translate(${box.x - box.w / 2} ${box.y - box.h / 2})`,
            });
            group.classList.add(box.module ? "module" : box.node.kind);
            const leaf = box.node && !box.node.inputs.length;
            group.append(drawn("title", {}, explorer.nameOf(box)));
            if (box.module)
                group.append(
                    drawn("rect", {
                        class: "behind",
                        x: 4,
                        y: 4,
                        width: box.w,
                        height: box.h,
                        rx: 9,
                    }),
                );
            group.append(
                drawn("rect", {
                    class: "frame",
                    width: box.w,
                    height: box.h,
                    rx: leaf ? box.h / 2 : 8,
                }),
            );
            group.append(
                drawn("rect", {
                    class: "ring",
                    x: -5,
                    y: -5,
                    width: box.w + 10,
                    height: box.h + 10,
                    rx: leaf ? box.h / 2 + 5 : 12,
                }),
            );
            const room = box.w - (box.module ? 46 : 20);
            const middle = box.module ? 14 + room / 2 : box.w / 2;
            const name = box.node ? box.node.name : explorer.labelOf(box.module);
            const lines = [
                drawn(
                    "text",
                    { class: "name", x: middle, y: box.module ? 21 : 20 },
                    explorer.cut(name, room, NAME),
                ),
                drawn("text", { class: "facts", x: middle, y: box.module ? 38 : 36 }),
            ];
            if (box.module) {
                lines.push(
                    drawn(
                        "text",
                        { class: "facts", x: middle, y: 54 },
                        explorer.sayCount(box.nodes.length),
                    ),
                );
                const button = drawn(
                    "g",
                    { class: "open", transform: `translate(${box.w - 20} ${box.h / 2})` },
                    drawn("circle", { r: 11 }),
                    drawn("path", { d: "M-5 0H5M0 -5V5" }),
                    drawn("title", {}, say("expand", { name: explorer.nameOf(box) })),
                );
                button.addEventListener("click", (event) => {
                    event.stopPropagation();
                    this.act.toggle(box.module);
                });
                lines.push(button);
            }
            group.append(...lines);
            group.addEventListener("click", () => this.act.jump(box));
            group.addEventListener("dblclick", () =>
                this.act.toggle(box.module ?? explorer.graph.chainOf(box.node)[0]),
            );
            this.groups.set(box, { group, facts: lines[1], room });
            return group;
        }

        /* Expanded modules: a tint behind their boxes and arrows, never behind others. */
        drawModules(view, layer) {
            const { graph } = explorer;
            const inside = new Map();
            for (const box of view.boxes) {
                const chain = box.node
                    ? graph.chainOf(box.node)
                    : graph.chains.get(box.module.id).slice(1);
                for (const module of chain) {
                    if (!inside.has(module)) inside.set(module, []);
                    inside.get(module).push(box);
                }
            }
            const depth = (module) =>
                Math.max(
                    0,
                    ...graph.children
                        .get(module.id)
                        .filter((part) => inside.get(part)?.length > 1)
                        .map((part) => 1 + depth(part)),
                );
            const taken = view.boxes.map((box) => [
                box.x - box.w / 2,
                box.y - box.h / 2,
                box.x + box.w / 2,
                box.y + box.h / 2,
            ]);
            for (const [module, boxes] of [...inside].sort(([a], [b]) => a.id - b.id)) {
                if (boxes.length < 2 || boxes.length > view.boxes.length - 4) continue;
                const pad = 9 + 6 * Math.min(depth(module), 3);
                const group = drawn("g", { class: "bubble" });
                group.dataset.module = module.id;
                const own = new Set(boxes);
                for (const box of boxes) {
                    group.append(
                        drawn("rect", {
                            x: box.x - box.w / 2 - pad,
                            y: box.y - box.h / 2 - pad,
                            width: box.w + 2 * pad,
                            height: box.h + 2 * pad,
                            rx: 14,
                        }),
                    );
                }
                for (const arrow of view.arrows) {
                    if (own.has(arrow.from) && own.has(arrow.to))
                        group.append(
                            drawn("path", { d: curve(arrow.points), "stroke-width": 2 * pad + 8 }),
                        );
                }
                layer.append(group);
                this.drawTag(module, boxes, pad, layer, taken);
            }
        }

        /* The name of a module above its highest box, where there is room for it. */
        drawTag(module, boxes, pad, layer, taken) {
            const text = explorer.cut(`− ${explorer.labelOf(module)}`, 200, SMALL);
            const width = explorer.textWidth(text, SMALL) + 10;
            const top = [...boxes].sort((a, b) => a.y - b.y || a.x - b.x);
            for (const box of top.slice(0, 4)) {
                const [x, y] = [box.x - box.w / 2 - pad + 8, box.y - box.h / 2 - pad - 3];
                const area = [x - 3, y - 11, x + width, y + 3];
                if (
                    taken.some(
                        (other) =>
                            area[0] < other[2] &&
                            other[0] < area[2] &&
                            area[1] < other[3] &&
                            other[1] < area[3],
                    )
                )
                    continue;
                taken.push(area);
                const tag = drawn("text", { class: "tag", x, y }, text);
                tag.append(
                    drawn(
                        "title",
                        {},
                        say("collapse", { name: explorer.plain(explorer.labelOf(module)) }),
                    ),
                );
                tag.addEventListener("click", () => this.act.toggle(module));
                layer.append(tag);
                return;
            }
        }

        /* Show what the steps have reached: how far forward, how far back, which box is present. */
        mark(step, looked) {
            const reached = new Map(this.view.backward.map((box, i) => [box, i]));
            const isBack = step.phase === "backward";
            const first = looked ?? step.box ?? this.view.forward[0]; // where Tab enters
            for (const [box, { group, facts: line, room }] of this.groups) {
                const done = isBack || (step.phase === "forward" && box.order <= step.index);
                const back = isBack && (reached.get(box) ?? Infinity) <= step.index;
                const state = [done, back, box === step.box, box === looked, box === first].join(
                    " ",
                );
                if (group.dataset.state === state) continue;
                group.dataset.state = state;
                group.classList.toggle("done", done);
                group.classList.toggle("back", back);
                group.classList.toggle("present", box === step.box);
                group.classList.toggle("looked", box === looked);
                if (box === step.box) group.setAttribute("aria-current", "step");
                else group.removeAttribute("aria-current");
                const text = facts(box, back, room);
                line.textContent = explorer.cut(text, room, SMALL);
                const name = explorer.plain(
                    box.node ? box.node.name : explorer.labelOf(box.module),
                );
                group.setAttribute("aria-label", `${name}, ${explorer.kindOf(box)}, ${text}`);
                group.setAttribute("tabindex", box === first ? "0" : "-1");
            }
            for (const [arrow, path] of this.paths) {
                const { box } = step;
                const here = arrow.from === box || arrow.to === box;
                // Only what has a gradient carries one back.
                const carries = arrow.edges.some(
                    (edge) => explorer.graph.nodes[edge.to].inputs[edge.input]?.grad,
                );
                path.classList.toggle("forward", step.phase === "forward" && arrow.to === box);
                path.classList.toggle("backward", isBack && here && carries);
                path.classList.toggle(
                    "done",
                    isBack || (step.phase === "forward" && arrow.to.order <= step.index),
                );
                if (here && box) path.parentNode.append(path);
            }
        }

        /* Rings around what the search found. */
        ring(boxes, present) {
            for (const [box, { group }] of this.groups) {
                group.classList.toggle("found", boxes.has(box));
                group.classList.toggle("found-here", box === present);
            }
        }

        focus(box) {
            this.groups.get(box)?.group.focus({ preventScroll: true });
        }

        boxAt(element) {
            const key = element.closest?.(".box")?.dataset.key;
            return key ? this.view.boxes.find((box) => box.key === key) : null;
        }
    };
})();
