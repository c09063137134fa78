"""The facts of all models, and what is made from them: tables, the choice of a model, a page with plots."""
