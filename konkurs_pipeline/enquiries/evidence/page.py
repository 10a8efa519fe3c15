"""The page of evidence: one HTML file that needs no other, for screen and paper. Pure: facts in, text out.

What does not belong here: the markup (templates/evidence.html), the sentences (summary), the steps in time (clock).
"""

from __future__ import annotations

from konkurs_pipeline.enquiries.evidence.clock import clock_of
from konkurs_pipeline.enquiries.evidence.facts import Case
from konkurs_pipeline.enquiries.evidence.summary import summary_of
from konkurs_pipeline.enquiries.pages import render


def page_of(case: Case) -> str:
    """Return the page as a whole HTML document."""
    subject = f"bankruptcy {case.opening_uuid}" if case.opening_uuid else f"notice {case.notices[0].uuid}"
    return render(
        "evidence.html",
        title=f"Evidence: {subject}",
        case=case,
        summary=summary_of(case),
        clocks=[(notice, clock_of(case, notice)) for notice in case.notices],
    )
