"""What can go wrong, as one tree.

    OslerError                 the root: catch this to catch everything of ours
    ├── InputError             what was given cannot be used (command line: exit code 2)
    │   ├── QuestionError      an empty or over-long question
    │   ├── CorpusError        a source file that breaks the corpus format
    │   ├── NotFoundError      a passage, source, snapshot or something kept that does not exist
    │   └── ConflictError      what is asked for does not go with what is kept, such as a decision before a review
    └── FailureError           what was given is right but the work failed (exit code 1)
        ├── SnapshotError      a snapshot that is missing, damaged or of another format
        ├── EncoderError       a model that cannot be loaded or does not reproduce its reference vectors
        ├── BusyError          another build holds the index, or another pull the folder
        ├── PullError          literature could not be fetched, or not be written
        ├── ModelError         a language model that does not answer, or with what cannot be used
        ├── AbandonedError     nobody waits for the answer any more
        └── StoreError         what is kept in the database cannot be read or written, or is damaged
            ├── StoreUnavailableError   the database does not answer, or is busy for too long; it may be tried again
            └── StoreFullError          there is no room to write; what was written before is whole

Every message names the subject, the offending value, what was expected and what to do.
"""


class OslerError(Exception):
    """Root of all errors raised by Osler. ``exit_code`` is what the command line ends with."""

    exit_code = 1


class InputError(OslerError):
    exit_code = 2


class QuestionError(InputError):
    pass


class CorpusError(InputError):
    pass


class NotFoundError(InputError):
    pass


class ConflictError(InputError):
    pass


class FailureError(OslerError):
    exit_code = 1


class SnapshotError(FailureError):
    pass


class EncoderError(FailureError):
    pass


class BusyError(FailureError):
    pass


class PullError(FailureError):
    pass


class ModelError(FailureError):
    pass


class AbandonedError(FailureError):
    pass


class StoreError(FailureError):
    pass


class StoreUnavailableError(StoreError):
    pass


class StoreFullError(StoreError):
    pass
