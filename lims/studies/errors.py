"""What studies refuse."""

from lims.core.errors import Conflict, NotFound, RuleBroken


class StudyUnknown(NotFound):
    """No study of this code has been loaded."""

    code = "study_unknown"


class SubjectUnknown(NotFound):
    """No participant or donor has this number."""

    code = "subject_unknown"


class StepOutOfOrder(Conflict):
    """Something that must come first has not been done."""

    code = "step_out_of_order"


class NotEligible(RuleBroken):
    """A criterion is not met, or not answered."""

    code = "not_eligible"


class ConsentMissing(Conflict):
    """No consent in force covers the step."""

    code = "consent_missing"


class ListExhausted(Conflict):
    """No sealed row is left, or none was imported."""

    code = "allocation_list_exhausted"


class StudyPinned(Conflict):
    """Another version of the study file is in force."""

    code = "study_pinned"


class Withdrawn(Conflict):
    """The participant has withdrawn."""

    code = "withdrawn"


class Erased(Conflict):
    """Her identity was erased."""

    code = "identity_erased"


class RetentionRuns(Conflict):
    """Something of hers has to stay traceable, so her identity is kept."""

    code = "retention_runs"
