"""With a language model: its words for what the quotes of an article say, each sentence verified before it is shown.

evidence ─prompted→ request ─model→ pieces ─lines→ Line ─checking→ Accepted | Refused ─rewriting→ Answer
"""
