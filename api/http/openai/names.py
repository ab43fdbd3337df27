"""The models of this face: one for each audience."""

from __future__ import annotations

from typing import Final

from api.http.problems import NOT_FOUND, ProblemError
from rag.domain import Audience

#: Identifier of a model to whom it answers, and what people call it.
MODELS: Final = {
    "osler-clinician": (Audience.CLINICIAN, "Osler for clinicians"),
    "osler-trainee": (Audience.TRAINEE, "Osler for trainees"),
    "osler-patient": (Audience.PATIENT, "Osler for patients"),
}


def audience_of(model: str) -> Audience:
    """Whom a model answers. Raises ``ProblemError`` for one that is not here."""
    if model not in MODELS:
        raise ProblemError(NOT_FOUND, f"no such model here; expected one of {', '.join(MODELS)}", where="body.model")
    return MODELS[model][0]
