// Rate: one list, one to five, each number with an anchor in words. A draft is {rating}.

export default panel({
  noun: "rating",
  start: () => ({ rating: null }),

  ask() {
    return ["How good is this list? Press ", kbd("1"), "–", kbd("5"), " or use the arrows, then ", kbd("↵"), ". ", kbd("u"), " to undo."];
  },

  body(task, draft, act) {
    const anchors = rateAnchors();
    const option = (words, i) => h("button", { type: "button", role: "radio", "aria-checked": String(draft.rating === i + 1), "data-focus": `rating ${i + 1}`,
      tabindex: draft.rating === i + 1 || (draft.rating === null && i === 0) ? 0 : -1,
      onclick: () => act({ rating: i + 1 }, `${i + 1}: ${words}`) }, h("b", {}, String(i + 1)), ` ${words}`);
    return h("div", {}, h("div", { class: "cards" }, h("article", { class: "card" }, listOf(task.texts[0]))),
      h("div", { class: "scale", role: "radiogroup", "aria-label": "rating" }, anchors.map(option)));
  },

  key(event, key, task, draft, act) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const anchors = rateAnchors();
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[key];
    const asked = step ? (draft.rating ?? 3 - step) + step : Number(key);
    if (key === " " || !Number.isInteger(asked) || (!step && (asked < 1 || asked > 5))) return false;
    const rating = Math.min(5, Math.max(1, asked));
    const root = event.target.closest(".topfive");
    act({ rating }, `${rating}: ${anchors[rating - 1]}`);
    if (event.target.matches("[role=radio]")) root.querySelector("[aria-checked=true]")?.focus();
    return true;
  },

  answer(task, draft) {
    return draft.rating === null ? "Choose a number from 1 to 5." : { rating: draft.rating };
  },
});

function rateAnchors() {
  return ["useless", "poor", "fair", "good", "just what I asked for"];
}
