/* The list of modules, with a button for each that collapses or expands it. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});
    const { element } = explorer;

    const LONGEST = 60;

    explorer.showTree = (list, graph) => {
        const present = document.activeElement?.closest?.("[data-module]")?.dataset;
        const entry = (module) => {
            const name = explorer.plain(explorer.labelOf(module), LONGEST);
            const collapsed = graph.collapsed.has(module.id);
            const count = graph.members.get(module.id).length;
            const fold = element(
                "button",
                {
                    type: "button",
                    class: "knob",
                    "data-module": module.id,
                    "data-part": "fold",
                    "aria-expanded": String(!collapsed),
                    "aria-label": explorer.say(collapsed ? "expand" : "collapse", { name }),
                    onclick: () => explorer.act.toggle(module),
                },
                collapsed ? "+" : "−",
            );
            const go = element(
                "button",
                {
                    type: "button",
                    class: "link",
                    "data-module": module.id,
                    "data-part": "go",
                    "aria-label": explorer.say("goTo", { name }),
                    onclick: () => explorer.act.goToModule(module),
                },
                element("bdi", {}, name),
            );
            // What is inside a collapsed module is not on the stage, and not in the list.
            const parts = collapsed ? [] : graph.children.get(module.id);
            return element(
                "li",
                {},
                element("div", {}, fold, go, element("span", { class: "count" }, String(count))),
                parts.length ? element("ul", {}, parts.map(entry)) : null,
            );
        };
        list.replaceChildren(...graph.children.get(null).map(entry));
        if (present)
            list.querySelector(
                `[data-module="${present.module}"][data-part="${present.part}"]`,
            )?.focus();
    };
})();
