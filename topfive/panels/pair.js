// Two lists side by side, for `compare` and `blind`. A draft is {choice, bad}: choice is negative for the list shown
// first, positive for the second, 0 for a tie; its size is how much better (1 to 3).

/** A kind of task for `panel`. strengths: the sizes a choice may have, in words. */
function pairOf({ noun, question, strengths }) {
  const most = strengths.length;
  const usual = Math.ceil(most / 2);
  const scale = [...strengths.map((_, i) => i - most), 0, ...strengths.map((_, i) => i + 1)];
  const words = (choice) => choice === 0 ? "equally good" : `${choice < 0 ? "a" : "b"} is ${strengths[Math.abs(choice) - 1]}`;
  const choose = (choice) => [{ choice, bad: false }, words(choice)];
  const bad = () => [{ choice: 0, bad: true }, "both bad"];
  const isChosen = (draft, choice) => draft.choice === choice && !draft.bad;
  const option = (text, chosen, gesture, act, isTabStop) => h("button", { type: "button", role: "radio", "aria-checked": String(chosen),
    tabindex: isTabStop ? 0 : -1, "data-focus": text, onclick: () => act(...gesture) }, text);
  return {
    noun,
    start: () => ({ choice: null, bad: false }),
    read: (task, draft) => (draft.choice === null || scale.includes(draft.choice) ? draft : null),
    isWhole: () => true,

    ask() {
      return [questionOf(question), " ", kbd("a"), " or ", kbd("b"), most > 1 ? [", ", kbd("1"), "–", kbd(String(most)), " for how much, "] : ", ",
        kbd("="), " equally good, ", kbd("x"), " both bad, ", kbd("u"), " to undo."].flat();
    },

    body(task, draft, act) {
      const card = (index, side) => {
        const isBetter = !draft.bad && draft.choice !== null && Math.sign(draft.choice) === side;
        return h("article", { class: `card ${isBetter ? "r1" : ""}`, role: "group", tabindex: 0, "data-focus": `card ${side}`,
          "aria-label": `list ${side < 0 ? "a" : "b"}${index === task.suggested ? ", suggested by a model" : ""}${isBetter ? ", better" : ""}`, onclick: () => act(...choose(side * usual)) },
          h("div", { class: "top" }, h("span", { class: "key" }, side < 0 ? "a" : "b"),
            index === task.suggested ? h("span", { class: "note" }, "suggested by a model") : "", h("span", { class: "place" }, isBetter ? "better" : "–")),
          listOf(task.texts[index]));
      };
      const none = draft.choice === null && !draft.bad;
      return h("div", {}, h("div", { class: "cards" }, card(task.shown[0], -1), card(task.shown[1], 1)),
        h("div", { class: "scale", role: "radiogroup", "aria-label": question },
          scale.map((choice, i) => option(words(choice), isChosen(draft, choice), choose(choice), act, isChosen(draft, choice) || (none && i === 0))),
          option("both bad", draft.bad, bad(), act, draft.bad)));
    },

    key(event, key, task, draft, act) {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      const at = draft.choice ?? 0;
      const gestures = {
        a: () => choose(-usual), b: () => choose(usual), "=": () => choose(0), x: bad,
        ArrowLeft: () => choose(Math.max(-most, at - 1)), ArrowRight: () => choose(Math.min(most, at + 1)),
      };
      for (let size = 1; size <= most && most > 1; size++) gestures[size] = () => choose((Math.sign(at) || -1) * size);
      const gesture = gestures[key];
      if (!gesture) return false;
      const root = event.target.closest(".topfive");
      act(...gesture());
      if (event.target.matches("[role=radio]")) root.querySelector("[aria-checked=true]")?.focus();
      return true;
    },

    answer(task, draft) {
      if (draft.choice === null) return "Choose a side, a tie, or both bad.";
      const [first, second] = task.shown;
      const ranks = [1, 1];
      if (draft.choice !== 0) ranks[draft.choice < 0 ? second : first] = 2;
      return { ranks, ...(most > 1 && { strength: Math.abs(draft.choice) }), ...(draft.bad && { bad: true }) };
    },
  };
}
