/* The steps: the start, every box forward, every box with a gradient backward; and playing them. */
(() => {
    "use strict";
    const explorer = (window.explorer ??= {});

    const INTERVAL = 1600; // ms at normal speed

    explorer.Player = class {
        constructor(changed) {
            this.changed = changed;
            this.position = 0;
            this.looked = null;
            this.speed = 1;
            this.timer = null;
        }

        /* The steps of a view; the present one stays at its box, or the one that holds it. */
        enter(view, kept = null) {
            const steps = [{ phase: "start", index: -1, box: null, count: 0 }];
            for (const phase of ["forward", "backward"]) {
                view[phase].forEach((box, index) =>
                    steps.push({ phase, index, box, count: view[phase].length }),
                );
            }
            this.view = view;
            this.steps = steps;
            this.position = kept ? this.find(kept.phase, view.boxOf.get(kept.node)) : 0;
            this.looked = null;
        }

        get step() {
            return this.steps[this.position];
        }

        /* The step of a box in a phase, or the nearest one that there is. */
        find(phase, box) {
            const exact = this.steps.findIndex((step) => step.phase === phase && step.box === box);
            return exact >= 0
                ? exact
                : Math.max(
                      this.steps.findIndex((step) => step.box === box),
                      0,
                  );
        }

        /* What identifies the present step when boxes change: its phase and a node. */
        get kept() {
            const { phase, box } = this.step;
            return box ? { phase, node: (box.node ?? box.nodes.at(-1)).id } : null;
        }

        to(position) {
            this.position = Math.min(Math.max(position, 0), this.steps.length - 1);
            this.looked = null;
            this.changed();
        }

        /* Go to the step of a box in this phase; one without such a step is only looked at. */
        jump(box) {
            const phase = this.step.phase === "backward" ? "backward" : "forward";
            const position = this.steps.findIndex(
                (step) => step.phase === phase && step.box === box,
            );
            if (position >= 0) this.to(position);
            else this.look(box);
        }

        look(box) {
            this.looked = box;
            this.changed();
        }

        toBackward() {
            this.to(this.view.forward.length + 1);
        }

        get playing() {
            return this.timer !== null;
        }

        play() {
            if (this.position === this.steps.length - 1) this.position = 0;
            this.wait();
            this.changed();
        }

        wait() {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => {
                const last = this.position + 1 >= this.steps.length - 1;
                if (last) this.timer = null;
                else this.wait();
                this.to(this.position + 1);
            }, INTERVAL / this.speed);
        }

        pause() {
            clearTimeout(this.timer);
            this.timer = null;
            this.changed();
        }
    };
})();
