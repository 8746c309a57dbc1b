"""What the evidence supports: skill, drift, luck or search."""

from backtester.judgement.evidence import Evidence
from backtester.judgement.judge import judge
from backtester.judgement.verdict import Answer, verdict

__all__ = ["Answer", "Evidence", "judge", "verdict"]
