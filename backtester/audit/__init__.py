"""Did anything see the future? Cuts, other futures, and ledgers over every part that decides."""

from backtester.audit.auditing import audit_question, audit_run, quick_audit
from backtester.audit.finding import NOT_REPRODUCIBLE, Audit, Check, Leak
from backtester.audit.traps import Trap, selftest

__all__ = [
    "NOT_REPRODUCIBLE",
    "Audit",
    "Check",
    "Leak",
    "Trap",
    "audit_question",
    "audit_run",
    "quick_audit",
    "selftest",
]
