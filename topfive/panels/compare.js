// Compare: two lists, which is better and by how much.

export default panel(({ question }) => pairOf({
  noun: "comparison",
  question: sentence(question ?? "Which list would you rather be handed?"),
  strengths: ["slightly better", "better", "much better"],
}));
