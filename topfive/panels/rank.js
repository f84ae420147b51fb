// Rank: put two to six lists, or the items of one list, in order. A draft is {groups, bad, tie}: groups of indices,
// best first; a group of several is a tie; `tie` means that the next one placed joins the last group.
// Or, in the mode "best and worst", say only these two. A draft is then {best, worst, bad}: indices or null.

const placed = (draft) => draft.groups.flat();
const unplaced = (task, draft) => task.shown.filter((index) => !placed(draft).includes(index));
const letterOf = (task, index) => LETTERS[task.shown.indexOf(index)];

/** The draft with the last card in its only possible place. */
function completed(task, draft) {
  const rest = unplaced(task, draft);
  if (rest.length !== 1) return draft;
  const groups = draft.groups.map((group) => [...group]);
  if (draft.tie && groups.length) groups.at(-1).push(rest[0]);
  else groups.push(rest);
  return { groups };
}

const without = (groups, index) => groups.map((group) => group.filter((other) => other !== index)).filter((group) => group.length);

/** Place a card next, or take it back if it has a place. */
function toggle(task, draft, index) {
  if (draft.bad) draft = rankStart();
  if (placed(draft).includes(index)) return { groups: without(draft.groups, index) };
  const groups = draft.groups.map((group) => [...group]);
  if (draft.tie && groups.length) groups.at(-1).push(index);
  else groups.push([index]);
  return { groups };
}

/** Put a card at a position of the order on screen; what stands before it then has a place too. */
function moveCard(task, draft, index, to) {
  const base = draft.bad ? rankStart() : draft;
  const before = orderOf(task, base).filter((other) => other !== index).slice(0, to);
  const groups = without(base.groups, index);
  for (const other of before) if (!groups.flat().includes(other)) groups.push([other]);
  const at = groups.filter((group) => group.every((other) => before.includes(other))).length;
  groups.splice(at, 0, [index]);
  return { groups };
}

/** Tie a card with the place before its own; if it is tied already, set it apart behind the others. */
function tieCard(task, draft, index) {
  const groups = completed(task, draft).groups.map((group) => [...group]);
  const at = groups.findIndex((group) => group.includes(index));
  if (at < 0) return draft;
  if (groups[at].length > 1) groups.splice(at, 1, groups[at].filter((other) => other !== index), [index]);
  else if (at > 0) groups.splice(at - 1, 2, [...groups[at - 1], index]);
  return { groups };
}

const orderOf = (task, draft) => [...placed(draft), ...unplaced(task, draft)];
const rankStart = () => ({ groups: [] });

/** Places from 1 by index; tied cards share the first of their places (1, 2, 2, 4). 0 where there is none yet. */
function ranksOf(task, draft) {
  const ranks = task.texts.map(() => 0);
  let place = 1;
  for (const group of completed(task, draft).groups) {
    for (const index of group) ranks[index] = draft.bad ? 1 : place;
    place += group.length;
  }
  return ranks;
}

const rank = ({ of, question }) => ({
  noun: "ranking",
  start: rankStart,

  read(task, draft) {
    const indices = Array.isArray(draft.groups) ? draft.groups.flat() : [-1];
    const isFit = new Set(indices).size === indices.length && indices.every((index) => index in task.texts);
    return isFit ? draft : null;
  },

  isWhole: (event) => Boolean(event.ranks),

  ask(task) {
    const last = LETTERS[task.texts.length - 1];
    const what = sentence(question ?? (of === "items" ? "which item should come first?" : "which list would you rather be handed?"));
    return [questionOf(what), " Best first: press ", kbd("a"), "–", kbd(last), " in order, click, drag, or use the arrows. ", kbd("="), " for a tie with the next, ",
      kbd("x"), " if none is good, ", kbd("u"), " to undo."];
  },

  body(task, draft, act) {
    const ranks = ranksOf(task, draft);
    const order = orderOf(task, draft);
    const say = (index, next) => {
      const place = ranksOf(task, next)[index];
      return `${letterOf(task, index)} ${place ? `is ${ordinal(place)}` : "has no place"}`;
    };
    const apply = (index, next) => act(next, say(index, next));
    const card = (index, position) => {
      const letter = letterOf(task, index);
      const place = ranks[index];
      const isTied = place > 0 && ranks.filter((other) => other === place).length > 1;
      const placeText = draft.bad ? "not good" : place ? ordinal(place) + (isTied ? " =" : "") : "–";
      const move = (label, text, next, disabled) => h("button", { type: "button", "aria-label": `${label} ${letter}`, title: label,
        "data-focus": `${label} ${index}`, disabled, onclick: () => apply(index, next()) }, text);
      return h("article", { class: `card r${place}`, role: "group", tabindex: 0, "data-card": index, "data-focus": `card ${index}`,
        "aria-label": `${letter}, ${place ? placeText : "no place yet"}`, onclick: (event) => {
          if (!event.target.closest("button")) apply(index, toggle(task, draft, index));
        } },
        h("div", { class: "top" }, h("span", { class: "handle", "data-handle": true, "aria-hidden": "true" }, "⋮⋮"),
          h("span", { class: "key" }, letter), h("span", { class: "place" }, placeText)),
        contentOf(task, index),
        h("div", { class: "move" },
          move("Move up", "▲", () => up(task, draft, index), position === 0 && place > 0),
          move("Move down", "▼", () => moveCard(task, completed(task, draft), index, position + 1), place === 0 || position === order.length - 1),
          move("Tie with the one before", "=", () => tieCard(task, draft, index), place === 0 || (position === 0 && !isTied))));
    };
    const foot = h("p", { class: "note" }, draft.tie ? "The next one ties with the last. " : "",
      h("button", { type: "button", "aria-pressed": String(Boolean(draft.bad)), "data-focus": "bad", onclick: () => act(...noneGood(task, draft)) }, "None is good"));
    return h("div", {}, h("div", { class: "cards" }, order.map(card)), foot);
  },

  move: moveTo,

  key(event, key, task, draft, act) {
    if (event.ctrlKey || event.metaKey) return false;
    const cards = [...event.target.closest(".topfive").querySelectorAll("[data-card]")];
    const focused = event.target.closest("[data-card]");
    const position = cards.indexOf(focused);
    const index = focused ? Number(focused.dataset.card) : null;
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[key];
    if (step && event.altKey) {
      const to = position + step;
      if (focused && to >= 0 && to < cards.length) act(...moveTo(task, completed(task, draft), index, to));
      return true;
    }
    if (step) return cards[focused ? Math.min(Math.max(position + step, 0), cards.length - 1) : 0].focus(), true;
    if (event.altKey) return false;
    const chosen = chosenBy(event, key, task);
    if (chosen !== undefined) {
      const next = toggle(task, draft, chosen);
      const place = ranksOf(task, next)[chosen];
      return act(next, `${letterOf(task, chosen)} ${place ? `is ${ordinal(place)}` : "has no place"}`), true;
    }
    if (key >= "1" && key <= String(cards.length)) {
      if (focused) act(...moveTo(task, completed(task, draft), index, Number(key) - 1));
      return true;
    }
    if (key === "=") return draft.groups.length && !draft.bad && act({ ...draft, tie: !draft.tie }, draft.tie ? "No tie" : "The next one ties"), true;
    if (key === "x") return act(...noneGood(task, draft)), true;
    return false;
  },

  answer(task, draft) {
    const ranks = ranksOf(task, draft);
    const missing = ranks.filter((place) => place === 0).length;
    if (missing) return `${missing} of ${ranks.length} still need a place.`;
    return { ranks, ...(draft.bad && { bad: true }) };
  },
});

const contentOf = (task, index) => task.texts[index].includes("\n") ? listOf(task.texts[index]) : h("p", { class: "item" }, task.texts[index]);

/** The gesture of moving a card to a position. */
function moveTo(task, draft, index, to) {
  const next = moveCard(task, draft, index, to);
  return [next, `${letterOf(task, index)} is ${ordinal(ranksOf(task, next)[index])}`];
}

/** The index that a key chooses: a letter's, or with the space bar that of the card which has the keyboard. */
function chosenBy(event, key, task) {
  const focused = event.target.closest("[data-card]");
  if (key === " " && focused && !event.target.matches("button")) return Number(focused.dataset.card);
  return task.shown[LETTERS.indexOf(key)];
}

function up(task, draft, index) {
  const full = completed(task, draft);
  if (!placed(full).includes(index)) return toggle(task, draft, index);
  return moveCard(task, full, index, orderOf(task, full).indexOf(index) - 1);
}

function noneGood(task, draft) {
  return draft.bad ? [rankStart(), "Nothing chosen"] : [{ groups: [[...task.shown]], bad: true }, "None is good"];
}

// ---- best and worst --------------------------------------------------------------------------------------------------

const ends = ["best", "worst"];
const endsStart = () => ({ best: null, worst: null });
const endOf = (draft, index) => ends.find((end) => draft[end] === index);

/** Name a card the best, or if there is one the worst; a card that is one of them already is so no more. */
function nameEnd(task, draft, index, end) {
  const from = draft.bad ? endsStart() : draft;
  const held = endOf(from, index);
  const wanted = end ?? (from.best === null ? "best" : "worst");
  const next = { ...from, ...(held && { [held]: null }) };
  const isTaken = held && (!end || held === end);
  if (!isTaken) next[wanted] = index;
  return [next, `${letterOf(task, index)} is ${isTaken ? `no longer the ${held}` : `the ${wanted}`}`];
}

const noEnd = (draft) => draft.bad ? [endsStart(), "Nothing chosen"] : [{ ...endsStart(), bad: true }, "None is good"];

const bestAndWorst = ({ of, question }) => ({
  noun: "choice",
  start: endsStart,
  read: (task, draft) => (ends.every((end) => end in draft && (draft[end] === null || draft[end] in task.texts)) ? draft : null),
  isWhole: (event) => event.mode === "best and worst" || Boolean(event.ranks),

  ask(task) {
    const what = sentence(question ?? `which ${of === "items" ? "items should come first, and last" : "list would you rather be handed, and which last of all"}?`);
    return [questionOf(what), " Press the letter of the best, ", kbd("a"), "–", kbd(LETTERS[task.texts.length - 1]), ", then of the worst, then ", kbd("↵"), ". ",
      kbd("x"), " if none is good, ", kbd("u"), " to undo."];
  },

  body(task, draft, act) {
    const card = (index) => {
      const letter = letterOf(task, index);
      const end = endOf(draft, index);
      const words = draft.bad ? "not good" : end ?? "–";
      const choose = (wanted) => h("button", { type: "button", "aria-pressed": String(end === wanted), "aria-label": `${letter} is the ${wanted}`, "data-focus": `${wanted} ${index}`,
        onclick: () => act(...nameEnd(task, draft, index, wanted)) }, sentence(wanted));
      return h("article", { class: `card ${{ best: "r1", worst: "worst" }[end] ?? ""}`, role: "group", tabindex: 0, "data-card": index, "data-focus": `card ${index}`,
        "aria-label": `${letter}, ${words === "–" ? "neither best nor worst" : words}`, onclick: (event) => {
          if (!event.target.closest("button")) act(...nameEnd(task, draft, index));
        } },
        h("div", { class: "top" }, h("span", { class: "key" }, letter), h("span", { class: "place" }, words)),
        contentOf(task, index), h("div", { class: "move" }, ends.map(choose)));
    };
    return h("div", {}, h("div", { class: "cards" }, task.shown.map(card)), h("p", { class: "note" },
      h("button", { type: "button", "aria-pressed": String(Boolean(draft.bad)), "data-focus": "bad", onclick: () => act(...noEnd(draft)) }, "None is good")));
  },

  key(event, key, task, draft, act) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const cards = [...event.target.closest(".topfive").querySelectorAll("[data-card]")];
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[key];
    if (step) return cards[Math.min(Math.max(cards.indexOf(event.target.closest("[data-card]")) + step, 0), cards.length - 1)].focus(), true;
    const chosen = chosenBy(event, key, task);
    if (chosen !== undefined) return act(...nameEnd(task, draft, chosen)), true;
    return key === "x" && (act(...noEnd(draft)), true);
  },

  answer(task, draft) {
    const mode = "best and worst";
    if (draft.bad) return { mode, bad: true };
    const missing = ends.find((end) => draft[end] === null);
    return missing ? `Which is the ${missing}?` : { mode, best: draft.best, worst: draft.worst };
  },
});

export default panel((config) => (config.mode === "best and worst" ? bestAndWorst(config) : rank(config)));
