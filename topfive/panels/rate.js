// Rate: one list, one to five on each scale, each number with an anchor in words. A draft is {ratings, at}: the ratings
// by scale, and the number of the scale that the next digit is for.

function rate({ scales }) {
  const isAlone = scales.length === 1;
  const pointOf = (draft, scale) => draft.ratings[scale.name] ?? null;

  /** The gesture of choosing a point; with several scales the next one that is open is asked. */
  function choose(draft, at, point) {
    const scale = scales[at];
    const ratings = { ...draft.ratings, [scale.name]: point };
    const open = scales.findIndex(({ name }) => !(name in ratings));
    const words = `${isAlone ? "" : `${scale.name} `}${point}: ${scale.anchors[point - 1]}`;
    return [{ ratings, at: open < 0 ? at : open }, open < 0 ? words : `${words}. ${scales[open].question}`];
  }

  return {
    noun: "rating",
    start: () => ({ ratings: {}, at: 0 }),

    read(task, draft) {
      if (draft.rating) return { ratings: { [scales[0].name]: draft.rating }, at: Math.min(1, scales.length - 1) }; // from before there were scales
      const ratings = Object.entries(draft.ratings ?? {}).filter(([name]) => scales.some((scale) => scale.name === name));
      return { ratings: Object.fromEntries(ratings), at: Math.min(draft.at || 0, scales.length - 1) };
    },

    isWhole: (event) => isAlone || scales.every(({ name }) => name in Object(event.ratings)),

    ask() {
      const what = isAlone ? `${scales[0].question} Press ` : `${["No", "One", "Two", "Three", "Four"][scales.length] ?? scales.length} questions about this list. For each press `;
      const along = isAlone ? [" or use the arrows, then "] : [", ", kbd("↑"), kbd("↓"), " for the other question, then "];
      return [what, kbd("1"), "–", kbd("5"), ...along, kbd("↵"), ". ", kbd("u"), " to undo."];
    },

    body(task, draft, act) {
      const option = (scale, at) => (words, i) => {
        const point = pointOf(draft, scale);
        return h("button", { type: "button", role: "radio", "aria-checked": String(point === i + 1), "data-focus": `rating ${at} ${i + 1}`,
          tabindex: point === i + 1 || (point === null && i === 0) ? 0 : -1, onclick: () => act(...choose(draft, at, i + 1)) }, h("b", {}, String(i + 1)), ` ${words}`);
      };
      const row = (scale, at) => h("div", { class: `asked ${!isAlone && at === draft.at ? "now" : ""}` }, !isAlone && h("p", {}, scale.question),
        h("div", { class: "scale", role: "radiogroup", "aria-label": scale.question, "data-scale": at }, scale.anchors.map(option(scale, at))));
      return h("div", {}, h("div", { class: "cards" }, h("article", { class: "card" }, listOf(task.texts[0]))), scales.map(row));
    },

    key(event, key, task, draft, act) {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      const root = event.target.closest(".topfive");
      const group = event.target.closest("[data-scale]");
      const at = group ? Number(group.dataset.scale) : draft.at;
      const refocus = (scale) => group && root.querySelector(`[data-scale="${scale}"] [tabindex="0"]`)?.focus();
      const along = isAlone ? 0 : { ArrowUp: -1, ArrowDown: 1 }[key] ?? 0;
      if (along) {
        const to = Math.min(Math.max(at + along, 0), scales.length - 1);
        act({ ...draft, at: to }, scales[to].question);
        return refocus(to), true;
      }
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[key];
      const asked = step ? (pointOf(draft, scales[at]) ?? 3 - step) + step : Number(key);
      if (key === " " || !Number.isInteger(asked) || (!step && (asked < 1 || asked > 5))) return false;
      const [next, words] = choose(draft, at, Math.min(5, Math.max(1, asked)));
      act(step ? { ...next, at } : next, words); // arrows try out, a digit settles
      return refocus(step ? at : next.at), true;
    },

    answer(task, draft) {
      const missing = scales.find((scale) => pointOf(draft, scale) === null);
      if (missing) return `Choose a number from 1 to 5${isAlone ? "." : `: ${missing.question}`}`;
      return { rating: pointOf(draft, scales[0]), ...(!isAlone && { ratings: Object.fromEntries(scales.map((scale) => [scale.name, pointOf(draft, scale)])) }) };
    },
  };
}

export default panel(rate);
