/* Searching nodes by name, operation, formula and the modules that they are in. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    const fold = (text) => String(text).slice(0, 4000).normalize("NFKC").toLowerCase();

    explorer.Search = class {
        constructor(graph) {
            this.graph = graph;
            this.texts = graph.nodes.map((node) => {
                const modules = graph
                    .chainOf(node)
                    .flatMap((module) => [module.path, module.class, module.label]);
                return fold([node.name, node.kind, node.formula, ...modules].join("\n"));
            });
            this.clear();
        }

        clear() {
            this.query = "";
            this.matches = [];
            this.at = -1;
        }

        /* All words have to occur. */
        find(query) {
            const words = fold(query).split(/\s+/).filter(Boolean);
            this.query = query;
            this.at = -1;
            this.matches = words.length
                ? this.graph.nodes.filter((node) =>
                      words.every((word) => this.texts[node.id].includes(word)),
                  )
                : [];
        }

        /* The match after or before the present one, around the ends. */
        move(by) {
            const { length } = this.matches;
            if (!length) return null;
            this.at = this.at < 0 ? (by > 0 ? 0 : length - 1) : (this.at + by + length) % length;
            return this.matches[this.at];
        }

        get inWords() {
            if (!this.query.trim()) return "";
            if (!this.matches.length) return explorer.say("foundNone");
            if (this.at >= 0)
                return explorer.say("foundAt", { i: this.at + 1, n: this.matches.length });
            return this.matches.length === 1
                ? explorer.say("foundOne")
                : explorer.say("foundSome", { n: this.matches.length });
        }
    };
})();
