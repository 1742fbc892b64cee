/* Places for boxes where some modules are collapsed: layers from top to bottom, as Sugiyama drew.

The positions that came with the data are kept when nothing is collapsed. Otherwise they are the
hint for the order inside the layers, so that what is left and right stays there.
*/
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    const GAP = 30; // between boxes of a layer
    const BETWEEN = 58; // between layers
    const ROUNDS = 24;
    const CROWD = 8; // arrows at one border
    // In graphs of thousands of arrows, long ones go straight once there are so many bends.
    const [FEW, NEAR, MOST] = [1000, 40, 20_000];
    const NAME = "600 13px system-ui, sans-serif";
    const SMALL = "11px system-ui, sans-serif";

    const sizeOf = (box) => {
        if (box.node) {
            const wanted = explorer.textWidth(box.node.name, NAME) + 28;
            return [box.node.w || Math.min(220, Math.max(132, wanted)), box.node.h || 48];
        }
        const wanted = Math.max(
            explorer.textWidth(explorer.labelOf(box.module), NAME),
            explorer.textWidth(explorer.shapesOf(box), SMALL),
        );
        return [Math.min(300, Math.max(176, wanted + 52)), 64];
    };

    explorer.labelOf = (module) => {
        const label = module.label || [module.path, module.class].filter(Boolean).join(" ");
        return module.calls > 1
            ? explorer.say("call", { label, i: module.call, n: module.calls })
            : label;
    };

    /* The layer of each box: one below its lowest source; leaves right above their first user. */
    const layersOf = (boxes) => {
        const layer = new Map();
        for (const box of boxes) {
            const above = box.into
                .filter((arrow) => arrow.from.order < box.order)
                .map((arrow) => layer.get(arrow.from));
            layer.set(box, above.length ? Math.max(...above) + 1 : 0);
        }
        for (const box of boxes) {
            if (box.into.length || !box.out.length) continue;
            layer.set(box, Math.min(...box.out.map((arrow) => layer.get(arrow.to))) - 1);
        }
        const least = boxes.reduce((low, box) => Math.min(low, layer.get(box)), Infinity);
        for (const box of boxes) layer.set(box, layer.get(box) - least);
        return layer;
    };

    /* x of each member such that they keep their distances and stay near where they want to be. */
    const spread = (row, wanted, weight) => {
        // Pool adjacent violators, on positions less the room that the ones before need.
        const blocks = [];
        let room = 0;
        row.forEach((item, i) => {
            if (i)
                room += (row[i - 1].w + item.w) / 2 + (item.box || row[i - 1].box ? GAP : GAP / 2);
            item.room = room;
            blocks.push({ sum: (wanted[i] - room) * weight[i], weight: weight[i], count: 1 });
            while (blocks.length > 1) {
                const [before, here] = blocks.slice(-2);
                if (before.sum / before.weight <= here.sum / here.weight) break;
                blocks.splice(-2, 2, {
                    sum: before.sum + here.sum,
                    weight: before.weight + here.weight,
                    count: before.count + here.count,
                });
            }
        });
        let i = 0;
        for (const block of blocks) {
            for (let k = 0; k < block.count; k += 1, i += 1)
                row[i].x = block.sum / block.weight + row[i].room;
        }
    };

    const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

    // How much each draws its neighbours: leaves make way, so that the data's line is straight.
    const pull = (item) => (item.box ? (item.up.length ? 1 : 0.05) : 0.1);

    /* The place between the neighbours. */
    const between = (items) => {
        const all = items.reduce((sum, item) => sum + pull(item), 0);
        return items.reduce((sum, item) => sum + pull(item) * item.x, 0) / all;
    };

    const layered = (view, hints) => {
        const layer = layersOf(view.boxes);
        const rows = [];
        const items = new Map();
        const put = (item) => {
            (rows[item.layer] ??= []).push(item);
            return item;
        };
        for (const box of view.boxes) {
            const hint = hints ? mean(box.nodes.map((node) => node.x)) : box.order;
            items.set(box, put({ box, layer: layer.get(box), w: box.w, hint, up: [], down: [] }));
        }
        const join = (above, below) => {
            above.down.push(below);
            below.up.push(above);
        };
        // Long arrows pass through every layer between; those of one box share their way.
        let count = 0;
        const short = view.arrows.length > FEW ? NEAR : Infinity;
        for (const arrow of [...view.arrows].sort((a, b) => a.to.order - b.to.order)) {
            const [from, to] = [items.get(arrow.from), items.get(arrow.to)];
            from.way ??= [];
            arrow.path = [];
            let before = from;
            if (to.layer - from.layer > short && count > MOST) continue;
            for (let at = from.layer + 1; at < to.layer; at += 1) {
                let bend = from.way[at];
                if (!bend) {
                    bend = from.way[at] = put({
                        box: null,
                        layer: at,
                        w: 8,
                        hint: from.hint,
                        up: [],
                        down: [],
                    });
                    join(before, bend);
                    count += 1;
                }
                arrow.path.push(bend);
                before = bend;
            }
            if (from.layer < to.layer) join(before, to);
        }

        for (const row of rows) row.sort((a, b) => a.hint - b.hint);
        arrange(rows);
        for (const row of rows)
            spread(
                row,
                row.map((item, i) => (hints ? item.hint : i * 160)),
                row.map(() => 1),
            );
        for (let round = 0; round < ROUNDS; round += 1) {
            const down = round % 2 === 0;
            for (const row of down ? rows : [...rows].reverse()) {
                const near = ({ up, down: below }) =>
                    down ? (up.length ? up : below) : below.length ? below : up;
                spread(
                    row,
                    row.map((item) => (near(item).length ? between(near(item)) : item.x)),
                    row.map(pull),
                );
            }
        }

        let top = 20;
        const left =
            rows.flat().reduce((least, item) => Math.min(least, item.x - item.w / 2), Infinity) -
            20;
        for (const row of rows) {
            const height = Math.max(48, ...row.map((item) => (item.box ? item.box.h : 0)));
            for (const item of row) {
                item.x -= left;
                item.y = top + height / 2;
                if (item.box) Object.assign(item.box, { x: item.x, y: item.y });
            }
            top += height + BETWEEN;
        }
        for (const arrow of view.arrows) {
            arrow.points = [
                [arrow.from.x, arrow.from.y + arrow.from.h / 2],
                ...arrow.path.flatMap(({ x, y }) => [
                    [x, y - 20],
                    [x, y + 20],
                ]),
                [arrow.to.x, arrow.to.y - arrow.to.h / 2],
            ];
            delete arrow.path;
        }
        view.width =
            rows.flat().reduce((most, item) => Math.max(most, item.x + item.w / 2), 0) + 20;
        view.height = top - BETWEEN + 20;
    };

    /* Fewer crossings: sort layers by the mean place of the neighbours, and keep the best order. */
    const arrange = (rows) => {
        const number = () =>
            rows.forEach((row) =>
                row.forEach((item, i) => {
                    item.place = i;
                }),
            );
        number();
        let best = rows.map((row) => [...row]);
        let least = crossings(rows);
        for (let round = 0; round < 8 && least > 0; round += 1) {
            const down = round % 2 === 0;
            for (const row of down ? rows : [...rows].reverse()) {
                const key = new Map(
                    row.map((item) => {
                        const near = down ? item.up : item.down;
                        return [
                            item,
                            near.length ? mean(near.map((other) => other.place)) : item.place,
                        ];
                    }),
                );
                row.sort((a, b) => key.get(a) - key.get(b) || a.place - b.place);
                row.forEach((item, i) => {
                    item.place = i;
                });
            }
            const now = crossings(rows);
            if (now < least) {
                least = now;
                best = rows.map((row) => [...row]);
            }
        }
        best.forEach((row, i) => rows[i].splice(0, rows[i].length, ...row));
        number();
    };

    const crossings = (rows) => {
        let count = 0;
        for (const row of rows) {
            const ends = [];
            for (const item of row) {
                const below = item.down.map((other) => other.place).sort((a, b) => a - b);
                for (const place of below) {
                    for (const other of ends) if (other > place) count += 1;
                }
                ends.push(...below);
            }
        }
        return count;
    };

    /* Let the arrows of one border end beside each other, in the order of where they come from. */
    const ports = (view) => {
        const fan = (box, arrows, end, next) => {
            if (arrows.length < 2) return;
            // Of many arrows, those that share their way share their end too.
            const places = new Map();
            arrows.forEach((arrow, i) => {
                const key =
                    arrows.length > CROWD && arrow.points.length > 2
                        ? String(arrow.points.at(next))
                        : i;
                if (!places.has(key)) places.set(key, { x: arrow.points.at(next)[0], arrows: [] });
                places.get(key).arrows.push(arrow);
            });
            const step = Math.min(16, (0.7 * box.w) / places.size);
            [...places.values()]
                .sort((a, b) => a.x - b.x)
                .forEach((place, i) => {
                    for (const arrow of place.arrows)
                        arrow.points.at(end)[0] = box.x + (i - (places.size - 1) / 2) * step;
                });
        };
        for (const arrow of view.arrows) arrow.points = arrow.points.map((point) => [...point]);
        for (const box of view.boxes) {
            fan(box, box.into, -1, -2);
            fan(box, box.out, 0, 1);
        }
    };

    explorer.lay = (graph, view) => {
        for (const box of view.boxes) [box.w, box.h] = sizeOf(box);
        if (
            view.whole &&
            graph.hasPositions &&
            view.arrows.every((arrow) => arrow.points.length > 1)
        ) {
            for (const box of view.boxes) Object.assign(box, { x: box.node.x, y: box.node.y });
            Object.assign(view, { width: graph.data.width, height: graph.data.height });
        } else layered(view, graph.hasPositions);
        ports(view);
    };
})();
