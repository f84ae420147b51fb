// Blind: two lists from two policies. Who wrote which is revealed only when every pair is judged.

export default panel(() => pairOf({
  noun: "blind pair",
  question: "Which list would you rather be handed? You will learn at the end who wrote which.",
  strengths: ["better"],
}));
