// All tasks of a panel as a row of numbers, which says how it stands with each, and opens any.

const STANDINGS = {
  answered: ["✓", "answered"],
  changed: ["✓…", "answered, and changed since: Next keeps the change"],
  earlier: ["↻", "answered in an earlier form of this panel"],
  skipped: ["–", "skipped"],
  draft: ["…", "begun"],
  todo: ["", "to do"],
};

/**
 * The row. standing(task): {how, isFlagged, isUnsure, isClosed}, `how` one of STANDINGS; current(): the task on the
 * screen; open(task) puts another there; back() gives the keyboard back to the panel.
 */
function makeStrip({ name, tasks, standing, open, back, current, hasKeys }) {
  let typed = ""; // digits of a number on their way
  const buttons = tasks.map((task) => h("button", { type: "button", onclick: () => open(task) }));
  const list = h("ol", {}, buttons.map((one) => h("li", {}, one)));
  const node = h("nav", { class: "strip", "aria-label": `${name}: all tasks`, hidden: tasks.length < 2,
    onfocusout: (event) => node.contains(event.relatedTarget) || (typed = "") }, list, hasKeys && h("span", { class: "hint" }, kbd("p"), " back, ", kbd("o"), " any"));
  const place = () => Math.max(0, tasks.indexOf(current()));

  function wordsFor(task) {
    const { how, isFlagged, isUnsure } = standing(task);
    const parts = [STANDINGS[how][1], isFlagged && "flagged", isUnsure && "not sure"].filter(Boolean);
    return `${tasks.indexOf(task) + 1} of ${tasks.length}: ${parts.join(", ")}. ${task.prompt.text}`;
  }

  function refresh() {
    const tabStop = buttons.find((one) => one === document.activeElement) ?? buttons[place()];
    tasks.forEach((task, i) => {
      const { how, isFlagged, isUnsure, isClosed } = standing(task);
      const one = buttons[i];
      const text = `${i + 1}${STANDINGS[how][0]}${isFlagged ? "!" : ""}${isUnsure ? "?" : ""}`;
      if (one.textContent !== text) one.textContent = text;
      one.className = `${how}${isFlagged ? " flagged" : ""}`;
      one.title = wordsFor(task);
      one.setAttribute("aria-label", one.title);
      one.disabled = isClosed;
      one.tabIndex = one === tabStop ? 0 : -1;
      if (task === current()) one.setAttribute("aria-current", "step");
      else one.removeAttribute("aria-current");
    });
  }

  function focus(i) {
    const one = buttons[Math.min(Math.max(i, 0), buttons.length - 1)];
    one.focus({ preventScroll: true });
    bringIntoView(one);
    refresh();
  }

  /** Scroll the row, if it is so long that it scrolls, and nothing else. */
  function bringIntoView(one) {
    const [top, bottom] = [one.offsetTop, one.offsetTop + one.offsetHeight];
    if (top < list.scrollTop) list.scrollTop = top - 4;
    else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom + 4 - list.clientHeight;
  }

  /** Arrows and numbers move along the row; true if the key meant something. */
  function key(event, key) {
    const i = buttons.indexOf(event.target);
    if (i < 0 || event.ctrlKey || event.metaKey || event.altKey) return false;
    const to = { ArrowLeft: i - 1, ArrowUp: i - 1, ArrowRight: i + 1, ArrowDown: i + 1, Home: 0, End: buttons.length - 1 }[key];
    if (to !== undefined) return (typed = ""), focus(to), true;
    if (key === "Escape") return back(), true;
    if (!/^\d$/.test(key)) return false;
    typed = Number(typed + key) <= tasks.length ? typed + key : key;
    return Number(typed) > 0 && focus(Number(typed) - 1), true;
  }

  return { node, refresh, key, wordsFor, focus: () => focus(place()), follow: () => bringIntoView(buttons[place()]) };
}
