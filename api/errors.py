"""The errors that a user can fix. Each message gives the value, the rule it breaks and the cure.

The command line prints them in one line, without a traceback; any other exception is a bug. An
error has its own class only if a caller may want to handle it separately.
"""


class Error(ValueError):
    """Base of all errors that a user can fix."""


class BadSettings(Error):
    """A setting out of its range, settings that do not fit together, or an unknown one."""


class BadVideo(Error):
    """Nothing of a video can be decoded, more is lost than allowed, or a copy cannot be written."""


class TooShort(BadVideo):
    """A video with fewer frames than one segment, and a tail rule that drops them."""


class FramesTooSmall(BadVideo):
    """Frames smaller than the crop of a backbone."""


class NoVideos(Error):
    """No video was found where one was expected."""


class UnknownVideo(Error):
    """A name that is not among the videos of a run or data set."""


class BadFile(Error):
    """A file that is damaged, or not of the expected kind."""


class BadFeatures(Error):
    """Features with a wrong shape, values that are not finite, or videos that do not match."""


class CannotLabel(Error):
    """Pseudo-labels cannot be made from these features."""


class BadLabels(Error):
    """Labels that are incomplete, out of range, or of another feature set."""


class BadScores(Error):
    """Scores that are missing, out of range, or of a wrong length."""


class BadAnnotation(Error):
    """Annotations, masks, lists or counts that cannot be read or do not fit the videos."""


class BadDetector(Error):
    """A detector file that cannot be read, or a detector of other features."""


class OtherVersion(BadDetector):
    """A detector of another version, whose scores this version cannot compute."""


class BadWeights(Error):
    """Weights that are missing, damaged, or of another network."""


class MissingDevice(Error):
    """A device that was asked for and is not there, or has failed."""


class MissingPackage(Error):
    """An optional package is needed; the message names the extra to install."""


class FolderInUse(Error):
    """Another run writes to the folder."""


class TrainingDiverged(Error):
    """The loss is no longer a number."""


class WorkersDied(Error):
    """The processes of a device or of a cluster died again and again."""


class NoCluster(Error):
    """A Ray cluster cannot be reached or has no machine for the work."""
