/* Values: small tensors as tables, large ones as heat maps, each with its statistics. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { element } = explorer;
    const say = (...words) => explorer.say(...words);

    // Numbers.

    const SPECIAL = { nan: "NaN", inf: "∞", "-inf": "−∞" };

    /* Four significant digits, with a real minus sign. */
    explorer.number = (value, digits = 4) => {
        if (typeof value === "string") return SPECIAL[value] ?? value;
        if (typeof value === "boolean") return value ? "True" : "False";
        if (value === 0) return "0";
        if (Number.isInteger(value) && Math.abs(value) < 1e6)
            return String(value).replace("-", "−");
        const size = Math.abs(value);
        const text =
            size < 1e-3 || size >= 1e6
                ? value.toExponential(digits - 2).replace("e+", "e")
                : String(Number(value.toPrecision(digits)));
        return text.replaceAll("-", "−");
    };

    /* The numbers of a table with equally many decimals, to be compared at a glance. */
    const alike = (numbers, limit) => {
        if (
            !limit ||
            numbers.every((number) => typeof number !== "number" || Number.isInteger(number))
        )
            return explorer.number;
        const decimals = Math.min(Math.max(3 - Math.floor(Math.log10(limit)), 0), 7);
        if (limit >= 1e6 || limit < 1e-3) return explorer.number;
        return (number) => {
            if (typeof number === "string" || number === 0) return explorer.number(number);
            // One that would keep less than two digits shows them before an exponent.
            const isSmall = Math.abs(number) < 10 ** (1 - decimals);
            return (isSmall ? number.toExponential(1) : number.toFixed(decimals)).replaceAll(
                "-",
                "−",
            );
        };
    };

    explorer.shape = (value) => (value.shape.length ? value.shape.join("×") : say("scalar"));

    const asNumber = (value) =>
        typeof value === "string"
            ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[value]
            : Number(value);

    /* What a screen reader hears of a value. */
    explorer.inWords = (value) => {
        if (value.numbers && value.numbers.length === 1) return explorer.number(value.numbers[0]);
        return say("sayShape", {
            shape: explorer.shape(value),
            norm: explorer.number(value.stats.norm),
        });
    };

    // Colours: purple below zero, green above, the same distance from the middle for both.

    const SCALES = {
        light: {
            low: [118, 42, 131],
            middle: [247, 247, 245],
            high: [27, 120, 55],
            odd: [230, 159, 0],
        },
        dark: {
            low: [196, 140, 219],
            middle: [34, 41, 50],
            high: [95, 199, 127],
            odd: [230, 159, 0],
        },
    };
    // Below full strength in tables, where numbers are read on the colour.
    const TINT = 0.42;

    const colour = (part, strength = 1) => {
        const scale = SCALES[explorer.theme()];
        if (!Number.isFinite(part)) return scale.odd;
        const end = part < 0 ? scale.low : scale.high;
        const weight = Math.min(Math.abs(part), 1) * strength;
        return scale.middle.map((from, i) => Math.round(from + (end[i] - from) * weight));
    };

    const paint = (canvas, rows, columns, partAt) => {
        canvas.width = columns;
        canvas.height = rows;
        const pen = canvas.getContext("2d");
        const image = pen.createImageData(columns, rows);
        for (let i = 0; i < rows * columns; i += 1) {
            const [red, green, blue] = colour(partAt(i));
            image.data.set([red, green, blue, 255], 4 * i);
        }
        pen.putImageData(image, 0, 0);
    };

    // Tables.

    const PER_ROW = 10; // A vector is folded into rows of this length.

    const table = (value, numbers, rows, columns, limit, name, folded = false) => {
        const written = alike(value.numbers, limit);
        const cells = [];
        const vector = value.shape.length === 1;
        for (let row = 0; row < rows; row += 1) {
            const line = element("tr");
            if (rows > 1 || !vector) {
                line.append(element("th", { scope: "row" }, String(folded ? row * columns : row)));
            }
            for (
                let column = 0;
                column < columns && row * columns + column < numbers.length;
                column += 1
            ) {
                const number = numbers[row * columns + column];
                const part = limit ? asNumber(number) / limit : 0;
                const cell = element("td", { title: String(number) }, written(number));
                if (part !== 0) cell.style.backgroundColor = `rgb(${colour(part, TINT).join(" ")})`;
                if (!Number.isFinite(part)) cell.classList.add("odd");
                line.append(cell);
            }
            cells.push(line);
        }
        const index = Array.from({ length: columns }, (_, i) =>
            element("th", { scope: "col" }, String(folded ? `+${i}` : i)),
        );
        if (rows > 1 || !vector) index.unshift(element("td"));
        return element(
            "table",
            { class: "numbers" },
            element("caption", { class: "unseen" }, name),
            columns > 1 ? element("thead", {}, element("tr", {}, index)) : null,
            element("tbody", {}, cells),
        );
    };

    const tables = (value, name) => {
        const finite = value.numbers.map(asNumber).filter(Number.isFinite);
        const limit = finite.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
        const { shape, numbers } = value;
        if (shape.length === 0)
            return [
                element(
                    "p",
                    { class: "single", title: String(numbers[0]) },
                    explorer.number(numbers[0], 6),
                ),
            ];
        if (shape.length === 1) {
            const columns = Math.min(numbers.length, PER_ROW);
            return [
                table(
                    value,
                    numbers,
                    Math.ceil(numbers.length / columns),
                    columns,
                    limit,
                    name,
                    numbers.length > PER_ROW,
                ),
            ];
        }
        const [rows, columns] = shape.slice(-2);
        const views = [];
        const outer = shape.slice(0, -2);
        for (let start = 0; start < numbers.length; start += rows * columns) {
            if (outer.length && numbers.length > rows * columns) {
                let rest = start / (rows * columns);
                const index = outer.map((_, i) => {
                    const size = outer.slice(i + 1).reduce((a, b) => a * b, 1);
                    const here = Math.floor(rest / size);
                    rest %= size;
                    return here;
                });
                views.push(
                    element("p", { class: "block" }, say("block", { index: index.join(", ") })),
                );
            }
            views.push(
                table(
                    value,
                    numbers.slice(start, start + rows * columns),
                    rows,
                    columns,
                    limit,
                    name,
                ),
            );
        }
        return views;
    };

    // Heat maps.

    const [WIDEST, HIGHEST] = [420, 260];

    /* What a pixel is, where it is not one number of a matrix. */
    const noteOn = ({ note, shown, of, block }) => {
        const notes = [];
        if (note === "first of several" && of) notes.push(say("tiles", { n: shown, of }));
        else if (note) notes.push(explorer.sayCode(note));
        if (block) notes.push(say("pixel", { rows: block[0], columns: block[1] }));
        return notes.join(explorer.language === "ja" ? "、" : ", ");
    };

    const heatMap = (value, name) => {
        const { rows, columns, low, high } = value.image;
        const note = noteOn(value.image);
        const bytes = Uint8Array.from(atob(value.image.values), (character) =>
            character.charCodeAt(0),
        );
        const limit = Math.max(Math.abs(low), Math.abs(high)) || 1;
        // 128 is zero; 0 stands for what is not finite.
        const numberAt = (i) => (bytes[i] ? ((bytes[i] - 128) / 127) * high : NaN);
        const ends = [explorer.number(low), explorer.number(high)];
        const words = say("heatMap", { rows, columns, low: ends[0], high: ends[1] });
        const label = `${name}. ${words}`;
        const canvas = element("canvas", { class: "map", role: "img", "aria-label": label });
        paint(canvas, rows, columns, (i) => numberAt(i) / limit);
        // Numbers are squares, but for a map that would be too flat or too narrow to see.
        const [tall, wide] = value.image.block ?? [1, 1];
        const side = Math.min(14, HIGHEST / (rows * tall), WIDEST / (columns * wide));
        canvas.style.width = `${Math.max(columns * wide * side, 40)}px`;
        canvas.style.height = `${Math.max(rows * tall * side, 24)}px`;

        const bar = element("canvas", { class: "bar", "aria-hidden": "true" });
        const steps = 96;
        paint(bar, 1, steps, (i) => (low + (i / (steps - 1)) * (high - low)) / limit);
        const about = element("span", { class: "about" }, note);
        canvas.addEventListener("pointermove", (event) => {
            const box = canvas.getBoundingClientRect();
            const column = Math.min(
                columns - 1,
                Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * columns)),
            );
            const row = Math.min(
                rows - 1,
                Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rows)),
            );
            about.textContent = say("cell", {
                row: row * tall,
                column: column * wide,
                value: explorer.number(numberAt(row * columns + column), 3),
            });
        });
        canvas.addEventListener("pointerleave", () => {
            about.textContent = note;
        });
        return [canvas, element("p", { class: "legend" }, ends[0], bar, ends[1], about)];
    };

    // Both.

    const KEYS = ["min", "max", "mean", "std", "norm"];

    const statistics = (value) => {
        const { stats } = value;
        const shown = KEYS.map((key) => [key, explorer.number(stats[key])]);
        shown.push(["zeros", `${stats.zeros} / ${stats.size}`]);
        if (stats.nonfinite) shown.push(["nonfinite", String(stats.nonfinite)]);
        return element(
            "dl",
            { class: "stats" },
            shown.map(([key, text]) =>
                element(
                    "div",
                    { "data-key": key },
                    element("dt", {}, say(key)),
                    element("dd", {}, text),
                ),
            ),
        );
    };

    /* A value with its heading, or the reason why there is none. */
    explorer.valueView = (value, name, missing = null) => {
        if (!value)
            return element(
                "p",
                { class: "none" },
                missing ? explorer.sayCode(missing) : say("noValue"),
            );
        const view = element("div", { class: "value" });
        view.append(
            element(
                "p",
                { class: "type" },
                `${explorer.shape(value)} ${explorer.plain(value.dtype)}`,
            ),
        );
        const large = !value.numbers;
        if (value.stats.size === 0) view.append(element("p", { class: "none" }, say("empty")));
        else if (value.numbers) {
            const holder = element("div", {
                class: "scroll",
                tabindex: value.shape.length ? "0" : null,
            });
            if (value.shape.length) {
                holder.setAttribute("role", "group");
                holder.setAttribute("aria-label", name);
            }
            holder.append(...tables(value, name));
            view.append(holder);
        } else if (value.image) view.append(...heatMap(value, name));
        if (large && value.stats.size > 0) view.append(statistics(value));
        return view;
    };
})();
