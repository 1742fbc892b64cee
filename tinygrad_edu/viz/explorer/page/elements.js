/* Making elements. Text of the data goes in as text nodes only, never as markup. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    const set = (node, attributes) => {
        for (const [name, value] of Object.entries(attributes)) {
            if (value === null || value === undefined || value === false) continue;
            if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
            else node.setAttribute(name, value === true ? "" : value);
        }
    };

    explorer.element = (tag, attributes = {}, ...children) => {
        const node = document.createElement(tag);
        set(node, attributes);
        node.append(
            ...children.flat(Infinity).filter((child) => child !== null && child !== undefined),
        );
        return node;
    };

    explorer.drawn = (tag, attributes = {}, ...children) => {
        const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
        set(node, attributes);
        node.append(...children);
        return node;
    };

    // Controls, and the characters that turn the direction of the text around them.
    const UNPRINTABLE =
        /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
    const LONGEST = 400;

    /* One line that shows what a name consists of. */
    explorer.plain = (text, longest = LONGEST) => {
        let line = String(text)
            .slice(0, 4 * longest)
            .replace(/\s+/g, " ")
            .trim()
            .replace(UNPRINTABLE, "\ufffd");
        const characters = Array.from(line);
        if (characters.length > longest) line = `${characters.slice(0, longest - 1).join("")}…`;
        return line;
    };

    const pen = document.createElement("canvas").getContext("2d");
    const widths = new Map();

    /* The text, cut to a width in px, with its end replaced by an ellipsis. */
    explorer.cut = (text, width, font) => {
        pen.font = font;
        const measure = (part) => {
            const key = font + part;
            if (!widths.has(key)) widths.set(key, pen.measureText(part).width);
            return widths.get(key);
        };
        const line = explorer.plain(text, 80);
        if (measure(line) <= width) return line;
        const characters = Array.from(line);
        let low = 0;
        let high = characters.length - 1;
        while (low < high) {
            const middle = Math.ceil((low + high) / 2);
            if (measure(`${characters.slice(0, middle).join("")}…`) <= width) low = middle;
            else high = middle - 1;
        }
        return `${characters.slice(0, low).join("")}…`;
    };

    explorer.textWidth = (text, font) => {
        pen.font = font;
        return pen.measureText(explorer.plain(text, 80)).width;
    };

    explorer.find = (id) => document.getElementById(id);

    explorer.calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
})();
