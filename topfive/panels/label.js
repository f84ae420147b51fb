// Label: one list, one of a few named labels. The task brings question and labels. A draft is {label}, a name.

const label = {
  noun: "label",
  start: () => ({ label: null }),
  read: (task, draft) => (task.labels.includes(draft.label) ? draft : null),
  isWhole: () => true,

  ask(task) {
    return [`${task.question} Press `, kbd("1"), "–", kbd(String(task.labels.length)), " or use the arrows, then ", kbd("↵"), ". ", kbd("u"), " to undo."];
  },

  body(task, draft, act) {
    const option = (name, i) => h("button", { type: "button", role: "radio", "aria-checked": String(draft.label === name), "data-focus": `label ${i + 1}`,
      tabindex: draft.label === name || (draft.label === null && i === 0) ? 0 : -1,
      onclick: () => act({ label: name }, name) }, h("span", { class: "key" }, String(i + 1)), ` ${name}`);
    return h("div", {}, h("div", { class: "cards" }, h("article", { class: "card" }, listOf(task.texts[0]))),
      h("div", { class: "scale", role: "radiogroup", "aria-label": task.question }, task.labels.map(option)));
  },

  key(event, key, task, draft, act) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[key];
    const last = task.labels.length - 1;
    const now = task.labels.indexOf(draft.label);
    const asked = step ? Math.min(last, Math.max(0, now < 0 ? 0 : now + step)) : /^[1-9]$/.test(key) ? Number(key) - 1 : NaN;
    if (!(asked <= last)) return false;
    const name = task.labels[asked];
    const root = event.target.closest(".topfive");
    act({ label: name }, name);
    if (event.target.matches("[role=radio]")) root.querySelector("[aria-checked=true]")?.focus();
    return true;
  },

  answer(task, draft) {
    if (!task.labels.includes(draft.label)) return "Choose one of the labels.";
    return { label: draft.label, labels: task.labels, question: task.question };
  },
};

export default panel(() => label);
