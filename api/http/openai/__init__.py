"""The face that OpenAI's clients know: models, chat completions, responses, embeddings, errors in their form."""
