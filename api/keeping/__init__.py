"""What the service keeps in a database: answers, conversations, reviews, feedback, keys, the audit log, webhooks.

``keeping.Keeping`` opens it and has one member for each noun.
"""
