/* Which boxes are seen: nodes, and collapsed modules in the place of theirs. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    explorer.Graph = class {
        constructor(data) {
            this.data = data;
            this.nodes = data.nodes;
            fillIn(data);
            this.modules = new Map(data.modules.map((module) => [module.id, module]));
            this.collapsed = new Set(
                data.modules.filter((module) => module.collapsed).map((module) => module.id),
            );
            this.children = new Map([[null, []]]);
            for (const module of data.modules) this.children.set(module.id, []);
            for (const module of data.modules) this.children.get(module.parent).push(module);
            this.chains = new Map(); // module: itself and what it is in, innermost first
            for (const module of data.modules) {
                const chain = [];
                for (let at = module; at; at = this.modules.get(at.parent)) chain.push(at);
                this.chains.set(module.id, chain);
            }
            // With the nodes of its parts.
            this.members = new Map(data.modules.map((module) => [module.id, []]));
            for (const node of this.nodes) {
                for (const module of this.chainOf(node)) this.members.get(module.id).push(node);
            }
            this.users = this.nodes.map(() => []);
            for (const edge of data.edges) this.users[edge.from].push(edge);
            this.hasPositions = this.nodes.every(
                (node) => Number.isFinite(node.x) && Number.isFinite(node.y),
            );
        }

        /* The modules that a node is in, innermost first. */
        chainOf(node) {
            return node.module === null ? [] : this.chains.get(node.module);
        }

        /* The outermost collapsed module that hides a node, or undefined. */
        hiddenIn(node) {
            return this.chainOf(node).findLast((module) => this.collapsed.has(module.id));
        }

        toggle(module) {
            if (!this.collapsed.delete(module.id)) this.collapsed.add(module.id);
        }

        /* Expand what hides a node or module. */
        reveal(chain) {
            for (const module of chain) this.collapsed.delete(module.id);
        }

        collapseAll() {
            const operations = (nodes) => nodes.filter((node) => node.inputs.length).length;
            const all = operations(this.nodes);
            for (const module of this.modules.values()) {
                // One that holds everything would leave a single box: nothing to learn from.
                const isWhole =
                    operations(this.members.get(module.id)) >= all - 3 &&
                    this.children.get(module.id).length;
                if (!isWhole) this.collapsed.add(module.id);
            }
        }

        expandAll() {
            this.collapsed.clear();
        }

        /* The boxes in the order of the forward pass, and the arrows between them. */
        view() {
            const boxes = new Map();
            const boxOf = new Map(); // by the id of a node
            for (const node of this.nodes) {
                const module = this.hiddenIn(node);
                const key = module ? `m${module.id}` : `n${node.id}`;
                if (!boxes.has(key)) {
                    boxes.set(key, {
                        key,
                        node: module ? null : node,
                        module: module ?? null,
                        nodes: [],
                        into: [],
                        out: [],
                    });
                }
                boxes.get(key).nodes.push(node);
                boxOf.set(node.id, boxes.get(key));
            }
            const arrows = [];
            const between = new Map(); // arrows of collapsed modules, one for each pair
            for (const edge of this.data.edges) {
                const from = boxOf.get(edge.from);
                const to = boxOf.get(edge.to);
                if (from === to) continue;
                const pair = from.module || to.module ? `${from.key} ${to.key}` : null;
                if (pair && between.has(pair)) {
                    between.get(pair).edges.push(edge);
                    continue;
                }
                const arrow = { from, to, edges: [edge], points: edge.points };
                if (pair) between.set(pair, arrow);
                from.out.push(arrow);
                to.into.push(arrow);
                arrows.push(arrow);
            }
            const order = inOrder([...boxes.values()]);
            order.forEach((box, i) => {
                box.order = i;
            });
            for (const box of order) {
                box.hasGradient = box.nodes.some(isReached);
                box.hasResult = box.nodes.some((node) => node.result);
            }
            const forward = order;
            const backward = order.filter((box) => box.hasGradient).reverse();
            const whole = order.every((box) => box.node);
            return { boxes: order, arrows, boxOf, forward, backward, whole };
        }
    };

    /* Whether the backward pass comes here. An operation with several results has only arrivals. */
    const isReached = (node) => node.grad !== null || node.arrivals.length > 0;

    /* Values are sent once each, and referred to by their place in a list. */
    const fillIn = (data) => {
        const valueOf = (value) => (typeof value === "number" ? data.values[value] : value);
        for (const node of data.nodes) {
            node.output = valueOf(node.output);
            node.grad = valueOf(node.grad);
            for (const arrival of node.arrivals) arrival.value = valueOf(arrival.value);
            for (const input of node.inputs) {
                for (const key of ["value", "grad", "local"]) input[key] = valueOf(input[key]);
            }
        }
    };

    /* Sources before users; otherwise as they were created. */
    const inOrder = (boxes) => {
        const last = (box) => box.nodes[box.nodes.length - 1].id;
        const sorted = [...boxes].sort((a, b) => last(a) - last(b));
        const place = new Map(sorted.map((box, i) => [box, i]));
        if (
            sorted.every((box) => box.into.every((arrow) => place.get(arrow.from) < place.get(box)))
        )
            return sorted;
        // Calls that overlap in time: take again and again the oldest box whose sources are there.
        const order = [];
        const taken = new Set();
        const waiting = [...sorted];
        while (waiting.length) {
            const ready = waiting.findIndex((box) =>
                box.into.every((arrow) => taken.has(arrow.from)),
            );
            const [box] = waiting.splice(Math.max(ready, 0), 1);
            taken.add(box);
            order.push(box);
        }
        return order;
    };
})();
