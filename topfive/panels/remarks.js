// How sure somebody is of an answer, and why: a key and a line, which may both be left alone.

/**
 * kept(): {sure, why} of the task on the screen; keep(change, words) makes an event of a change; isOff(): whether there
 * is nothing to remark on; back() gives the keyboard back to the panel.
 */
function makeRemarks({ kept, keep, next, back, isOff }) {
  let timer = null;
  const unsure = h("button", { type: "button", "aria-pressed": "false", "aria-keyshortcuts": "n", onclick: toggle }, "Not sure ", kbd("n"));
  const why = h("input", { type: "text", maxlength: 300, "aria-keyshortcuts": "w", autocomplete: "off", onblur: flush, oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(flush, TYPING_PAUSE);
  } });
  const node = h("div", { class: "remarks" }, unsure, h("label", {}, h("span", {}, "Why? ", kbd("w")), why));

  /** Make an event of what has been typed since the last pause. */
  function flush() {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    if (!isOff() && why.value.trim() !== kept().why) keep({ why: why.value.trim() });
  }

  function toggle() {
    if (isOff()) return;
    flush();
    const { sure } = kept();
    keep({ sure: !sure }, sure ? "Not sure." : "No longer marked as not sure.");
    refresh();
  }

  function refresh() {
    node.hidden = isOff();
    unsure.setAttribute("aria-pressed", String(!kept().sure));
    if (timer === null && why.value.trim() !== kept().why) why.value = kept().why;
  }

  /** In the line Enter and Escape go back to the panel, and Control+Enter is Next; the rest is typed. */
  function key(event, key) {
    if (key === "Enter" && (event.ctrlKey || event.metaKey)) next();
    else if (key !== "Enter" && key !== "Escape") return false;
    flush();
    return back(), true;
  }

  /** What an answer keeps of it: nothing, where nothing was said. */
  function fields() {
    const { sure, why } = kept();
    return { ...(!sure && { sure }), ...(why && { why }) };
  }

  return { node, why, flush, refresh, key, toggle, fields, focus: () => isOff() || why.focus() };
}
