// Pages that show what a test lays before them, in place of what the server sends: every state can be looked at for
// as long as that takes. All else is the server's.

export function staging() {
  const stages = [];
  window.EventSource = class extends EventTarget {
    readyState = 1;

    constructor(path) {
      super();
      stages.push({ path, source: this });
    }

    close() {
      this.readyState = 2;
    }
  };
  // Shows a view to whoever follows this path, as an event of this name.
  window.stage = (path, event, view) => {
    const data = JSON.stringify(view);
    for (const stage of stages.filter((one) => one.path === path)) stage.source.dispatchEvent(new MessageEvent(event, { data }));
  };
  window.isStaged = (path) => stages.some((one) => one.path === path);
  window.unstage = () => stages.forEach(({ source }) => source.dispatchEvent(new Event("error")));
}
