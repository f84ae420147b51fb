// Write: compose a list of five. A draft is the five lines as typed; it is recorded after each pause in typing, and
// when the panel calls `flush`.

const LINES = 5;
const LONGEST = 80; // characters
const MOST = 1000; // a longer line is cut: it could not be saved

/** What is wrong with each line, in words; empty where nothing is. The same rules as topfive.lists, and manners. */
function lineProblems(lines) {
  const plain = lines.map((line) => line.trim().toLowerCase().replace(/\s+/g, " ").replace(/\.+$/, ""));
  return lines.map((line, i) => {
    if (!plain[i]) return "empty";
    if (plain.indexOf(plain[i]) < i) return `the same as line ${plain.indexOf(plain[i]) + 1}`;
    if (/^\d+[.)]/.test(plain[i])) return "numbers are added for you";
    if (plain[i].length > LONGEST) return `longer than ${LONGEST} characters`;
    if (/\S+@\S+\.\S+|\+?\d[\d ()-]{7,}\d/.test(plain[i])) return "looks like personal data";
    return "";
  });
}

export default panel(() => ({
  noun: "list",
  typing: true,
  start: () => Array(LINES).fill(""),
  read: (task, draft) => (Array.isArray(draft) && draft.length === LINES ? draft : null),
  isWhole: () => true,

  ask() {
    return ["Write five different things, best first. ", kbd("↵"), " goes to the next line, ", kbd("Alt"), "+", kbd("↑"), kbd("↓"), " moves a line, ",
      kbd("Ctrl"), "+", kbd("↵"), " is done."];
  },

  body(task, draft, act) {
    const lines = [...draft];
    let timer = null;
    const flush = () => {
      if (timer === null) return;
      clearTimeout(timer);
      timer = null;
      act([...lines], "", { redraw: false });
    };
    const problems = Array.from({ length: LINES }, (_, i) => h("span", { class: "problem", id: `problem-${task.id}-${i}` }));
    const check = () => lineProblems(lines).forEach((problem, i) => {
      problems[i].textContent = problem === "empty" ? "" : problem;
      inputs[i].setAttribute("aria-invalid", String(Boolean(problem) && problem !== "empty"));
    });
    const inputs = lines.map((line, i) => {
      const field = h("input", { type: "text", maxlength: MOST, "data-focus": `line ${i}`, "aria-label": `line ${i + 1}`, autocomplete: "off",
        "aria-describedby": `problem-${task.id}-${i}`, oninput: (event) => {
          lines[i] = event.target.value;
          clearTimeout(timer);
          timer = setTimeout(flush, TYPING_PAUSE);
          check();
        }, onblur: flush });
      field.value = line;
      return field;
    });
    const swap = (i, to) => {
      flush();
      const [next, words] = moveLine(lines, i, to);
      act(next, words);
    };
    const row = (field, i) => h("div", { class: "line", "data-card": i },
      h("span", { class: "handle", "data-handle": true, "aria-hidden": "true" }, "⋮⋮"), h("span", { class: "key" }, String(i + 1)), field,
      h("button", { type: "button", "aria-label": `Move line ${i + 1} up`, "data-focus": `up ${i}`, disabled: i === 0, onclick: () => swap(i, i - 1) }, "▲"),
      h("button", { type: "button", "aria-label": `Move line ${i + 1} down`, "data-focus": `down ${i}`, disabled: i === LINES - 1, onclick: () => swap(i, i + 1) }, "▼"),
      problems[i]);
    check();
    return Object.assign(h("div", { class: "lines" }, inputs.map(row)), { flush });
  },

  move(task, draft, line, to) {
    return moveLine(draft, line, to);
  },

  key(event, key, task, draft, act) {
    const root = event.target.closest(".topfive");
    const fields = [...root.querySelectorAll(".line input")];
    const at = fields.indexOf(event.target);
    const step = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (at < 0 || event.ctrlKey || event.metaKey) return false;
    if (step && event.altKey) {
      const to = at + step;
      if (to < 0 || to >= LINES) return true;
      event.target.closest(".lines").flush();
      const [next, words] = moveLine(fields.map((field) => field.value), at, to);
      act(next, words);
      root.querySelector(`[data-focus="line ${to}"]`)?.focus();
      return true;
    }
    if (key !== "Enter" || event.shiftKey) return false;
    fields[Math.min(at + 1, LINES - 1)].focus();
    return true;
  },

  answer(task, draft) {
    const problems = lineProblems(draft);
    const first = problems.findIndex((problem) => problem);
    if (first >= 0) return `Line ${first + 1}: ${problems[first]}.`;
    return { texts: [draft.map((line, i) => `\n${i + 1}. ${line.trim().replace(/\s+/g, " ")}`).join("")] };
  },
}));

function moveLine(lines, from, to) {
  const next = [...lines];
  next.splice(to, 0, ...next.splice(from, 1));
  return [next, `line ${from + 1} is now line ${to + 1}`];
}
