// Compare: two lists, which is better and by how much.

export default panel(pairOf({
  noun: "comparison",
  question: "Which list would you rather be handed?",
  strengths: ["slightly better", "better", "much better"],
}));
