"""Hooks of schemathesis: made-up ids become those of tests that are there, and each answer is noted.

OPENAPI_TEST_IDS are "id,id,...", of which the first is never deleted; OPENAPI_ANSWERS is the file for "METHOD path code" lines.
"""

import itertools
import os
import re

import schemathesis

KEPT, *SPARE = os.environ["OPENAPI_TEST_IDS"].split(",")
SPARE_IDS = iter(SPARE)
TURNS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    made_up = (case.path_parameters or {}).get("id", "")
    # Ids that are wrong on purpose stay wrong, and every fourth stays unknown.
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", str(made_up)) or next(TURNS) % 4 == 3:
        return
    case.path_parameters["id"] = next(SPARE_IDS, made_up) if case.method == "DELETE" else KEPT
    # A note is all that may be changed, and a name in the body must be that in the path.
    if case.method == "PATCH" and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        case.body = {"note": str(case.body.get("note", ""))[:1000]}
        case.query.pop("update_mask", None)


@schemathesis.hook
def after_call(context, case, response):
    with open(os.environ["OPENAPI_ANSWERS"], "a", encoding="utf-8") as answers:
        answers.write(f"{case.method} {case.path} {response.status_code}\n")
