"""Clusters: how the processes of a run are started, called and found dead.

`InOneProcess` calls everything at once in this process, for tests and to learn how a run proceeds;
`common.elastic.ray_cluster` starts actors.
"""

from common.errors import KitError


class Lost(KitError):
    """The process of a member is gone."""


class Answer:
    """The answer of a call that has been made already: a value or an exception."""

    def __init__(self, function, arguments):
        self.value = self.error = None
        try:
            self.value = function(*arguments)
        except Exception as error:  # noqa: BLE001  it is raised to who asks for the answer
            self.error = error


class Method:
    """A method of a member; `remote` calls it.

    Args:
        member (Member): whose method it is.
        name (str): of the method.
    """

    def __init__(self, member, name):
        self.member, self.name = member, name

    def remote(self, *arguments):
        """Calls the method (Answer)."""
        return Answer(self.member.call, (self.name, *arguments))


class Member:
    """A member of a run in this process; killed ones are built again, as an actor is.

    Args:
        make (Callable): builds it.
        arguments (tuple): of `make`.
    """

    def __init__(self, make, arguments):
        self.make, self.arguments, self.killed = make, arguments, False
        self.thing = make(*arguments)

    def call(self, name, *arguments):
        """Calls a method; raises Lost once after a kill."""
        if self.killed:
            self.killed, self.thing = False, self.make(*self.arguments)
            raise Lost(f"{self.make.__name__} is gone")
        return getattr(self.thing, name)(*arguments)

    def kill(self):
        """Forgets everything that the member has in memory."""
        self.killed = True

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Method(self, name)


class Links:
    """Links of a worker to the other members.

    Args:
        cluster (object): `get` and `is_lost`.
        coordinator (Member): and so on.
        shards (list[Member]): in order.
        dense (Member): the dense parameters.
    """

    def __init__(self, cluster, coordinator, shards, dense):
        self.cluster, self.coordinator, self.shards, self.dense = cluster, coordinator, shards, dense

    def get(self, answers):
        """The values of an answer, or of a list of them."""
        return self.cluster.get(answers)

    def is_lost(self, error):
        """True for the error of a process that is gone."""
        return self.cluster.is_lost(error)


class InOneProcess:
    """Everything in this process; a worker learns one part whenever it is looked at."""

    pause = 0.0

    def start(self, make, *arguments):
        """A new member."""
        return Member(make, arguments)

    def stop(self, member):
        """Ends a member."""

    def get(self, answers):
        """The values of an answer, or of a list of them; raises what was raised."""
        if isinstance(answers, list):
            return [self.get(answer) for answer in answers]
        if answers.error is not None:
            raise answers.error
        return answers.value

    def is_lost(self, error):
        """True for the error of a process that is gone."""
        return isinstance(error, Lost)

    def ready(self, answer):
        """True if an answer is there."""
        return True

    def work(self, worker):
        """Lets a worker begin; what it returns is given to `ready` and `get`."""
        return worker.turn.remote()

    def close(self):
        """Ends all members."""
