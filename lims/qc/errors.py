"""What quality control refuses."""

from lims.core.errors import Conflict, NotFound, RuleBroken


class NoSuchTest(NotFound):
    """The lot's specification has no such test."""

    code = "no_such_test"


class ResultStands(Conflict):
    """The test has a result; it stays."""

    code = "result_stands"


class OwnResult(RuleBroken):
    """Nobody reviews her own result."""

    code = "own_result"


class FileKnown(Conflict):
    """These bytes were imported before."""

    code = "file_known"


class WrongSample(RuleBroken):
    """The file names another sample than the one scanned."""

    code = "wrong_sample"


class FindingUnknown(NotFound):
    """No finding has this reference."""

    code = "finding_unknown"
