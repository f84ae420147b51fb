// What all panels share. topfive/panels/base.py puts this file before the panel's own, as one ES module.
//
// A gesture becomes an event. The event is queued in the browser and counted as "not yet saved", then sent; only the
// kernel's answer after fsync takes it out of the queue. All state is a replay of events: the kernel's and the queue's.

const RESEND_AFTER = 4000; // ms without an answer before the queue is sent again
const PATIENCE = 2500; // ms before the panel says that the kernel does not answer
const BATCH = 50; // events a message
const WORDS_PER_MINUTE = 230; // silent reading of English, Brysbaert 2019
const UNDOABLE = new Set(["draft", "remark", "answer", "skip", "flag"]);
const TYPING_PAUSE = 400; // ms after which what was typed is an event
const LETTERS = "abcdef";
const PRESSES = "button:not([role=radio]), summary"; // what Enter presses if it has the keyboard

/** An element with attributes, `on…` listeners and children. Text is always text, never markup. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** 32 random hexadecimal digits. (crypto.randomUUID exists on secure origins only.) */
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

const ordinal = (n) => n + (["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? "th");
const questionOf = (words) => h("span", { class: "question" }, words);
const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** The lines of a list as the model wrote them, numbers included. */
function listOf(text) {
  const lines = text.trim().split("\n");
  return h("ol", {}, lines.map((line) => {
    const match = line.match(/^\s*(\d+)\.\s*(.*)$/);
    return match ? h("li", { value: match[1] }, match[2]) : h("li", { class: "unnumbered" }, line || "(an empty line)");
  }));
}

// ---- the queue -------------------------------------------------------------------------------------------------------

const onThisPage = (globalThis.topfivePending ??= new Map()); // storage key -> event; what other pages left is read into it
const disk = (globalThis.topfiveDisk ??= openDisk());

/** The browser's database, whose writes can be forced to disk: what is in it survives a browser that is killed. */
function openDisk() {
  const opened = new Promise((resolve) => {
    try {
      const request = indexedDB.open("topfive", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("events");
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => resolve(null);
    } catch {
      resolve(null); // switched off
    }
  });
  /** Whether the change is on disk. */
  const change = async (work) => {
    const database = await opened;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction("events", "readwrite", { durability: "strict" });
        transaction.oncomplete = () => resolve(true);
        transaction.onabort = () => resolve(false);
        work(transaction.objectStore("events"));
      } catch {
        resolve(false);
      }
    });
  };
  return {
    put: (key, event) => change((store) => store.put(event, key)),
    remove: (key) => change((store) => store.delete(key)),
    /** All that is there, as [key, event]. */
    async all() {
      const found = [];
      await change((store) => (store.openCursor().onsuccess = ({ target: { result: cursor } }) => {
        if (!cursor) return;
        found.push([cursor.key, cursor.value]);
        cursor.continue();
      }));
      return found;
    },
  };
}

/**
 * Events on their way, each under a key of its own: in localStorage, where other tabs see it at once, and on disk. They
 * survive a reload, a killed kernel, a re-run cell and a killed browser. A key begins with whose they are: the ledger's
 * id, or while the ledger cannot be written its place (folder and person), so that they reach no other ledger.
 */
function openQueue(name, place) {
  let scopes = [place];
  const kept = new Set(); // ids that are on disk
  const storageKey = (scope, id) => `topfive|${scope}|${name}|${id}`;
  const isOurs = (key) => scopes.some((scope) => key.startsWith(storageKey(scope, "")));
  const isElsewhere = (key) => !isOurs(key) && key.startsWith("topfive|") && key.split("|").slice(2, -1).join("|") === name;
  const inStorage = (isWanted) => {
    try {
      return Object.keys(localStorage).filter(isWanted);
    } catch {
      return [];
    }
  };
  const parsed = (key) => {
    try {
      const event = JSON.parse(localStorage.getItem(key));
      return typeof event?.id === "string" ? event : null;
    } catch {
      return null;
    }
  };
  const matching = (isWanted) => {
    const found = new Map();
    for (const key of inStorage(isWanted)) {
      const event = parsed(key);
      if (event) found.set(event.id, event);
    }
    for (const [key, event] of onThisPage) if (isWanted(key)) found.set(event.id, event);
    return [...found.values()].sort((a, b) => a.at - b.at);
  };
  return {
    refused: new Set(), // ids that neither storage nor disk took: they live in this page only
    kept,
    of(ledger) {
      scopes = ledger === "new" ? [place] : [ledger, place];
    },
    async load() {
      for (const [key, event] of await disk.all()) {
        onThisPage.set(key, event);
        kept.add(event.id);
      }
    },
    async add(event) {
      const key = storageKey(scopes[0], event.id);
      onThisPage.set(key, event);
      let isStored = true;
      try {
        localStorage.setItem(key, JSON.stringify(event));
      } catch {
        isStored = false;
      }
      if (await disk.put(key, event)) kept.add(event.id);
      else if (!isStored) this.refused.add(event.id);
    },
    remove(id) {
      for (const key of scopes.map((scope) => storageKey(scope, id))) {
        let isHere = onThisPage.delete(key);
        try {
          isHere ||= localStorage.getItem(key) !== null;
          localStorage.removeItem(key);
        } catch {} // storage is switched off; the page's copy is gone
        if (isHere) disk.remove(key);
      }
    },
    /** Every unsaved event of this panel, those of other tabs too, oldest first. */
    events: () => matching(isOurs),
    /** What waits in this browser for a ledger that is not this one. */
    elsewhere: () => matching(isElsewhere),
    /** Another tab has removed this key. What is ours stays until our own kernel says that it has it. */
    removed(key) {
      if (isElsewhere(key)) onThisPage.delete(key);
    },
  };
}

// ---- replay ----------------------------------------------------------------------------------------------------------

/** The events about these tasks, or about none; of undo and redo those whose event is among them. */
function about(tasks, events) {
  const ids = new Set(tasks.map((task) => task.id));
  const known = new Set();
  return events.filter((event) => {
    const isTaken = event.kind === "undo" || event.kind === "redo" ? known.has(event.of) : event.task === undefined || ids.has(event.task);
    if (isTaken) known.add(event.id);
    return isTaken;
  });
}

/** What a sequence of events amounts to. Undo and redo name the event they are `of`; a reveal is of certain tasks. */
function replay(events, tasks = []) {
  const undone = new Set();
  let redoable = [];
  for (const event of events) {
    if (event.kind === "undo") {
      undone.add(event.of);
      redoable.push(event.of);
    } else if (event.kind === "redo") {
      undone.delete(event.of);
      redoable = redoable.filter((id) => id !== event.of);
    } else if (UNDOABLE.has(event.kind)) redoable = [];
  }
  const live = events.filter((event) => event.kind !== "undo" && event.kind !== "redo" && !undone.has(event.id));
  const state = { drafts: {}, remarks: {}, answers: {}, changed: new Set(), skips: {}, flags: {}, side: null, reveal: null };
  for (const event of live) {
    if (event.kind === "draft" || event.kind === "remark") state.changed.add(event.task);
    if (event.kind === "draft") state.drafts[event.task] = event.draft;
    else if (event.kind === "remark") state.remarks[event.task] = event;
    else if (event.kind === "answer") {
      state.answers[event.task] = event;
      state.changed.delete(event.task);
    }
    else if (event.kind === "skip") state.skips[event.task] = event;
    else if (event.kind === "flag") state.flags[event.task] = event;
    else if (event.kind === "side") state.side = event.on;
    else if (event.kind === "reveal" && tasks.every((task) => task.id in (event.policies ?? {}))) state.reveal = event;
  }
  state.undo = live.findLast((event) => UNDOABLE.has(event.kind));
  state.redo = events.find((event) => event.id === redoable.at(-1));
  return state;
}

// ---- keys ------------------------------------------------------------------------------------------------------------

/**
 * The key that is meant, on any keyboard: a letter in lower case whether or not Caps Lock is on, the letter's place where
 * the layout has other letters (Russian), the digit where it needs Shift (French).
 */
function keyOf({ key, code, shiftKey }) {
  if (key.length > 1) return key; // Enter, ArrowUp …
  if (/^[a-z0-9!?=]$/i.test(key)) return key.toLowerCase();
  if (!shiftKey && /^Digit\d$/.test(code)) return code.at(-1);
  if (key > "\x7f" && /^Key[A-Z]$/.test(code)) return code.at(-1).toLowerCase();
  return key;
}

// ---- a notebook that is opened later, with no kernel -----------------------------------------------------------------

const WIDGETS = "application/vnd.jupyter.widget-state+json";
const VIEW = "application/vnd.jupyter.widget-view+json";

/**
 * Keep a table under this widget's id in the notebook's metadata, where JupyterLab looks for widgets that no kernel
 * knows: whoever opens the saved notebook reads it instead of an error. Tables of panels that are gone leave.
 */
function leaveTable(manager, id, table) {
  const notebook = manager?.context?.model;
  if (!notebook?.setMetadata || !id) return; // another front end
  const shown = new Set();
  for (const cell of notebook.cells) {
    for (let n = 0; n < (cell.outputs?.length ?? 0); n++) shown.add(cell.outputs.get(n).data?.[VIEW]?.model_id);
  }
  const all = notebook.getMetadata("widgets") ?? {};
  const old = all[WIDGETS]?.state ?? {};
  if (old[id]?.state?.value === table) return;
  const isGone = (key) => key.startsWith("topfive-") || (old[key].state?._dom_classes?.includes("topfive-table") && !shown.has(key));
  const state = Object.fromEntries(Object.entries(old).filter(([key]) => !isGone(key)));
  const model = (name, module, fields) => ({ model_name: name, model_module: `@jupyter-widgets/${module}`, model_module_version: "2.0.0", state: fields });
  state["topfive-layout"] = model("LayoutModel", "base", {});
  state["topfive-style"] = model("HTMLStyleModel", "controls", {});
  state[id] = model("HTMLModel", "controls",
    { value: table, layout: "IPY_MODEL_topfive-layout", style: "IPY_MODEL_topfive-style", _dom_classes: ["topfive-table"] });
  notebook.setMetadata("widgets", { ...all, [WIDGETS]: { version_major: 2, version_minor: 0, state } });
}

// ---- dragging --------------------------------------------------------------------------------------------------------

/** Let [data-card] elements of `container` be dragged by mouse anywhere, by touch or pen at [data-handle]. */
function makeSortable(container, onDrop, drag) {
  // A finger that lets go while it moves is a fling to the browser, which then swallows the next tap, "Next" perhaps.
  container.addEventListener("touchmove", (event) => drag.active && event.preventDefault(), { passive: false });
  container.addEventListener("pointerdown", (down) => {
    const card = down.target.closest("[data-card]");
    const handle = down.target.closest("[data-handle]");
    if (!card || down.button !== 0 || down.target.closest("button, input") || (down.pointerType !== "mouse" && !handle)) return;
    const others = [...container.querySelectorAll("[data-card]")].filter((other) => other !== card);
    const boxes = others.map((other) => other.getBoundingClientRect());
    const column = new Set(boxes.map((box) => Math.round(box.left))).size === 1;
    const isBefore = (box, x, y) =>
      column ? y > box.top + box.height / 2 : y > box.bottom || (y > box.top && x > box.left + box.width / 2);
    let to = null;
    const move = (event) => {
      const [dx, dy] = [event.clientX - down.clientX, event.clientY - down.clientY];
      if (!drag.active && Math.hypot(dx, dy) < 6) return;
      if (!drag.active) {
        drag.active = true;
        card.setPointerCapture(down.pointerId);
        card.classList.add("dragging");
      }
      event.preventDefault();
      card.style.transform = `translate(${dx}px, ${dy}px)`;
      to = boxes.filter((box) => isBefore(box, event.clientX, event.clientY)).length;
      others.forEach((other, index) => {
        other.classList.toggle("drop-before", index === to);
        other.classList.toggle("drop-after", index === to - 1 && to === others.length);
      });
    };
    const end = (event) => {
      for (const [name, listener] of listeners) window.removeEventListener(name, listener);
      if (!drag.active) return;
      drag.active = false;
      card.classList.remove("dragging");
      card.style.transform = "";
      others.forEach((other) => other.classList.remove("drop-before", "drop-after"));
      const swallow = (click) => click.stopPropagation(); // the click that ends a drag is no click
      window.addEventListener("click", swallow, true);
      setTimeout(() => window.removeEventListener("click", swallow, true));
      onDrop(Number(card.dataset.card), event.type === "pointerup" ? to : null);
    };
    const listeners = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
    for (const [name, listener] of listeners) window.addEventListener(name, listener);
  });
}

// ---- the panel -------------------------------------------------------------------------------------------------------

/**
 * A widget from what `kindOf(config)` says of one kind of task; `config.question`, if there is one, takes the place of
 * the usual question.
 *   noun                       what one answer is called
 *   typing                     whether the answer is typed, so that letters are no keys
 *   start(task)                the draft before the first gesture
 *   read(task, draft)          a kept draft, in this kind's form; null if it was made by another form of the panel
 *   ask(task, draft)           the question and its keys, as nodes
 *   body(task, draft, act)     what is judged, as a node; `act(draft, words, options)` records a gesture
 *   key(event, key, task, draft, act)   handle a key (`keyOf` has named it); true if it meant something
 *   move(task, draft, card, to)    the draft after a drag, if cards can be dragged
 *   answer(task, draft)        what goes into the answer event, or a sentence about what is missing
 *   further(draft)             the draft with the next question on the screen, if there is one more to ask
 *   reopened(draft)            the draft of an answer that is opened again, if it differs
 *   isWhole(event)             whether an answer event says all that is asked
 */
function panel(kindOf) {
  return {
    render({ model, el }) {
      const config = model.get("config");
      const first = kindOf(config);
      return show(config.also ? askedTwice(first, kindOf({ ...config, question: config.also }), config.also) : first, model, el);
    },
  };
}

function show(kind, model, el) {
  const config = model.get("config");
  const tasks = model.get("tasks");
  const queue = openQueue(`${config.assignment}|${config.name}`, config.place);
  let ledger = config.ledger;
  queue.of(ledger);
  const drag = { active: false };
  const saved = new Map(); // id -> event, in the ledger's order
  let greeted = false; // whether the kernel has told what the ledger holds
  let isDiskRead = false; // whether the browser's disk has told what still waits
  let isPatient = true; // whether to wait for that before the first task is shown
  const isReady = () => greeted && (isDiskRead || !isPatient);
  let trouble = ""; // why the kernel could not save
  let sentAt = null; // when the events or the greeting now under way were sent last
  let waitingSince = null; // since when there is no answer to them
  let sideRows = null; // the small model's view of the lists just judged
  let revealed = null; // the table of who was who
  let wantsReveal = false;
  const unfit = new Set(); // ids of events that no ledger could ever take
  let flagging = null; // the task that the open flag form is about
  let input = "key"; // how the last gesture was made
  let lastTime = 0;
  const visibleSince = () => (document.hidden ? null : performance.now());
  let clock = { task: null, spent: 0, since: visibleSince() };
  const spentBefore = new Map(); // task id -> ms on the screen before another task was opened
  let state = replay([]);
  let pending = []; // events that are not yet saved
  let current = null;
  let opened = null; // the task that was opened out of turn, answered or not
  let composing = false; // whether an input method is at work in a text field

  // -- parts of the page
  const title = h("h3");
  const progressText = h("span", { class: "n" });
  const bar = h("div", { class: "bar", role: "progressbar", "aria-label": "progress", "aria-valuemin": 0 }, h("i"));
  const back = () => root.focus({ preventScroll: true });
  const strip = makeStrip({ name: config.name, tasks, standing, open, back, current: () => current, hasKeys: !kind.typing });
  const earlier = h("p", { class: "note earlier", hidden: true });
  const ask = h("p", { class: "ask" });
  const body = h("div", { class: "body" });
  const guidelines = h("aside", { class: "guidelines", "aria-label": "Guidelines", hidden: true }, paragraphs(config.guidelines));
  const remarks = makeRemarks({ kept: remarkOn, keep: remark, next, back, isOff: () => Boolean(kind.typing) || !current });
  const flagForm = makeFlagForm();
  const status = h("span", { class: "saved" });
  const live = h("div", { class: "sr", "aria-live": "polite" });
  const side = h("section", { class: "side", "aria-label": "What your clicks say so far", hidden: true });
  const button = (text, action, attributes) => h("button", { type: "button", onclick: action, ...attributes }, text);
  const buttons = {
    next: button(kind.typing ? "Next Ctrl+↵" : "Next ↵", next, { class: "go", "aria-keyshortcuts": kind.typing ? "Control+Enter" : "Enter" }),
    undo: button("Undo", undo, { "data-fast": true, "aria-keyshortcuts": "u Control+z" }),
    redo: button("Redo", redo, { "data-fast": true, "aria-keyshortcuts": "r Control+Shift+z" }),
    skip: button("Skip", skip, { "aria-keyshortcuts": "s" }),
    flag: button("Flag…", openFlag, { "aria-keyshortcuts": "!" }),
    guidelines: button("Guidelines", toggleGuidelines, { "aria-expanded": "false", "aria-keyshortcuts": "?" }),
    side: config.side && button("Side view", toggleSide, { "aria-pressed": "true", "aria-keyshortcuts": "v" }),
    download: button("Download unsaved", () => download(queue.events(), "unsaved"), { hidden: true }),
  };
  const elsewhereWords = h("span");
  const elsewhere = h("p", { class: "note elsewhere", hidden: true }, elsewhereWords, " ",
    button("Download those", () => download(queue.elsewhere(), "elsewhere")), " ", button("Dismiss", dismissElsewhere));
  const footer = h("footer", {}, Object.values(buttons), status);
  const main = h("div", { class: "main" }, body, guidelines);
  const root = h("section", { class: `topfive topfive-${config.type}`, tabindex: 0, "aria-label": `${config.name}: ${kind.noun}` },
    h("header", {}, title, progressText), bar, strip.node, earlier, ask, main, remarks.node, flagForm, footer, elsewhere, side, live);
  if (!config.guidelines) buttons.guidelines.hidden = true;
  el.replaceChildren(root);

  // -- events out
  function record(kindName, fields) {
    lastTime = Math.max(Date.now(), lastTime + 1);
    const event = { id: newId(), kind: kindName, panel: config.name, at: lastTime, by: input, ...fields };
    queue.add(event).then(refresh);
    refresh();
    send();
    return event;
  }

  function send() {
    const waiting = queue.events();
    if (!greeted || isUnderWay()) return;
    if (waiting.length) {
      // In the order in which things were done; what can never be saved goes last and keeps nothing waiting.
      const [hopeless, fit] = [waiting.filter(({ id }) => unfit.has(id)), waiting.filter(({ id }) => !unfit.has(id))];
      post({ type: "events", events: [...fit, ...hopeless].slice(0, BATCH) });
    } else if (wantsReveal && !revealed) post({ type: "reveal" });
  }

  const isUnderWay = () => sentAt !== null && Date.now() - sentAt < RESEND_AFTER;

  function post(message) {
    sentAt = Date.now();
    waitingSince ??= sentAt;
    try {
      model.send(message);
    } catch {} // a closed connection; the status says what to do, and the queue keeps what was to be sent
  }

  // -- messages in
  function receive(message) {
    if (message.type !== "side") sentAt = waitingSince = null;
    try {
      if (message.table) leaveTable(model.widget_manager, message.model, message.table);
    } catch (error) {
      console.warn("Top Five: the table of answers could not be left in the notebook", error); // the panel does without
    }
    if (message.type === "history") {
      queue.of((ledger = message.ledger));
      saved.clear();
      greeted = true;
      trouble = message.trouble;
      take(message.events);
      redraw();
    } else if (message.type === "saved") {
      trouble = message.refused.length ? message.refused[0].why : "";
      for (const { id, unfit: isUnfit } of message.refused) if (isUnfit) unfit.add(id);
      if (trouble && !message.events.length) sentAt = Date.now(); // try again later, not at once
      if (message.ledger !== "new") queue.of((ledger = message.ledger));
      const fromElsewhere = take(message.events);
      window.dispatchEvent(new CustomEvent("topfive-saved", { detail: { from: model, ledger, place: config.place, name: config.name, events: message.events } }));
      if (fromElsewhere) redraw();
      else refresh();
    } else if (message.type === "side") {
      sideRows = message;
      drawSide();
    } else if (message.type === "revealed") {
      revealed = message;
      draw();
    }
    send();
  }

  /** What another panel of this name has sent for this one, since they share a queue. */
  function onSaved({ detail }) {
    const isOurs = detail.ledger === ledger || (ledger === "new" && detail.place === config.place);
    if (detail.from === model || detail.name !== config.name || !isOurs) return;
    if (ledger === "new") {
      queue.of((ledger = detail.ledger));
      trouble = "";
    }
    take(detail.events);
    refresh();
    if (current && isDone(current) && !opened) redraw();
  }

  /** Count events as saved. Returns whether one of them was not made here. */
  function take(events) {
    const known = new Set([...queue.events().map((event) => event.id), ...saved.keys()]);
    for (const event of events) {
      saved.set(event.id, event);
      queue.remove(event.id);
    }
    return events.some((event) => !known.has(event.id) && event.at !== undefined);
  }

  // -- what is on the screen
  function refresh() {
    catchUp();
    say();
  }

  function catchUp() {
    pending = queue.events().filter((event) => !saved.has(event.id));
    state = replay(about(tasks, [...saved.values(), ...pending]), tasks);
  }

  function say() {
    const done = tasks.filter(isDone).length;
    const isLate = !isConnected() || (waitingSince !== null && Date.now() - waitingSince > PATIENCE);
    const clicks = about(tasks, [...saved.values()]).filter((event) => event.at !== undefined).length;
    sayProgress(done);
    strip.refresh();
    bar.setAttribute("aria-valuemax", tasks.length);
    bar.setAttribute("aria-valuenow", done);
    bar.firstChild.style.width = `${(100 * done) / tasks.length}%`;
    setStatus(clicks, isLate);
    buttons.undo.disabled = !state.undo || Boolean(state.reveal);
    buttons.redo.disabled = !state.redo || Boolean(state.reveal);
    const isOver = done === tasks.length && !opened;
    for (const name of ["next", "skip", "flag"]) buttons[name].disabled = isOver || !isReady();
    buttons.skip.textContent = current && state.answers[current.id] ? "Leave as it is" : "Skip";
    if (buttons.side) buttons.side.setAttribute("aria-pressed", String(sideIsOn()));
    drawSide();
  }

  function setStatus(clicks, isLate) {
    const advice = trouble || (isLate && "the kernel does not answer; if it was restarted, run this cell again");
    const isFragile = pending.some(({ id }) => queue.refused.has(id));
    const fragile = isFragile ? " (kept in this page only: your browser's storage is full or off)" : "";
    const allSaved = isDiskRead ? `✓ ${count(clicks, "click")} saved` : `${count(clicks, "click")} saved; still looking for what this browser kept …`;
    const text = pending.length ? `${pending.length} not yet saved${fragile}` : isReady() ? allSaved : "connecting …";
    const words = advice ? `${text} — ${advice}` : text;
    if (advice && status.textContent !== words) live.textContent = words;
    status.textContent = words;
    status.classList.toggle("wait", Boolean(pending.length || advice));
    status.dataset.ready = greeted && isDiskRead;
    status.dataset.pending = pending.length;
    status.dataset.kept = pending.filter(({ id }) => queue.kept.has(id)).length;
    status.dataset.saved = clicks;
    buttons.download.hidden = !pending.length;
    sayElsewhere();
  }

  /** Clicks for another ledger that wait in this browser go there by themselves, or by hand. */
  function sayElsewhere() {
    const [before, others] = [Number(elsewhere.dataset.count ?? 0), queue.elsewhere().length];
    if (others === before) return;
    elsewhere.dataset.count = others;
    elsewhere.hidden = !others || (elsewhere.hidden && others < before); // once dismissed, only more of them bring it back
    elsewhereWords.textContent = `${count(others, "click")} for another ledger (another folder, or another person's) still wait${others === 1 ? "s" : ""} in this browser, to be saved when that notebook runs again.`;
  }

  /** On this page only, and the clicks wait on. */
  function dismissElsewhere() {
    elsewhere.hidden = true;
    root.focus({ preventScroll: true });
  }

  function isConnected() {
    return el.closest(".jupyter-widgets-disconnected") === null;
  }

  const isWhole = (answer) => Boolean(answer) && kind.isWhole(answer);
  const isDone = (task) => isWhole(state.answers[task.id]) || Boolean(state.skips[task.id]);
  const sideIsOn = () => Boolean(config.side) && (state.side ?? true);

  function sayProgress(done) {
    const where = current ? tasks.indexOf(current) + 1 : done + 1;
    const how = current && isWhole(state.answers[current.id]) ? "answered; Next keeps a change" : timeLeft();
    progressText.textContent = done < tasks.length || opened
      ? `${kind.noun} ${where} of ${tasks.length} · ${how}` : `${count(tasks.length, kind.noun)}, all done`;
    const before = tasks.filter((task) => state.answers[task.id] && !isWhole(state.answers[task.id])).length;
    earlier.hidden = !before;
    earlier.textContent = `${count(before, "answer")} here ${before === 1 ? "was" : "were"} given to an earlier form of this panel, which asked something else. ${before === 1 ? "It is kept, and its task is" : "They are kept, and their tasks are"} asked again.`;
  }

  function timeLeft() {
    const left = tasks.filter((task) => !isDone(task));
    const times = Object.values(state.answers).map((event) => event.seconds).filter(Number.isFinite).slice(-10).sort((a, b) => a - b);
    const seconds = times.length >= 3
      ? times[Math.floor(times.length / 2)] * left.length
      : (left.reduce((sum, task) => sum + task.words, 0) / WORDS_PER_MINUTE) * 60;
    const minutes = Math.round(seconds / 60);
    return minutes < 1 ? "less than a minute left" : `about ${count(minutes, "minute")} left`;
  }

  /** Draw again what others have changed, but not under a hand that drags or an input method at work. */
  function redraw() {
    if (drag.active || composing) refresh();
    else draw();
  }

  function draw() {
    flush();
    catchUp();
    const held = root.contains(document.activeElement) && document.activeElement;
    const focus = held && held.closest("[data-focus]")?.dataset.focus;
    current = isReady() ? opened ?? tasks.find((task) => !isDone(task)) : undefined;
    const isNew = (current?.id ?? null) !== clock.task;
    if (isNew) turnClock();
    say();
    if (!isReady()) {
      body.replaceChildren(h("p", { class: "note" }, "Reading your ledger …"));
    } else if (!current) {
      title.textContent = "All done, thank you";
      ask.replaceChildren();
      body.replaceChildren(farewell());
    } else {
      title.textContent = sentence(current.prompt.text);
      ask.replaceChildren(...kind.ask(current, draft()));
      ask.classList.toggle("second", Boolean(draft().asks));
      body.replaceChildren(kind.body(current, draft(), act));
      body.classList.toggle("flagged", Boolean(state.flags[current.id]));
    }
    remarks.refresh();
    strip.follow();
    if (held) keepFocus(held, isNew ? null : focus); // the place of the keyboard in one task means nothing in the next
  }

  /** The keyboard stays in the panel: outside it, the next letter would be a command to the notebook. */
  function keepFocus(held, name) {
    const target = root.querySelector(`[data-focus="${name}"]`) ?? held;
    if (root.contains(target) && !target.disabled) target.focus({ preventScroll: true });
    if (!root.contains(document.activeElement) || document.activeElement.disabled) root.focus({ preventScroll: true });
  }

  function draft() {
    const kept = state.drafts[current.id];
    const read = (kept instanceof Object && kind.read(current, kept)) || kind.start(current);
    const isReopened = state.answers[current.id] && !state.changed.has(current.id);
    return isReopened && kind.reopened ? kind.reopened(read) : read;
  }

  /** Make events of what has been typed since the last pause. */
  function flush() {
    body.firstChild?.flush?.();
    remarks.flush();
  }

  function act(newDraft, words, { redraw = true } = {}) {
    record("draft", { task: current.id, draft: newDraft });
    if (words) live.textContent = words;
    if (redraw) draw();
  }

  function drop(card, to) {
    if (to === null) return draw();
    const [newDraft, words] = kind.move(current, draft(), card, to);
    act(newDraft, words);
  }

  function farewell() {
    const skipped = Object.keys(state.skips).length;
    const parts = [h("p", { class: "note" }, `Every answer is in your ledger${skipped ? `; ${skipped} skipped` : ""}. Undo takes you back${tasks.length > 1 ? ", and the numbers above open any again" : ""}.`)];
    if (config.type === "blind") parts.push(...revealParts());
    return h("div", {}, parts);
  }

  function revealParts() {
    const reveal = () => {
      wantsReveal = true;
      send();
    };
    if (!state.reveal && !Object.keys(state.answers).length) return [h("p", { class: "note" }, "No pair was judged, so there is nobody to reveal.")];
    if (!state.reveal) return [button("Reveal who was who", reveal, { class: "go", "data-focus": "reveal" })];
    wantsReveal = true; // the table comes as soon as all answers are saved
    const rows = (revealed?.rows ?? []).map((row) => h("tr", {}, row.map((cell) => h("td", {}, String(cell)))));
    const head = h("tr", {}, ["policy", "better", "equal or both bad", "win rate (ties half)"].map((name) => h("th", { scope: "col" }, name)));
    return [h("table", {}, h("thead", {}, head), h("tbody", {}, rows))];
  }

  function drawSide() {
    const isShown = sideIsOn() && sideRows && state.answers[sideRows.task];
    side.hidden = !isShown;
    if (!isShown) return;
    const values = sideRows.rows.flatMap((row) => [row.low, row.high]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const at = (value) => `${2 + (96 * (value - low)) / (high - low || 1)}%`;
    side.replaceChildren(
      h("div", {}, h("h4", {}, "What your clicks say so far"),
        h("p", {}, `A small reward model, refitted just now on ${count(sideRows.n, "answer")}: its scores for what you judged last. Lines are 80 % intervals.`)),
      h("div", {}, sideRows.rows.map((row) => h("div", { class: "score" }, h("span", {}, row.label),
        h("div", { class: "track" }, h("i", { style: `left:${at(row.low)};right:calc(100% - ${at(row.high)})` }), h("b", { style: `left:${at(row.mean)}` })),
        h("span", { class: "value" }, row.mean.toFixed(1).replace("-", "−"))))));
  }

  // -- gestures that all kinds share
  function next() {
    if (!current) return;
    flush();
    const answer = kind.answer(current, draft());
    if (typeof answer === "string") {
      live.textContent = answer;
      const note = h("p", { class: "note missing" }, answer);
      body.querySelector(".missing")?.remove();
      body.append(note);
      return;
    }
    const further = kind.further?.(draft());
    if (further) return act(further, `Second question: ${config.also}`);
    record("answer", { type: config.type, of: config.of, ...asked(current), seconds: secondsSpent(), side: sideIsOn(), ...answer, ...remarks.fields() });
    onward();
    live.textContent = current ? `Noted. Next: ${current.prompt.text}` : "Noted. All done.";
  }

  function asked(task) {
    return { task: task.id, prompt: task.prompt, texts: task.texts, shown: task.shown, repeat_of: task.repeat_of,
      ...(Number.isInteger(task.suggested) && { suggested: task.suggested }) };
  }

  /** Go on with the first task that has no answer yet. */
  function onward() {
    spentBefore.delete(current.id);
    clock = { task: null, spent: 0, since: null };
    opened = null;
    draw();
    if (kind.typing) root.querySelector("[data-focus='line 0']")?.focus({ preventScroll: true }); // a list begins at its top
  }

  /** Put a task on the screen, whatever its turn. */
  function open(task) {
    if (!task || !isReady() || state.reveal) return;
    opened = task;
    draw();
    root.focus({ preventScroll: true });
    live.textContent = `${strip.wordsFor(task)}. ${isWhole(state.answers[task.id]) ? "Next keeps a change." : ""}`;
  }

  function undo() {
    if (state.undo && !state.reveal) change("undo", state.undo);
  }

  function redo() {
    if (state.redo && !state.reveal) change("redo", state.redo);
  }

  function change(name, target) {
    flush();
    record(name, { of: target.id });
    const isSettled = name === "redo" && (target.kind === "answer" || target.kind === "skip");
    opened = isSettled ? null : tasks.find((task) => task.id === target.task); // what is taken back is seen
    draw();
    live.textContent = `${name === "undo" ? "Undone" : "Redone"}: ${{ draft: "a move", remark: "a remark" }[target.kind] ?? target.kind}`;
  }

  function skip() {
    if (!current) return;
    flush();
    const isAnswered = Boolean(state.answers[current.id]);
    if (!isAnswered) record("skip", { task: current.id, prompt: current.prompt, seconds: secondsSpent() });
    onward();
    live.textContent = isAnswered ? "Left as it is." : "Skipped.";
  }

  function previous() {
    open(tasks[(current ? tasks.indexOf(current) : tasks.length) - 1]);
  }

  /** How it stands with a task, for the row of all tasks. */
  function standing(task) {
    const answer = state.answers[task.id];
    const begun = state.changed.has(task.id);
    const how = answer ? (!isWhole(answer) ? "earlier" : begun ? "changed" : "answered") : state.skips[task.id] ? "skipped" : begun ? "draft" : "todo";
    return { how, isFlagged: Boolean(state.flags[task.id]), isUnsure: state.remarks[task.id]?.sure === false, isClosed: Boolean(state.reveal) };
  }

  /** How sure, and why, of the task on the screen. */
  function remarkOn() {
    const { sure = true, why = "" } = (current && state.remarks[current.id]) ?? {};
    return { sure, why };
  }

  function remark(change, words) {
    record("remark", { task: current.id, ...remarkOn(), ...change });
    if (words) live.textContent = words;
  }

  function makeFlagForm() {
    const reason = h("input", { type: "text", maxlength: 500, list: `reasons-${config.name}`, "aria-label": "What is wrong with it?" });
    const reasons = ["offensive or unsafe", "personal data", "not a list", "I cannot judge this"];
    return h("form", { class: "flag", hidden: true, onsubmit: (event) => {
      event.preventDefault();
      if (!reason.value.trim()) return reason.focus();
      record("flag", { task: flagging.id, prompt: flagging.prompt, reason: reason.value.trim() });
      reason.value = "";
      closeFlag();
      draw();
      live.textContent = "Flagged. You can still answer, or skip.";
    } }, h("label", {}, "What is wrong with it? ", reason), h("datalist", { id: `reasons-${config.name}` }, reasons.map((text) => h("option", { value: text }))),
      h("button", { type: "submit" }, "Flag"), h("button", { type: "button", onclick: closeFlag }, "Cancel"));
  }

  function openFlag() {
    if (!current) return;
    flagging = current;
    flagForm.hidden = false;
    flagForm.querySelector("input").focus();
  }

  function closeFlag() {
    flagForm.hidden = true;
    root.focus({ preventScroll: true });
  }

  function toggleGuidelines() {
    guidelines.hidden = !guidelines.hidden;
    buttons.guidelines.setAttribute("aria-expanded", String(!guidelines.hidden));
  }

  function toggleSide() {
    if (!config.side) return;
    record("side", { on: !sideIsOn() });
    live.textContent = `Side view ${sideIsOn() ? "on" : "off"}`;
  }

  function download(events, what) {
    const lines = events.map((event) => JSON.stringify(event) + "\n");
    const url = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    h("a", { href: url, download: `${config.assignment}-${config.name}-${what}.jsonl` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  // -- keyboard: nothing typed here may reach the notebook, where `d d` deletes a cell. JupyterLab hears a key after the
  // panel, Notebook 7 before it; so the panel listens at the window, before either.
  function onKey(event) {
    const { target } = event;
    if (!root.contains(target)) return;
    if (event.isComposing || event.keyCode === 229) return event.stopPropagation(); // an input method's, until it is done
    const key = keyOf(event);
    const command = event.ctrlKey || event.metaKey;
    if (!command && key !== "Escape" && key !== "Tab") event.stopPropagation();
    input = "key";
    const isTyping = target.matches("input, textarea, select");
    if (event.repeat && (isTyping ? key === "Enter" : !key.startsWith("Arrow") && key !== "Tab")) {
      event.preventDefault(); // a key held down is one gesture
      return event.stopPropagation();
    }
    if (key === "Escape" && !flagForm.hidden) {
      event.stopPropagation();
      return closeFlag();
    }
    if (flagForm.contains(target)) return;
    if (target === remarks.why) {
      if (!remarks.key(event, key)) return;
      event.preventDefault();
      return event.stopPropagation();
    }
    const isHandled = strip.key(event, key) || (current && kind.key(event, key, current, draft(), act));
    if (isHandled || sharedKey(event, key, command, isTyping)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  function sharedKey(event, key, command, isTyping) {
    if (command && key === "Enter") return next(), true;
    if (isTyping || event.altKey) return false;
    if (command && key === "z") return event.shiftKey ? redo() : undo(), true;
    if (command && key === "y") return redo(), true;
    if (command) return false;
    if (key === "Enter") return !event.target.matches(PRESSES) && !event.shiftKey && (next(), true);
    const actions = { u: undo, r: redo, s: skip, p: previous, o: strip.focus, n: remarks.toggle, w: remarks.focus, "!": openFlag, "?": toggleGuidelines, v: toggleSide };
    return key in actions && (actions[key](), true);
  }

  /** The second click of a double one is meant for what the first has changed. Moving and undoing may go fast. */
  function onClick(event) {
    if (event.detail > 1 && event.target.closest("button, .card") && !event.target.closest(".move, .line, [data-fast]")) event.stopPropagation();
  }

  function onPointer(event) {
    input = event.pointerType || "mouse";
    const { target } = event;
    if (target.closest(PRESSES) || !target.closest("button, input, textarea, select, a, [data-card]")) root.focus({ preventScroll: true });
  }

  /** A button that was clicked does not get the keyboard: Enter is then for "Next", and does not press it once more. */
  function onMouseDown(event) {
    if (event.target.closest(PRESSES)) event.preventDefault();
  }

  // -- time: only while the page can be seen
  const spent = () => clock.spent + (clock.since === null ? 0 : performance.now() - clock.since);
  const secondsSpent = () => Math.round(spent() / 100) / 10;

  /** The clock of the task on the screen goes on from where it stood when another was opened. */
  function turnClock() {
    if (clock.task) spentBefore.set(clock.task, spent());
    clock = { task: current?.id ?? null, spent: spentBefore.get(current?.id) ?? 0, since: visibleSince() };
  }

  function onVisibility() {
    if (document.hidden && clock.since !== null) clock = { ...clock, spent: spent(), since: null };
    else if (!document.hidden && clock.since === null) clock.since = performance.now();
  }

  function greet() {
    post({ type: "hello" });
  }

  function onStorage(event) {
    if (event.key !== null && !event.key.startsWith("topfive|")) return;
    if (event.key !== null && event.newValue === null) queue.removed(event.key);
    if (current) redraw();
    else refresh();
  }

  const leave = flush;

  if (kind.move) makeSortable(body, drop, drag);
  root.addEventListener("pointerdown", onPointer, true);
  root.addEventListener("mousedown", onMouseDown);
  root.addEventListener("click", onClick, true);
  root.addEventListener("compositionstart", () => (composing = true));
  root.addEventListener("compositionend", () => (composing = false));
  const listeners = [[document, "visibilitychange", onVisibility], [window, "storage", onStorage], [window, "topfive-saved", onSaved], [window, "online", greet], [window, "pagehide", leave],
    [window, "keydown", onKey, true]];
  for (const [target, ...rest] of listeners) target.addEventListener(...rest);
  model.on("msg:custom", receive);
  const heartbeat = setInterval(() => {
    if (!greeted && !isUnderWay()) greet();
    send();
    refresh();
  }, 1000);
  draw();
  greet();
  queue.load().then(() => {
    isDiskRead = true;
    redraw();
    send();
  });
  // A disk that never answers, as in some private windows, must not keep anybody from working.
  const patience = setTimeout(() => {
    isPatient = false;
    if (!isDiskRead) redraw();
  }, 3000);

  return () => {
    leave();
    clearInterval(heartbeat);
    clearTimeout(patience);
    model.off("msg:custom", receive);
    for (const [target, ...rest] of listeners) target.removeEventListener(...rest);
  };
}

/** Guidelines: paragraphs between empty lines, bullets after "- ". */
function paragraphs(text) {
  return (text ?? "").trim().split(/\n\s*\n/).map((block) => {
    const lines = block.split("\n").map((line) => line.trim());
    return lines.every((line) => line.startsWith("- "))
      ? h("ul", {}, lines.map((line) => h("li", {}, line.slice(2))))
      : h("p", {}, lines.join(" "));
  });
}

const kbd = (text) => h("kbd", {}, text);
