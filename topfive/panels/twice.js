// Two questions about the same texts, for `compare` and `rank`.

/**
 * Two questions about the same texts, one after the other, as one kind. A draft is {asks, first, also}: which question
 * is on the screen, 0 or 1, and the draft of each.
 */
function askedTwice(first, also, question) {
  const kindAt = ({ asks }) => (asks ? also : first);
  const ownOf = (draft) => (draft.asks ? draft.also : draft.first);
  const put = (draft, own) => ({ ...draft, [draft.asks ? "also" : "first"]: own });
  const inside = (draft, act) => (own, ...rest) => act(put(draft, own), ...rest);
  const isAnswered = (task, draft) => typeof first.answer(task, draft.first) !== "string";
  const begin = (task, own) => own && { asks: 0, first: own, also: also.start(task) };
  const back = (draft) => [{ ...draft, asks: 0 }, "First question again."];
  return {
    ...first,
    start: (task) => begin(task, first.start(task)),

    read(task, draft) {
      if (!draft.first || !draft.also) return begin(task, first.read(task, draft.first ?? draft)); // from before there was a second question
      const [one, two] = [first.read(task, draft.first), also.read(task, draft.also)];
      return one && two && { asks: draft.asks ? 1 : 0, first: one, also: two };
    },

    reopened: (draft) => ({ ...draft, asks: 0 }),

    ask: (task, draft) => kindAt(draft).ask(task, ownOf(draft)),

    body(task, draft, act) {
      const step = (asks, gesture, disabled) => h("button", { type: "button", "data-focus": `question ${asks}`, disabled,
        "aria-current": draft.asks === asks ? "step" : null, onclick: () => draft.asks !== asks && act(...gesture()) },
        asks ? "Second question" : `First question${isAnswered(task, draft) ? " ✓" : ""}`);
      const steps = h("div", { class: "steps", role: "group", "aria-label": "two questions about the same" },
        step(0, () => back(draft)), step(1, () => [this.further(draft), `Second question: ${question}`], !isAnswered(task, draft)));
      return h("div", {}, steps, kindAt(draft).body(task, ownOf(draft), inside(draft, act)));
    },

    key(event, key, task, draft, act) {
      if (key === "Backspace" && draft.asks) return act(...back(draft)), true;
      return kindAt(draft).key(event, key, task, ownOf(draft), inside(draft, act));
    },

    move: first.move && ((task, draft, card, to) => {
      const [own, words] = kindAt(draft).move(task, ownOf(draft), card, to);
      return [put(draft, own), words];
    }),

    answer(task, draft) {
      const one = first.answer(task, draft.first);
      if (!draft.asks || typeof one === "string") return one;
      const two = also.answer(task, draft.also);
      return typeof two === "string" ? two : { ...one, also: { question, ...two } };
    },

    further: (draft) => (draft.asks ? null : { ...draft, asks: 1 }),
    isWhole: (event) => event.also instanceof Object && first.isWhole(event),
  };
}
