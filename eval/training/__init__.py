"""How models that ship with the product are trained: from public data, with a record of where they come from."""
