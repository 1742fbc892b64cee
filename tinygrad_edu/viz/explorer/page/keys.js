/* The keyboard: every control has a key, and the help lists them all. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { element, find } = explorer;

    const FAR = 60; // px that an arrow key pans

    // What the help shows: keys, and the words for what they do.
    const KEYS = [
        [["→", "n", "←", "p"], "keyStep"],
        [["Home", "End"], "keyEnds"],
        [["Space"], "keyPlay"],
        [["b"], "keyBackward"],
        [["[", "]"], "keySpeed"],
        [["/"], "keySearch"],
        [["+", "−"], "keyZoom"],
        [["0", "f"], "keyFit"],
        [["Shift", "←", "↑", "↓", "→"], "keyPan"],
        [["←", "↑", "↓", "→", "Enter"], "keyNodes"],
        [["c"], "keyModule"],
        [["Shift", "c", "e"], "keyAll"],
        [["m"], "keyModules"],
        [["l"], "keyLanguage"],
        [["t"], "keyTheme"],
        [["?"], "keyHelp"],
        [["Esc"], "keyEscape"],
    ];

    explorer.fillKeys = (table) => {
        table.replaceChildren(
            element(
                "tbody",
                {},
                KEYS.map(([keys, word]) =>
                    element(
                        "tr",
                        {},
                        element(
                            "th",
                            { scope: "row" },
                            keys.flatMap((key, i) => [i ? " " : "", element("kbd", {}, key)]),
                        ),
                        element("td", {}, explorer.say(word)),
                    ),
                ),
            ),
        );
    };

    const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
    const TOWARDS = { left: [FAR, 0], right: [-FAR, 0], up: [0, FAR], down: [0, -FAR] };

    explorer.wireKeys = (act) => {
        const letters = {
            n: () => act.step(1),
            p: () => act.step(-1),
            b: act.loss,
            "[": () => act.speed(-1),
            "]": () => act.speed(1),
            "/": () => {
                find("query").focus();
                find("query").select();
            },
            "+": () => act.zoom(1.3),
            "=": () => act.zoom(1.3),
            "-": () => act.zoom(1 / 1.3),
            0: act.fit,
            f: act.fit,
            c: act.togglePresent,
            C: () => act.toggleAll(true),
            E: () => act.toggleAll(false),
            m: act.modules,
            l: act.language,
            t: act.theme,
            "?": act.help,
        };

        const inSearch = (event) => {
            if (event.key === "Enter") act.match(event.shiftKey ? -1 : 1);
            else if (event.key === "Escape") {
                act.clearSearch();
                event.target.blur();
            } else return;
            event.preventDefault();
        };

        const arrow = (event, direction) => {
            const at = event.target;
            if (event.shiftKey || at.id === "graph") act.pan(...TOWARDS[direction]);
            else if (at.closest(".box")) act.neighbour(at, direction);
            else if (direction === "right") act.step(1);
            else if (direction === "left") act.step(-1);
            else return false; // up and down scroll what has the focus
            return true;
        };

        document.addEventListener("keydown", (event) => {
            const at = event.target;
            if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
            if (find("help-dialog").open) {
                if (event.key === "?") act.help();
                return;
            }
            if (at.id === "query") {
                inSearch(event);
                return;
            }
            // Text fields, lists and sliders have keys of their own.
            const owns =
                at.matches("select") ||
                (at.matches("input[type=range]") &&
                    (event.key in ARROWS || event.key === "Home" || event.key === "End"));
            if (owns && event.key !== "Escape") return;
            const scrolls = at.matches(".scroll") && at.scrollWidth > at.clientWidth;
            let done = true;
            if (event.key in ARROWS)
                done = scrolls && !event.shiftKey ? false : arrow(event, ARROWS[event.key]);
            else if (event.key === "Home") act.first();
            else if (event.key === "End") act.last();
            else if (event.key === "Escape") act.stop();
            else if ((event.key === "Enter" || event.key === " ") && at.closest(".box"))
                act.jumpTo(at);
            else if (event.key === " " && !at.matches("button, summary, input")) act.play();
            else if (Object.hasOwn(letters, event.key) && find("shortcuts").checked)
                letters[event.key]();
            else done = false;
            if (done) event.preventDefault();
        });
    };
})();
